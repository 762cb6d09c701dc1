/* A pass over the responses of one recording, by pieces, and what is odd in them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/folds.h"
#include "base/memory.h"
#include "base/text.h"
#include "study/catalog.h"
#include "study/check.h"
#include "study/numbers.h"
#include "study/spread.h"

enum { ELECTRODES_NAMED = 5, ELECTRODES_LISTED = 20 };

/* What may be said of an electrode: in full of the first ones, of the others by name. */
enum { BAD, CONSTANT, CONSTANT_BINS, FLAT, TWIN, N_KINDS };
static const char *const kinds[N_KINDS] = {
    [BAD] = "hold NaN or Inf",
    [CONSTANT] = "are constant",
    [CONSTANT_BINS] = "are constant in some time bins",
    [FLAT] = "do not change within half a fold in some time bins",
    [TWIN] = "hold the same numbers as another one"};

/* What is known of an electrode so far. */
typedef struct electrode {
  int64_t n_bad;   /* NaN or Inf */
  uint64_t digest; /* of all its numbers, event by event */
  int64_t far;     /* its target that lies furthest out; -1: none is over CHI_FAR_OUT */
  int64_t event;   /* the event of that */
  double value;
} electrode;

typedef struct recording {
  const chi_dataset *d;
  const chi_alignment *a;
  chi_real real;
  electrode *electrode;
  chi_spread spread;
  chi_findings *findings;
  int64_t said[N_KINDS];
  chi_text more[N_KINDS]; /* names */
} recording;

static void add_events(void *context, int64_t row0, int64_t n, const void *rows)
{
  recording *r = context;
  const char *at = rows;
  const int64_t n_times = r->a->n_times, bytes = n_times * (int64_t)r->real;
  (void)row0;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < r->d->n_electrodes; j++, at += bytes) {
      electrode *one = &r->electrode[j];
      for (int64_t t = 0; t < n_times; t++) one->n_bad += !isfinite(chi_number(at, r->real, t));
      one->digest = XXH3_64bits_withSeed(at, (size_t)bytes, one->digest);
    }
  chi_spread_add(&r->spread, n, rows, r->real);
}

/* Count an electrode of a kind. \return whether it is to be described in full */
static bool is_described(recording *r, int kind, int64_t i)
{
  const int64_t n = ++r->said[kind];
  if (n > ELECTRODES_NAMED && n <= ELECTRODES_NAMED + ELECTRODES_LISTED)
    chi_text_add(&r->more[kind], "%s%s", n == ELECTRODES_NAMED + 1 ? "" : ", ", r->d->electrode[i]);
  return n <= ELECTRODES_NAMED;
}

static void judge_more(recording *r)
{
  for (int kind = 0; kind < N_KINDS; kind++) {
    if (r->more[kind].s != NULL)
      chi_findings_add(r->findings, false, "%s: %lld more electrodes %s: %s%s", r->d->path,
                       (long long)r->said[kind] - ELECTRODES_NAMED, kinds[kind], r->more[kind].s,
                       r->said[kind] > ELECTRODES_NAMED + ELECTRODES_LISTED ? ", ..." : "");
    chi_text_free(&r->more[kind]);
  }
}

static bool is_constant(const recording *r, int64_t target)
{
  return r->spread.least[target] == r->spread.most[target];
}

/* \return whether all its bins are constant */
static bool judge_constant(recording *r, int64_t i)
{
  const int64_t n_times = r->a->n_times;
  const char *name = r->d->electrode[i];
  int64_t constant = 0;
  for (int64_t t = 0; t < n_times; t++) constant += is_constant(r, i * n_times + t);
  if (constant == n_times && is_described(r, CONSTANT, i))
    chi_findings_add(r->findings, false, "%s: electrode %s is constant; its scores will be NaN",
                     r->d->path, name);
  if (constant > 0 && constant < n_times && is_described(r, CONSTANT_BINS, i))
    chi_findings_add(r->findings, false,
                     "%s: electrode %s is constant in %lld of %lld time bins, whose scores will "
                     "be NaN",
                     r->d->path, name, (long long)constant, (long long)n_times);
  return constant == n_times;
}

