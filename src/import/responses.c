#include "import/responses.h"

#include <string.h>
#include <sys/stat.h>

#include "base/agree.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "import/stream.h"
#include "study/write.h"

/* By rank 0: the folders, and whether there is a file of this name. */
static chi_status prepare(const char *study, const char *path, bool overwrite)
{
  char folder[PATH_MAX];
  struct stat info;
  if (lstat(path, &info) == 0 && (!overwrite || !S_ISREG(info.st_mode)))
    return chi_fail(
        CHI_ERR_USAGE, "%s: is there already; %s", path,
        S_ISREG(info.st_mode) ? "--overwrite replaces it" : "and is no regular file, so it stays");
  CHI_TRY(chi_folder_make(study));
  CHI_TRY(chi_path_join(folder, study, "responses"));
  return chi_folder_make(folder);
}

/* All of the file but the numbers; borrows from the recordings and from its own arrays. */
typedef struct description {
  chi_response_header header;
  const char **electrode, **region;
  float *xyz; /* 3 x n_electrodes */
  double *onset;
  int32_t *session;
  int64_t *row;
} description;

static chi_status describe_electrodes(const chi_raw *r, description *d)
{
  const int64_t n = r->n_electrodes;
  CHI_TRY(chi_alloc(n, sizeof *d->electrode, "electrodes", &d->electrode));
  CHI_TRY(chi_alloc(n, sizeof *d->region, "regions", &d->region));
  CHI_TRY(chi_alloc(3 * n, sizeof *d->xyz, "coordinates", &d->xyz));
  for (int64_t i = 0; i < n; i++) {
    const chi_channel *c = &r->channel[r->electrode[i].channel];
    d->electrode[i] = c->name;
    d->region[i] = c->region;
    for (int k = 0; k < 3; k++) d->xyz[k * n + i] = c->xyz[k];
  }
  return CHI_OK;
}

static chi_status describe_events(const chi_raw *r, description *d)
{
  CHI_TRY(chi_alloc(r->n_events, sizeof *d->onset, "events", &d->onset));
  CHI_TRY(chi_alloc(r->n_events, sizeof *d->session, "events", &d->session));
  CHI_TRY(chi_alloc(r->n_events, sizeof *d->row, "events", &d->row));
  for (int64_t i = 0; i < r->n_events; i++) {
    d->onset[i] = (double)r->event[i].sample / r->rate;
    d->session[i] = r->event[i].session;
    d->row[i] = r->event[i].table_row;
  }
  return CHI_OK;
}

static chi_status describe(const chi_raw *r, description *d)
{
  const chi_treatment *t = &r->treatment;
  const int64_t n = r->n_electrodes;
  const char *units = t->zscore ? "z" : "uV";
  CHI_TRY(describe_electrodes(r, d));
  CHI_TRY(describe_events(r, d));
  d->header = (chi_response_header){.subject = r->subject,
                                    .alignment = r->alignment,
                                    .units = t->units != NULL ? t->units : units,
                                    .n_events = r->n_events,
                                    .n_electrodes = n,
                                    .n_times = r->bins.n,
                                    .electrode = d->electrode,
                                    .region = r->has_regions ? d->region : NULL,
                                    .x = r->has_places ? d->xyz : NULL,
                                    .y = d->xyz + n,
                                    .z = d->xyz + 2 * n,
                                    .space = "elec_coords_full.csv",
                                    .time = r->bins.time,
                                    .bin_width = r->bins.width,
                                    .onset = d->onset,
                                    .session = d->session,
                                    .row = d->row,
                                    .sampling_rate = r->rate,
                                    .source = r->source};
  return CHI_OK;
}

static void description_free(description *d)
{
  void *const owned[] = {d->electrode, d->region, d->xyz, d->onset, d->session, d->row};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) chi_free(owned[i]);
}

/* What this rank holds at most: one session's responses, and what streams by. */
static chi_status check_memory(const chi_raw *r, int64_t n, int64_t *n_numbers)
{
  int64_t most = 0;
  for (int64_t i = 0; i < r->n_sessions; i++)
    if (r->session[i].n_events > most) most = r->session[i].n_events;
  *n_numbers = most * n * r->bins.n;
  const double bytes = 4.0 * (double)*n_numbers + chi_stream_bytes(r, n);
  if (bytes < (double)chi_memory_available()) return CHI_OK;
  return chi_fail(CHI_ERR_MEMORY,
                  "%lld electrodes need %.1f GB on a rank, and %.1f GB are free; use "
                  "more ranks on more nodes",
                  (long long)n, 1e-9 * bytes, 1e-9 * (double)chi_memory_available());
}

static chi_status fill(MPI_Comm comm, const chi_raw *r, chi_writer *writer,
                       chi_stream_report *report)
{
  int rank, size;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  const int64_t first = r->n_electrodes * rank / size;
  const int64_t n = r->n_electrodes * (rank + 1) / size - first;
  float *numbers = NULL;
  int64_t n_numbers;
  chi_status s = check_memory(r, n, &n_numbers);
  if (s == CHI_OK) s = chi_alloc(n_numbers, sizeof *numbers, "responses", &numbers);
  s = chi_agree(comm, s);
  for (int64_t i = 0; i < r->n_sessions && s == CHI_OK; i++) {
    s = chi_stream(comm, r, i, first, n, numbers, report);
    if (s == CHI_OK)
      s = chi_writer_put(writer, r->session[i].first_event, r->session[i].n_events, first, n,
                         numbers);
    s = chi_agree(comm, s);
  }
  chi_free(numbers);
  return s;
}

/* What was found while the recordings were looked through. */
static void say_notes(const chi_raw *r)
{
  for (const char *at = r->notes.s; at != NULL && *at != '\0';) {
    const int n = (int)strcspn(at, "\n");
    const bool warning = *at == '!';
    chi_log(warning ? CHI_LOG_WARNING : CHI_LOG_INFO, "%.*s", n - warning, at + warning);
    at += n + (at[n] == '\n');
  }
}

/* What was made of what. Collective. */
static void say_done(MPI_Comm comm, const chi_raw *r, const char *path,
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
          (long long)r->n_events, (long long)r->n_electrodes, (long long)r->bins.n);
  chi_log(CHI_LOG_INFO,
          "read %.1f MB as float64 in %.1f s (%.0f MB/s); peak memory of a rank %.0f MB",
          1e-6 * sum[2], seconds, 1e-6 * sum[2] / seconds, 1e-6 * most);
}

chi_status chi_import_responses(MPI_Comm comm, const chi_raw *raw, const char *study,
                                bool overwrite)
{
  char path[PATH_MAX];
  int rank;
  description d = {0};
  chi_writer *writer = NULL;
  chi_stream_report report = {0};
  const double start = chi_clock_now();
  MPI_Comm_rank(comm, &rank);
  chi_status s = chi_path_format(path, study, "responses/%s.%s.h5", raw->subject, raw->alignment);
  if (s == CHI_OK) s = describe(raw, &d);
  if (s == CHI_OK && rank == 0) s = prepare(study, path, overwrite);
  s = chi_agree(comm, s);
  if (s != CHI_OK) goto cleanup;
  if (rank == 0) say_notes(raw);
  s = chi_writer_create_shared(comm, path, &d.header, &writer);
  if (s == CHI_OK) s = fill(comm, raw, writer, &report);
  s = chi_writer_finish(&writer, s);
  if (s == CHI_OK) say_done(comm, raw, path, &report, chi_clock_now() - start);
cleanup:
  description_free(&d);
  return s;
}
