#include "import/responses.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/agree.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "import/treatment.h"
#include "study/write.h"

enum { LANES = CHI_FILTER_LANES, TAG = 1 };
enum { PIECE = 1 << 15 }; /* samples that are read and treated at a time */

/* What was seen of this rank's electrodes on the way. */
typedef struct stream_report {
  int64_t n_constant; /* electrodes that say the same thing throughout */
  int64_t n_offset;   /* whose offset is so large that float32 keeps few digits of the signal */
  double bytes;       /* of float64 samples gone through */
} stream_report;

typedef struct stream {
  MPI_Comm comm;
  int rank, size;
  const chi_raw *recordings;
  int64_t n; /* electrodes of this rank */
  const chi_electrode *electrode;
  int64_t piece;
  chi_signals *signals;
  int64_t n_sources;
  int64_t *source; /* n_sources channels, ascending */
  int64_t *slot;   /* where a channel is among these */
  double *raw;     /* n_sources x piece */
  double *average; /* piece; with a common average */
  chi_filter filter;
  chi_filter_state *state; /* one for each LANES electrodes */
  double *signal;          /* LANES x piece: one after the other */
  double *amplitude;       /* piece */
  double *room;            /* of chi_bins_push */
  chi_envelope **envelope; /* n, or NULL without */
  chi_bins **bins;         /* n */
} stream;

/* Fewer samples at a time where there are very many electrodes; the same on every rank. */
static int64_t choose_piece(const chi_raw *raw)
{
  int64_t piece = PIECE;
  while (piece > PIECE / 16 && raw->n_electrodes * piece > (INT64_C(1) << 24)) piece /= 2;
  return piece;
}

/* What a stream of n electrodes takes, beside its results. */
static double stream_bytes(const chi_raw *raw, int64_t n)
{
  const double piece = (double)choose_piece(raw), event = (double)chi_bins_room(&raw->bins, 0);
  return 8 * ((double)n * (piece + event) + piece * (LANES + 3) + event);
}

/* The channels that this rank reads, each once. */
static chi_status list_sources(stream *s)
{
  const int64_t n_channels = s->recordings->n_channels;
  CHI_TRY(chi_alloc(n_channels, sizeof *s->source, "channels", &s->source));
  CHI_TRY(chi_alloc(n_channels, sizeof *s->slot, "channels", &s->slot));
  for (int64_t i = 0; i < s->n; i++) {
    const chi_electrode *e = &s->electrode[i];
    s->slot[e->channel] = 1;
    if (e->before >= 0) s->slot[e->before] = s->slot[e->after] = 1;
  }
  for (int64_t c = 0; c < n_channels; c++)
    if (s->slot[c] > 0) {
      s->slot[c] = s->n_sources;
      s->source[s->n_sources++] = c;
    }
  return CHI_OK;
}

/* The raw samples of a channel. */
static const double *raw_of(const stream *s, int64_t channel)
{
  return s->raw + s->slot[channel] * s->piece;
}

static chi_status make_buffers(stream *s)
{
  const int64_t piece = s->piece, n_groups = (s->n + LANES - 1) / LANES;
  const bool car = s->recordings->treatment.reference == CHI_REFERENCE_CAR;
  CHI_TRY(chi_alloc(s->n_sources * piece, sizeof(double), "samples", &s->raw));
  CHI_TRY(chi_alloc(car ? piece : 0, sizeof(double), "the average", &s->average));
  CHI_TRY(chi_alloc(n_groups, sizeof *s->state, "filters", &s->state));
  CHI_TRY(chi_alloc(LANES * piece, sizeof(double), "samples", &s->signal));
  CHI_TRY(chi_alloc(piece, sizeof(double), "samples", &s->amplitude));
  return chi_alloc(chi_bins_room(&s->recordings->bins, piece), sizeof(double), "sums", &s->room);
}

static chi_status open_stream(stream *s, int64_t session, int64_t first, float *out)
{
  const chi_raw *r = s->recordings;
  const chi_session *ses = &r->session[session];
  const chi_treatment *t = &r->treatment;
  int64_t n_samples = ses->n_samples;
  s->electrode = r->electrode + first;
  CHI_TRY(list_sources(s));
  s->filter = chi_filter_make(t->notch, t->high_pass, t->low, t->high, r->rate);
  CHI_TRY(make_buffers(s));
  CHI_TRY(chi_alloc(s->n, sizeof *s->bins, "bins", &s->bins));
  if (r->treatment.envelope)
    CHI_TRY(chi_alloc(s->n, sizeof *s->envelope, "envelopes", &s->envelope));
  for (int64_t i = 0; i < s->n; i++) {
    CHI_TRY(chi_bins_create(&r->bins, ses->n_events, r->event + ses->first_event,
                            r->treatment.zscore, out + i * r->bins.n, s->n * r->bins.n,
                            &s->bins[i]));
    if (s->envelope != NULL)
      CHI_TRY(chi_envelope_create(r->treatment.low, r->rate, s->piece, &s->envelope[i]));
  }
  if (s->n == 0) return CHI_OK;
  CHI_TRY(chi_signals_open(ses->path, r->object, r->layout, &s->signals));
  CHI_TRY(chi_signals_choose(s->signals, s->n_sources, s->source, s->piece, &n_samples));
  if (n_samples == ses->n_samples) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: has changed while it was imported", ses->path);
}

