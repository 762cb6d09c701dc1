#include "import/responses.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/agree.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "import/stream.h"
#include "study/write.h"

static chi_status make_folder(const char *path)
{
  if (mkdir(path, 0777) == 0 || errno == EEXIST) return CHI_OK;
  return chi_fail(CHI_ERR_IO, "%s: cannot be made: %s", path, strerror(errno));
}

/* By rank 0: the folders, and whether there is a file of this name. */
static chi_status prepare(const char *study, const char *path, bool overwrite)
{
  char folder[PATH_MAX];
  struct stat info;
  if (lstat(path, &info) == 0 && (!overwrite || !S_ISREG(info.st_mode)))
    return chi_fail(
        CHI_ERR_USAGE, "%s: is there already; %s", path,
        S_ISREG(info.st_mode) ? "--overwrite replaces it" : "and is no regular file, so it stays");
  CHI_TRY(make_folder(study));
  snprintf(folder, sizeof folder, "%s/responses", study);
  return make_folder(folder);
}

/* All of the file but the numbers; borrows from the plan and from its own arrays. */
typedef struct description {
  chi_response_header header;
  const char **electrode, **region;
  float *xyz; /* 3 x n_electrodes */
} description;

static chi_status describe(const chi_plan *p, description *d)
{
  const chi_treatment *t = &p->treatment;
  const int64_t n = p->n_electrodes;
  CHI_TRY(chi_alloc(n, sizeof *d->electrode, "electrodes", &d->electrode));
  CHI_TRY(chi_alloc(n, sizeof *d->region, "regions", &d->region));
  CHI_TRY(chi_alloc(3 * n, sizeof *d->xyz, "coordinates", &d->xyz));
  for (int64_t i = 0; i < n; i++) {
    const chi_channel *c = &p->channels.item[p->electrode[i].channel];
    d->electrode[i] = c->name;
    d->region[i] = c->region;
    for (int k = 0; k < 3; k++) d->xyz[k * n + i] = c->xyz[k];
  }
  d->header = (chi_response_header){.subject = p->subject,
                                    .alignment = p->alignment,
                                    .units = t->units != NULL ? t->units
                                             : t->zscore      ? "z"
                                                              : "uV",
                                    .n_events = p->n_events,
                                    .n_electrodes = n,
                                    .n_times = p->bins.n,
                                    .electrode = d->electrode,
                                    .region = p->has_regions ? d->region : NULL,
                                    .x = p->has_places ? d->xyz : NULL,
                                    .y = d->xyz + n,
                                    .z = d->xyz + 2 * n,
                                    .space = "elec_coords_full.csv",
                                    .time = p->bins.time,
                                    .bin_width = p->bins.width,
                                    .onset = p->onset,
                                    .session = p->session_of,
                                    .row = p->row,
                                    .sampling_rate = p->rate,
                                    .source = p->source};
  return CHI_OK;
}

static void description_free(description *d)
{
  chi_free(d->electrode);
  chi_free(d->region);
  chi_free(d->xyz);
}

/* What this rank holds at most: one session's responses, and what streams by. */
static chi_status check_memory(const chi_plan *p, int64_t n, int64_t *n_numbers)
{
  int64_t most = 0;
  for (int64_t i = 0; i < p->n_sessions; i++)
    if (p->session[i].n_events > most) most = p->session[i].n_events;
  *n_numbers = most * n * p->bins.n;
  const double bytes = 4.0 * (double)*n_numbers + chi_stream_bytes(p, n);
  if (bytes < (double)chi_memory_available()) return CHI_OK;
  return chi_fail(CHI_ERR_MEMORY,
                  "%lld electrodes need %.1f GB on a rank, and %.1f GB are free; use "
                  "more ranks on more nodes",
                  (long long)n, 1e-9 * bytes, 1e-9 * (double)chi_memory_available());
}

