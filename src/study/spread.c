#include "study/spread.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/folds.h"
#include "base/memory.h"
#include "base/statistics.h"
#include "study/numbers.h"

chi_status chi_spread_begin(int32_t folds, int64_t n_events, int64_t n_targets, chi_spread *spread)
{
  chi_spread *s = spread;
  const int64_t cells = 2 * (int64_t)folds * n_targets;
  *s = (chi_spread){
      .folds = folds, .n_halves = 2 * folds, .n_events = n_events, .n_targets = n_targets};
  CHI_TRY(chi_alloc(cells, sizeof *s->mean, "spread of responses", &s->mean));
  CHI_TRY(chi_alloc(cells, sizeof *s->deviation, "spread of responses", &s->deviation));
  CHI_TRY(chi_alloc(n_targets, sizeof *s->least, "spread of responses", &s->least));
  CHI_TRY(chi_alloc(n_targets, sizeof *s->most, "spread of responses", &s->most));
  CHI_TRY(chi_alloc(n_targets, sizeof *s->least_event, "spread of responses", &s->least_event));
  CHI_TRY(chi_alloc(n_targets, sizeof *s->most_event, "spread of responses", &s->most_event));
  CHI_TRY(chi_alloc(n_targets, sizeof *s->first, "spread of responses", &s->first));
  CHI_TRY(chi_alloc(n_targets, sizeof *s->row, "spread of responses", &s->row));
  for (int64_t t = 0; t < n_targets; t++) {
    s->least[t] = INFINITY;
    s->most[t] = -INFINITY;
  }
  return CHI_OK;
}

void chi_spread_free(chi_spread *spread)
{
  chi_free(spread->mean);
  chi_free(spread->deviation);
  chi_free(spread->least);
  chi_free(spread->most);
  chi_free(spread->least_event);
  chi_free(spread->most_event);
  chi_free(spread->first);
  chi_free(spread->row);
  *spread = (chi_spread){0};
}

/* Event k of a half, by Welford's rule: equal numbers leave exactly 0 squares. */
static void add_moments(int64_t n, int64_t k, const double *restrict y, double *restrict mean,
                        double *restrict squares)
{
  const double share = 1 / (double)(k + 1);
  if (k == 0) memcpy(mean, y, (size_t)n * sizeof *mean);
  for (int64_t t = 0; t < n; t++) {
    const double before = y[t] - mean[t]; /* NaN where y is not finite, and so are the squares */
    mean[t] += before * share;
    squares[t] += before * (y[t] - mean[t]);
  }
}

static void add_extremes(chi_spread *s)
{
  for (int64_t t = 0; t < s->n_targets; t++) {
    const double y = s->row[t];
    if (y < s->least[t] && y > -INFINITY) {
      s->least[t] = y;
      s->least_event[t] = s->event;
    }
    if (y > s->most[t] && y < INFINITY) {
      s->most[t] = y;
      s->most_event[t] = s->event;
    }
  }
}

/* The event that `row` holds. */
static void add_event(chi_spread *s)
{
  int32_t half = 0;
  while (s->event >= chi_folds_border(s->folds, s->n_events, half + 1)) half++;
  const int64_t first = chi_folds_border(s->folds, s->n_events, half);
  const int64_t end = chi_folds_border(s->folds, s->n_events, half + 1);
  double *squares = s->deviation + half * s->n_targets;
  add_moments(s->n_targets, s->event - first, s->row, s->mean + half * s->n_targets, squares);
  add_extremes(s);
  if (++s->event < end) return;
  for (int64_t t = 0; t < s->n_targets; t++) squares[t] = sqrt(squares[t] / (double)(end - first));
}

void chi_spread_add(chi_spread *spread, int64_t n, const void *rows, chi_real real)
{
  const int64_t count = spread->n_targets;
  for (int64_t i = 0; i < n; i++) {
    for (int64_t t = 0; t < count; t++) spread->row[t] = chi_number(rows, real, i * count + t);
    if (spread->event == 0) memcpy(spread->first, spread->row, (size_t)count * sizeof(double));
    add_event(spread);
  }
}

/* What chi_spread_read has at hand where rows come in. */
typedef struct reading {
  chi_spread *spread;
  chi_real real;
} reading;

static void add_rows(void *context, int64_t row0, int64_t n, const void *rows)
{
  const reading *r = context;
  (void)row0;
  chi_spread_add(r->spread, n, rows, r->real);
}

chi_status chi_spread_read(const chi_study *study, int32_t dataset, int32_t folds,
                           chi_spread *spread, chi_real *exact)
{
  chi_numbers numbers;
  CHI_TRY(chi_numbers_open_responses(study, dataset, &numbers));
  reading r = {spread, numbers.exact};
  *exact = numbers.exact;
  chi_status s = chi_spread_begin(folds, numbers.rows, numbers.columns, spread);
  if (s == CHI_OK) s = chi_numbers_scan(&numbers, add_rows, &r);
  chi_numbers_close(&numbers);
  return s;
}

void chi_spread_range(const chi_spread *spread, int64_t target, bool with_first, double *range,
                      double *shift)
{
  const chi_spread *s = spread;
  double sum = 0, least = INFINITY;
  for (int32_t half = 0; half < s->n_halves; half++) {
    const int64_t n = chi_folds_border(s->folds, s->n_events, half + 1) -
                      chi_folds_border(s->folds, s->n_events, half);
    sum += (double)n * s->mean[half * s->n_targets + target];
  }
  const double mean = sum / (double)s->n_events;
  *range = fmax(s->most[target] - mean, mean - s->least[target]);
  *shift = 0;
  for (int32_t half = 0; half < s->n_halves; half++) {
    const int64_t at = half * s->n_targets + target;
    if (!(s->deviation[at] > 0)) continue;
    *shift = fmax(*shift, fabs(s->mean[at] - mean) / s->deviation[at]);
    least = fmin(least, s->deviation[at]);
  }
  if (with_first) *shift = fmax(*shift, fabs(s->first[target] - mean) / least);
  if (!isfinite(mean)) *range = *shift = NAN;
}

/* The middle of the means, or of the deviations above 0, that a target has in the halves: neither
 * is moved by what is far out in few of them. NaN: there is none. */
static double middle(const chi_spread *s, const double *of, int64_t target, bool positive)
{
  double room[2 * CHI_MAX_FOLDS];
  int64_t n = 0;
  for (int32_t h = 0; h < s->n_halves; h++) {
    const double value = of[h * s->n_targets + target];
    if (isfinite(value) && (value > 0 || !positive)) room[n++] = value;
  }
  if (n == 0) return NAN;
  qsort(room, (size_t)n, sizeof *room, chi_compare_reals);
  return room[n / 2];
}

chi_furthest chi_spread_furthest(const chi_spread *spread, int64_t target)
{
  const chi_spread *s = spread;
  const double mean = middle(s, s->mean, target, false);
  const double deviation = middle(s, s->deviation, target, true);
  const bool above = s->most[target] - mean > mean - s->least[target];
  const double value = above ? s->most[target] : s->least[target];
  return (chi_furthest){.out = fabs(value - mean) / deviation,
                        .value = value,
                        .event = above ? s->most_event[target] : s->least_event[target]};
}