static void close_stream(stream *s)
{
  chi_signals_close(&s->signals);
  for (int64_t i = 0; s->bins != NULL && i < s->n; i++) chi_bins_destroy(&s->bins[i]);
  for (int64_t i = 0; s->envelope != NULL && i < s->n; i++) chi_envelope_destroy(&s->envelope[i]);
  void *const owned[] = {s->source, s->slot,      s->raw,  s->average,  s->state,
                         s->signal, s->amplitude, s->room, s->envelope, s->bins};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) chi_free(owned[i]);
}

/* The mean over all electrodes at each time. The sum goes from rank to rank, so that it is taken in
 * the order of electrodes whatever the number of ranks. Collective. */
static void take_average(stream *s, int64_t n)
{
  const int count = chi_int_cast(n), last = s->size - 1;
  double *a = s->average;
  memset(a, 0, (size_t)n * sizeof *a);
  if (s->rank > 0) MPI_Recv(a, count, MPI_DOUBLE, s->rank - 1, TAG, s->comm, MPI_STATUS_IGNORE);
  for (int64_t i = 0; i < s->n; i++) {
    const double *x = raw_of(s, s->electrode[i].channel);
    for (int64_t t = 0; t < n; t++) a[t] += x[t];
  }
  if (s->rank < last) {
    MPI_Send(a, count, MPI_DOUBLE, s->rank + 1, TAG, s->comm);
  } else {
    for (int64_t t = 0; t < n; t++) a[t] /= (double)s->recordings->n_electrodes;
  }
  MPI_Bcast(a, count, MPI_DOUBLE, last, s->comm);
}

/* An electrode's samples less its reference. The filters that follow are linear: it makes no
 * difference that upstream code filters first. */
static void refer(const stream *s, int64_t i, int64_t n, double *out)
{
  const double *x = raw_of(s, s->electrode[i].channel);
  if (s->recordings->treatment.reference == CHI_REFERENCE_LAPLACIAN) {
    const double *a = raw_of(s, s->electrode[i].before);
    const double *b = raw_of(s, s->electrode[i].after);
    for (int64_t t = 0; t < n; t++) out[t] = x[t] - 0.5 * (a[t] + b[t]);
  } else if (s->recordings->treatment.reference == CHI_REFERENCE_CAR) {
    for (int64_t t = 0; t < n; t++) out[t] = x[t] - s->average[t];
  } else {
    memcpy(out, x, (size_t)n * sizeof *x);
  }
}

/* Give a filtered piece to the electrode's bins; x NULL: the end of the recording is past. */
static void pass_on(stream *s, int64_t i, int64_t n, const double *x)
{
  if (s->envelope != NULL) {
    n = chi_envelope_push(s->envelope[i], n, x, s->amplitude);
    x = s->amplitude;
  }
  chi_bins_push(s->bins[i], n, x, s->room);
}

static void treat_piece(stream *s, int64_t n)
{
  for (int64_t g = 0; g * LANES < s->n; g++) {
    const int64_t n_lanes = s->n - g * LANES < LANES ? s->n - g * LANES : LANES;
    for (int64_t l = 0; l < n_lanes; l++) refer(s, g * LANES + l, n, s->signal + l * s->piece);
    chi_filter_run(&s->filter, &s->state[g], n, s->piece, s->signal);
    for (int64_t l = 0; l < n_lanes; l++) pass_on(s, g * LANES + l, n, s->signal + l * s->piece);
  }
}

static void finish(stream *s, stream_report *report)
{
  const chi_raw *r = s->recordings;
  for (int64_t i = 0; i < s->n; i++) {
    double mean, deviation;
    int64_t left = s->envelope == NULL ? 0 : chi_envelope_reach(r->treatment.low, r->rate);
    for (int64_t n; left > 0; left -= n) {
      n = left < s->piece ? left : s->piece;
      pass_on(s, i, n, NULL);
    }
    chi_bins_finish(s->bins[i], &mean, &deviation);
    report->n_constant += deviation == 0;
    report->n_offset += deviation > 0 && !r->treatment.zscore && fabs(mean) > 100 * deviation;
  }
}

