#include "import/events.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "import/csv.h"

/* The triggers of one recording, in the order of the file. */
typedef struct triggers {
  int64_t n;
  double *movie_time; /* n, s */
  double *index;      /* n, samples */
  int64_t n_parts;    /* stretches of the film between pauses */
  int64_t *part;      /* n_parts + 1: part p is rows [part[p], part[p + 1]) */
} triggers;

/* Whether the film goes on, or begins, with this row. */
static bool begins_part(const chi_csv *csv, int64_t row)
{
  static const char *const columns[] = {"trig_type", "type"};
  for (int i = 0; i < 2; i++) {
    const int64_t column = chi_csv_find(csv, columns[i]);
    if (column < 0) continue;
    const char *kind = chi_csv_text(csv, row, column);
    if (strcmp(kind, "unpause") == 0 || strcmp(kind, "beginning") == 0) return true;
  }
  return false;
}

static chi_status take_number(const chi_csv *csv, int64_t row, int64_t column, double *value)
{
  CHI_TRY(chi_csv_number(csv, row, column, value));
  if (!isnan(*value) && fabs(*value) < 1e15) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: line %lld: %s is `%s`, expected a number", csv->where,
                  (long long)csv->line[row], csv->header[column], chi_csv_text(csv, row, column));
}

static chi_status take_rows(const chi_csv *csv, triggers *out)
{
  int64_t time, index;
  CHI_TRY(chi_csv_require(csv, "movie_time", &time));
  CHI_TRY(chi_csv_require(csv, "index", &index));
  if (csv->n_rows == 0) return chi_fail(CHI_ERR_INPUT, "%s: has no triggers", csv->where);
  CHI_TRY(chi_alloc(csv->n_rows, sizeof *out->movie_time, "triggers", &out->movie_time));
  CHI_TRY(chi_alloc(csv->n_rows, sizeof *out->index, "triggers", &out->index));
  CHI_TRY(chi_alloc(csv->n_rows + 1, sizeof *out->part, "triggers", &out->part));
  for (int64_t i = 0; i < csv->n_rows; i++) {
    CHI_TRY(take_number(csv, i, time, &out->movie_time[i]));
    CHI_TRY(take_number(csv, i, index, &out->index[i]));
    if (i == 0 || begins_part(csv, i)) out->part[out->n_parts++] = i;
  }
  out->n = csv->n_rows;
  out->part[out->n_parts] = out->n;
  return CHI_OK;
}

static chi_status read_triggers(const char *path, triggers *out)
{
  chi_csv csv;
  CHI_TRY(chi_csv_read(path, &csv));
  const chi_status s = take_rows(&csv, out);
  chi_csv_free(&csv);
  return s;
}

static void free_triggers(triggers *g)
{
  chi_free(g->movie_time);
  chi_free(g->index);
  chi_free(g->part);
}

/* What became of a moment; in a pause the film stood still. */
typedef enum place { FOUND, OUTSIDE, IN_PAUSE } place;

static place find_sample(const triggers *g, double t, double rate, int64_t *sample)
{
  int64_t p = 0;
  while (p < g->n_parts - 1 && t > g->movie_time[g->part[p + 1] - 1]) p++;
  const int64_t first = g->part[p], end = g->part[p + 1];
  if (p == g->n_parts - 1 && t > g->movie_time[end - 1]) return OUTSIDE;
  int64_t nearest = first; /* a row of a pause may step back in time: no search by halves */
  for (int64_t i = first + 1; i < end; i++)
    if (fabs(g->movie_time[i] - t) < fabs(g->movie_time[nearest] - t)) nearest = i;
  const double at = rint(g->index[nearest] + (t - g->movie_time[nearest]) * rate);
  *sample = (int64_t)at;
  if (p > 0 && at < g->index[first] && at > g->index[first - 1]) return IN_PAUSE;
  if (p < g->n_parts - 1 && at > g->index[end - 1] && at < g->index[end]) return IN_PAUSE;
  return FOUND;
}

/* Whether a moment has its bins in the recording; counts why not. */
static bool has_place(const chi_raw *r, chi_session *session, const triggers *g, double t,
                      int64_t *sample)
{
  place where = FOUND;
  if (isnan(t)) {
    session->n_without_start++;
    return false;
  }
  if (fabs(t) > 1e9)
    where = OUTSIDE;
  else if (g->n == 0)
    *sample = (int64_t)rint(t * r->rate);
  else
    where = find_sample(g, t, r->rate, sample);
  if (where == FOUND &&
      (*sample + r->bins.first < 0 || *sample + r->bins.last > session->n_samples))
    where = OUTSIDE;
  session->n_in_pause += where == IN_PAUSE;
  session->n_outside += where == OUTSIDE;
  return where == FOUND;
}