static chi_status fill(MPI_Comm comm, const chi_plan *p, chi_writer *writer,
                       chi_stream_report *report)
{
  int rank, size;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  const int64_t first = p->n_electrodes * rank / size;
  const int64_t n = p->n_electrodes * (rank + 1) / size - first;
  float *numbers = NULL;
  int64_t n_numbers;
  chi_status s = check_memory(p, n, &n_numbers);
  if (s == CHI_OK) s = chi_alloc(n_numbers, sizeof *numbers, "responses", &numbers);
  s = chi_agree(comm, s);
  for (int64_t i = 0; i < p->n_sessions && s == CHI_OK; i++) {
    s = chi_stream(comm, p, i, first, n, numbers, report);
    if (s == CHI_OK)
      s = chi_writer_put(writer, p->session[i].first_event, p->session[i].n_events, first, n,
                         numbers);
    s = chi_agree(comm, s);
  }
  chi_free(numbers);
  return s;
}

/* The notes of the plan. */
static void say_notes(const chi_plan *p)
{
  for (const char *at = p->notes.s; at != NULL && *at != '\0';) {
    const int n = (int)strcspn(at, "\n");
    const bool warning = *at == '!';
    chi_log(warning ? CHI_LOG_WARNING : CHI_LOG_INFO, "%.*s", n - warning, at + warning);
    at += n + (at[n] == '\n');
  }
}

/* What was made of what. Collective. */
static void say_done(MPI_Comm comm, const chi_plan *p, const char *path,
                     const chi_stream_report *mine, double seconds)
{
  double local[] = {(double)mine->n_constant, (double)mine->n_offset, mine->bytes,
                    (double)chi_memory_peak()},
         sum[4], most;
  int rank;
  MPI_Comm_rank(comm, &rank);
  MPI_Reduce(local, sum, 4, MPI_DOUBLE, MPI_SUM, 0, comm);
  MPI_Reduce(&local[3], &most, 1, MPI_DOUBLE, MPI_MAX, 0, comm);
  if (rank != 0) return;
  if (sum[0] > 0)
    chi_log(CHI_LOG_WARNING, "%s: %.0f electrodes are constant throughout a recording", path,
            sum[0]);
  if (sum[1] > 0)
    chi_log(CHI_LOG_WARNING,
            "%s: %.0f electrodes have an offset over 100 times their spread, which "
            "costs float32 digits; --high-pass or --zscore takes it away",
            path, sum[1]);
  chi_log(CHI_LOG_INFO, "%s: %lld events x %lld electrodes x %lld bins", path,
          (long long)p->n_events, (long long)p->n_electrodes, (long long)p->bins.n);
  chi_log(CHI_LOG_INFO,
          "read %.1f MB as float64 in %.1f s (%.0f MB/s); peak memory of a rank %.0f MB",
          1e-6 * sum[2], seconds, 1e-6 * sum[2] / seconds, 1e-6 * most);
}

chi_status chi_import_responses(MPI_Comm comm, const chi_plan *plan, const char *study,
                                bool overwrite)
{
  char path[PATH_MAX];
  int rank;
  description d = {0};
  chi_writer *writer = NULL;
  chi_stream_report report = {0};
  const double start = chi_clock_now();
  MPI_Comm_rank(comm, &rank);
  chi_status s = CHI_OK;
  if (snprintf(path, sizeof path, "%s/responses/%s.%s.h5", study, plan->subject, plan->alignment) >=
      PATH_MAX - 16)
    s = chi_fail(CHI_ERR_USAGE, "the study's path is too long");
  if (s == CHI_OK) s = describe(plan, &d);
  if (s == CHI_OK && rank == 0) s = prepare(study, path, overwrite);
  s = chi_agree(comm, s);
  if (s != CHI_OK) goto cleanup;
  if (rank == 0) say_notes(plan);
  s = chi_writer_create_shared(comm, path, &d.header, &writer);
  if (s == CHI_OK) s = fill(comm, plan, writer, &report);
  s = chi_writer_finish(&writer, s);
  if (s == CHI_OK) say_done(comm, plan, path, &report, chi_clock_now() - start);
cleanup:
  description_free(&d);
  return s;
}