static void show_progress(const stream *s, const char *path, double share)
{
  char text[128];
  if (s->rank != 0 || !chi_log_is_terminal()) return;
  snprintf(text, sizeof text, "%.100s: %3.0f %%", path, 100 * share);
  chi_log_bar(share < 1 ? text : "");
}

/* Stream one recording. Each rank reads its own electrodes, and their neighbours for a Laplacian;
 * the pieces are the same for every number of ranks, and so are the results, to the bit.
 * Collective; electrodes are parted over the ranks in order, so that the average can go from one
 * rank to the next. \param[out] out  the session's events x n x bins; n may be 0 */
static chi_status stream_session(MPI_Comm comm, const chi_raw *raw, int64_t session, int64_t first,
                                 int64_t n, float *out, stream_report *report)
{
  stream s = {.comm = comm, .recordings = raw, .n = n, .piece = choose_piece(raw)};
  const int64_t n_samples = raw->session[session].n_samples;
  MPI_Comm_rank(comm, &s.rank);
  MPI_Comm_size(comm, &s.size);
  chi_status status = chi_agree(comm, open_stream(&s, session, first, out));
  for (int64_t at = 0; at < n_samples && status == CHI_OK; at += s.piece) {
    const int64_t m = n_samples - at < s.piece ? n_samples - at : s.piece;
    if (n > 0) status = chi_signals_read(s.signals, at, m, s.piece, s.raw);
    status = chi_agree(comm, status);
    if (status != CHI_OK) break;
    if (raw->treatment.reference == CHI_REFERENCE_CAR) take_average(&s, m);
    treat_piece(&s, m);
    show_progress(&s, raw->session[session].path, (double)(at + m) / (double)n_samples);
    report->bytes += 8 * (double)m * (double)s.n_sources;
  }
  if (status == CHI_OK) finish(&s, report);
  close_stream(&s);
  return status;
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
  CHI_TRY(chi_folder_make(study));
  CHI_TRY(chi_path_join(folder, study, "responses"));
  return chi_folder_make(folder);
}

/* What this rank holds at most: one session's responses, and what streams by. */
static chi_status check_memory(const chi_raw *r, int64_t n, int64_t *n_numbers)
{
  int64_t most = 0;
  for (int64_t i = 0; i < r->n_sessions; i++)
    if (r->session[i].n_events > most) most = r->session[i].n_events;
  *n_numbers = most * n * r->bins.n;
  const double bytes = 4.0 * (double)*n_numbers + stream_bytes(r, n);
  if (bytes < (double)chi_memory_available()) return CHI_OK;
  return chi_fail(CHI_ERR_MEMORY,
                  "%lld electrodes need %.1f GB on a rank, and %.1f GB are free; use "
                  "more ranks on more nodes",
                  (long long)n, 1e-9 * bytes, 1e-9 * (double)chi_memory_available());
}

static chi_status fill(MPI_Comm comm, const chi_raw *r, chi_writer *writer, stream_report *report)
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
    s = stream_session(comm, r, i, first, n, numbers, report);
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
static void say_done(MPI_Comm comm, const chi_raw *r, const char *path, const stream_report *mine,
                     double seconds)
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

chi_status chi_import_responses(MPI_Comm comm, chi_raw *raw, const char *study, bool overwrite)
{
  char path[PATH_MAX];
  int rank;
  chi_response_header header;
  chi_writer *writer = NULL;
  stream_report report = {0};
  const double start = chi_clock_now();
  MPI_Comm_rank(comm, &rank);
  chi_status s = chi_path_format(path, study, "responses/%s.%s.h5", raw->subject, raw->alignment);
  if (s == CHI_OK) s = chi_raw_describe(raw, &header);
  if (s == CHI_OK && rank == 0) s = prepare(study, path, overwrite);
  s = chi_agree(comm, s);
  if (s != CHI_OK) return s;
  if (rank == 0) say_notes(raw);
  s = chi_writer_create_shared(comm, path, &header, &writer);
  /* another job may have been faster, before the file was locked */
  if (s == CHI_OK) s = chi_agree(comm, rank == 0 ? prepare(study, path, overwrite) : CHI_OK);
  if (s == CHI_OK) s = fill(comm, raw, writer, &report);
  s = chi_writer_finish(&writer, s);
  if (s == CHI_OK) say_done(comm, raw, path, &report, chi_clock_now() - start);
  return s;
}