static int by_sample(const void *a, const void *b)
{
  const chi_placed_event *x = a, *y = b;
  if (x->sample != y->sample) return x->sample < y->sample ? -1 : 1;
  return x->table_row < y->table_row ? -1 : x->table_row > y->table_row;
}

/* Into order of time; says how many rows have another place then. */
static chi_status sort_events(chi_raw *r, const chi_session *s, const char *where)
{
  chi_placed_event *event = r->event + s->first_event;
  int64_t *row = NULL, moved = 0;
  CHI_TRY(chi_alloc(s->n_events, sizeof *row, "events", &row));
  for (int64_t i = 0; i < s->n_events; i++) row[i] = event[i].table_row;
  qsort(event, (size_t)s->n_events, sizeof *event, by_sample);
  for (int64_t i = 0; i < s->n_events; i++) moved += event[i].table_row != row[i];
  chi_free(row);
  if (moved > 0)
    chi_raw_note(
        r,
        "!%s: its rows are not in order of time: the events are sorted, which moves %lld of "
        "%lld, and /row in the file of responses says which row each one was; features must "
        "be in that order, too",
        where, (long long)moved, (long long)s->n_events);
  return CHI_OK;
}

/* The column of the events' times: `start`, or as in BIDS `onset`, unless the user names one. */
static chi_status find_start(const chi_csv *csv, const char *column, int64_t *out)
{
  if (column == NULL && chi_csv_find(csv, "start") < 0 && chi_csv_find(csv, "onset") >= 0)
    column = "onset";
  return chi_csv_require(csv, column == NULL ? "start" : column, out);
}

/* The table's events, at the end of those there are. */
static chi_status place_events(chi_raw *r, int64_t session, const chi_csv *csv, const char *column,
                               const triggers *g)
{
  chi_session *const s = &r->session[session];
  int64_t start;
  CHI_TRY(find_start(csv, column, &start));
  CHI_TRY(
      chi_grow(&r->event, &r->events_room, r->n_events + csv->n_rows, sizeof *r->event, "events"));
  s->first_event = r->n_events;
  for (int64_t i = 0; i < csv->n_rows; i++) {
    double t;
    chi_placed_event *event = &r->event[r->n_events];
    *event = (chi_placed_event){.table_row = i, .session = (int32_t)session};
    CHI_TRY(chi_csv_number(csv, i, start, &t));
    r->n_events += has_place(r, s, g, t, &event->sample);
  }
  s->n_events = r->n_events - s->first_event;
  if (s->n_events == 0)
    return chi_fail(CHI_ERR_INPUT,
                    "%s: none of its %lld events can be cut from %s: %lld are outside the "
                    "recording, %lld in a pause, %lld without a start",
                    csv->where, (long long)csv->n_rows, s->path, (long long)s->n_outside,
                    (long long)s->n_in_pause, (long long)s->n_without_start);
  CHI_TRY(sort_events(r, s, csv->where));
  chi_raw_note(r,
               "%s: %lld events; left out: %lld outside the recording, %lld in a pause, "
               "%lld without a start",
               csv->where, (long long)s->n_events, (long long)s->n_outside,
               (long long)s->n_in_pause, (long long)s->n_without_start);
  return CHI_OK;
}

chi_status chi_events_add(chi_raw *raw, int64_t session, const char *path, const char *column,
                          const char *timings)
{
  chi_csv csv = {0};
  triggers g = {0};
  chi_status s = timings == NULL ? CHI_OK : read_triggers(timings, &g);
  if (s == CHI_OK) s = chi_csv_read(path, &csv);
  if (s == CHI_OK) s = place_events(raw, session, &csv, column, &g);
  chi_csv_free(&csv);
  free_triggers(&g);
  return s;
}

chi_status chi_events_file(const char *list, int64_t i, int64_t n, char *path)
{
  int64_t n_files = 1;
  for (const char *c = list; *c != '\0'; c++) n_files += *c == ',';
  if (n_files != 1 && n_files != n)
    return chi_fail(CHI_ERR_USAGE,
                    "--event-file: %lld files for %lld recordings, expected one for "
                    "all or one each",
                    (long long)n_files, (long long)n);
  for (; i > 0 && n_files > 1; i--) list = strchr(list, ',') + 1;
  if (snprintf(path, PATH_MAX, "%.*s", (int)strcspn(list, ","), list) < PATH_MAX) return CHI_OK;
  return chi_fail(CHI_ERR_USAGE, "--event-file: %.100s...: the path is too long", list);
}