/* A target that is constant within a half of a fold has no score there, and so none at all. */
static void judge_flat(recording *r, int64_t i)
{
  const chi_spread *s = &r->spread;
  const int64_t n_times = r->a->n_times;
  int64_t bins = 0, first_bin = -1;
  int32_t halves = 0, first_half = -1;
  for (int64_t t = 0; t < n_times; t++) {
    bool flat = false;
    for (int32_t h = 0; h < s->n_halves && !is_constant(r, i * n_times + t); h++) {
      if (s->deviation[h * s->n_targets + i * n_times + t] != 0) continue;
      if (first_bin < 0) first_half = h;
      if (first_bin < 0) first_bin = t;
      halves += t == first_bin;
      flat = true;
    }
    bins += flat;
  }
  if (bins == 0 || !is_described(r, FLAT, i)) return;
  char more[64] = "";
  if (halves > 1) snprintf(more, sizeof more, " and in %d more halves of folds", (int)halves - 1);
  chi_findings_add(
      r->findings, false,
      "%s: electrode %s does not change within half a fold in %lld of %lld time bins, whose "
      "scores will be NaN: the bin at %g s is constant in the %s half of fold %d, events %lld to "
      "%lld (counted from 0)%s; fewer --folds have longer halves",
      r->d->path, r->d->electrode[i], (long long)bins, (long long)n_times, r->a->time[first_bin],
      first_half % 2 == 0 ? "validation" : "test", (int)first_half / 2 + 1,
      (long long)chi_folds_border(s->folds, s->n_events, first_half),
      (long long)chi_folds_border(s->folds, s->n_events, first_half + 1) - 1, more);
}

static void judge_twin(recording *r, int64_t i)
{
  int64_t twin = 0;
  while (r->electrode[twin].digest != r->electrode[i].digest) twin++;
  if (twin < i && is_described(r, TWIN, i))
    chi_findings_add(r->findings, false, "%s: electrodes %s and %s hold the same numbers",
                     r->d->path, r->d->electrode[twin], r->d->electrode[i]);
}

/* ---- events far out ---- */

/* The event of each electrode that is furthest out, if any is far. */
static void find_far(const recording *r)
{
  for (int64_t i = 0; i < r->d->n_electrodes; i++) {
    electrode *one = &r->electrode[i];
    double furthest = CHI_FAR_OUT;
    one->far = -1;
    for (int64_t t = i * r->a->n_times; t < (i + 1) * r->a->n_times; t++) {
      const chi_furthest far = chi_spread_furthest(&r->spread, t);
      if (!(far.out > furthest)) continue;
      furthest = far.out;
      one->far = t;
      one->event = far.event;
      one->value = far.value;
    }
  }
}

/* One line for each event that is the furthest out of some electrodes. */
static void judge_far(const recording *r)
{
  const chi_dataset *d = r->d;
  find_far(r);
  for (int64_t i = 0; i < d->n_electrodes; i++) {
    const electrode *one = &r->electrode[i];
    int64_t n = 0, before = 0;
    chi_text names = {0};
    for (int64_t j = 0; j < d->n_electrodes && one->far >= 0; j++) {
      if (r->electrode[j].far < 0 || r->electrode[j].event != one->event) continue;
      before += j < i;
      if (n++ < ELECTRODES_NAMED) chi_text_add(&names, "%s%s", n == 1 ? "" : ", ", d->electrode[j]);
    }
    if (before == 0 && names.s != NULL)
      chi_findings_add(
          r->findings, false,
          "%s: event %lld (counted from 0; onset %g s) is over %g spreads away from the others: "
          "electrode %s is %g in the bin at %g s; the electrodes that are so: %lld (%s%s). An "
          "artefact, or a code for missing data? Leave out such events, or these electrodes",
          d->path, (long long)one->event, d->onset[one->event], CHI_FAR_OUT, d->electrode[i],
          one->value, r->a->time[one->far % r->a->n_times], (long long)n, names.s,
          n > ELECTRODES_NAMED ? ", ..." : "");
    chi_text_free(&names);
  }
}

static void judge(recording *r)
{
  const bool halves = r->d->n_events >= 4 * (int64_t)r->spread.folds; /* else an error says it */
  for (int64_t i = 0; i < r->d->n_electrodes; i++) {
    if (r->electrode[i].n_bad > 0 && is_described(r, BAD, i))
      chi_findings_add(r->findings, false,
                       "%s: electrode %s holds %lld NaN or Inf; its scores are NaN where they are",
                       r->d->path, r->d->electrode[i], (long long)r->electrode[i].n_bad);
    if (judge_constant(r, i)) continue;
    if (halves) judge_flat(r, i);
    judge_twin(r, i);
  }
  judge_more(r);
  if (halves) judge_far(r);
}

chi_status chi_check_responses(const chi_study *study, int32_t dataset, int32_t folds,
                               chi_findings *findings)
{
  const chi_dataset *d = &study->datasets[dataset];
  chi_numbers numbers;
  recording r = {.d = d, .a = &study->alignments[d->alignment], .findings = findings};
  CHI_TRY(chi_numbers_open_responses(study, dataset, &numbers));
  r.real = numbers.exact;
  chi_status s = chi_alloc(d->n_electrodes, sizeof *r.electrode, "electrodes", &r.electrode);
  if (s == CHI_OK) s = chi_spread_begin(folds, numbers.rows, numbers.columns, &r.spread);
  if (s == CHI_OK) s = chi_numbers_scan(&numbers, add_events, &r);
  if (s == CHI_OK) judge(&r);
  chi_free(r.electrode);
  chi_spread_free(&r.spread);
  chi_numbers_close(&numbers);
  return s;
}
