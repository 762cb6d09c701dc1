#include "import/events.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "import/csv.h"

typedef struct event {
  int64_t sample, row;
} event;

static int by_sample(const void *a, const void *b)
{
  const event *x = a, *y = b;
  if (x->sample != y->sample) return x->sample < y->sample ? -1 : 1;
  return x->row < y->row ? -1 : x->row > y->row;
}

/* Whether a moment has its bins in the recording; counts why not. */
static bool place(const chi_plan *plan, chi_session *session, const chi_triggers *triggers,
                  double t, int64_t *sample)
{
  chi_trigger_place where = CHI_TRIGGER_FOUND;
  if (isnan(t)) {
    session->n_without_start++;
    return false;
  }
  if (fabs(t) > 1e9)
    where = CHI_TRIGGER_AFTER_END;
  else if (triggers == NULL)
    *sample = (int64_t)rint(t * plan->rate);
  else
    where = chi_triggers_sample(triggers, t, plan->rate, sample);
  if (where == CHI_TRIGGER_IN_PAUSE) {
    session->n_in_pause++;
    return false;
  }
  if (where == CHI_TRIGGER_FOUND && *sample + plan->bins.first >= 0 &&
      *sample + plan->bins.last <= session->n_samples)
    return true;
  session->n_outside++;
  return false;
}

/* Put n more events at the end of the plan's arrays. */
static chi_status append(chi_plan *p, int64_t session, int64_t n, const event *events)
{
  const int64_t before = p->n_events, all = before + n;
  int64_t *sample = NULL, *row = NULL;
  double *onset = NULL;
  int32_t *of = NULL;
  chi_status s = chi_alloc(all, sizeof *sample, "events", &sample);
  if (s == CHI_OK) s = chi_alloc(all, sizeof *row, "events", &row);
  if (s == CHI_OK) s = chi_alloc(all, sizeof *onset, "events", &onset);
  if (s == CHI_OK) s = chi_alloc(all, sizeof *of, "events", &of);
  for (int64_t i = 0; i < all && s == CHI_OK; i++) {
    sample[i] = i < before ? p->sample[i] : events[i - before].sample;
    row[i] = i < before ? p->row[i] : events[i - before].row;
    onset[i] = (double)sample[i] / p->rate;
    of[i] = i < before ? p->session_of[i] : (int32_t)session;
  }
  void *const unused[] = {s == CHI_OK ? p->sample : sample, s == CHI_OK ? p->row : row,
                          s == CHI_OK ? (void *)p->onset : onset,
                          s == CHI_OK ? (void *)p->session_of : of};
  for (int i = 0; i < 4; i++) chi_free(unused[i]);
  if (s != CHI_OK) return s;
  p->sample = sample;
  p->row = row;
  p->onset = onset;
  p->session_of = of;
  p->session[session].first_event = before;
  p->session[session].n_events = n;
  p->n_events = all;
  return CHI_OK;
}

static void note_dropped(chi_plan *plan, const chi_session *s, const char *path)
{
  chi_plan_note(plan,
                "%s: %lld events; left out: %lld outside the recording, %lld in a pause, "
                "%lld without a start",
                path, (long long)s->n_events, (long long)s->n_outside, (long long)s->n_in_pause,
                (long long)s->n_without_start);
}

chi_status chi_events_add(chi_plan *plan, int64_t session, const char *path,
                          const chi_triggers *triggers)
{
  chi_csv csv;
  chi_session *const s = &plan->session[session];
  event *events = NULL;
  int64_t start, n = 0;
  CHI_TRY(chi_csv_read(path, &csv));
  chi_status status = chi_csv_require(&csv, "start", &start);
  if (status == CHI_OK) status = chi_alloc(csv.n_rows, sizeof *events, "events", &events);
  for (int64_t i = 0; status == CHI_OK && i < csv.n_rows; i++) {
    double t;
    status = chi_csv_number(&csv, i, start, &t);
    events[n].row = i;
    if (status == CHI_OK && place(plan, s, triggers, t, &events[n].sample)) n++;
  }
  if (status == CHI_OK && n == 0)
    status = chi_fail(CHI_ERR_INPUT,
                      "%s: none of its %lld events can be cut from %s: %lld are outside the "
                      "recording, %lld in a pause, %lld without a start",
                      path, (long long)csv.n_rows, s->path, (long long)s->n_outside,
                      (long long)s->n_in_pause, (long long)s->n_without_start);
  if (status == CHI_OK) {
    qsort(events, (size_t)n, sizeof *events, by_sample);
    status = append(plan, session, n, events);
  }
  if (status == CHI_OK) note_dropped(plan, s, path);
  chi_free(events);
  chi_csv_free(&csv);
  return status;
}

chi_status chi_events_file(const char *list, int64_t i, int64_t n, char **out)
{
  int64_t n_files = 1;
  for (const char *c = list; *c != '\0'; c++) n_files += *c == ',';
  *out = NULL;
  if (n_files != 1 && n_files != n)
    return chi_fail(CHI_ERR_USAGE,
                    "--event-file: %lld files for %lld recordings, expected one for "
                    "all or one each",
                    (long long)n_files, (long long)n);
  for (; i > 0 && n_files > 1; i--) list = strchr(list, ',') + 1;
  CHI_TRY(chi_strdup(list, out));
  (*out)[strcspn(*out, ",")] = '\0';
  return CHI_OK;
}
