#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/folds.h"
#include "base/memory.h"
#include "encode/internal.h"

void chi_rows_free(chi_rows *rows)
{
  chi_free(rows->event);
  chi_free(rows->weight);
  chi_free(rows->fold);
  chi_free(rows->is_test);
  chi_free(rows->train);
  *rows = (chi_rows){0};
}

static chi_status rows_alloc(int64_t n, chi_rows *rows)
{
  *rows = (chi_rows){.n = n};
  CHI_TRY(chi_alloc(n, sizeof *rows->event, "rows", &rows->event));
  CHI_TRY(chi_alloc(n, sizeof *rows->weight, "rows", &rows->weight));
  CHI_TRY(chi_alloc(n, sizeof *rows->fold, "rows", &rows->fold));
  CHI_TRY(chi_alloc(n, sizeof *rows->is_test, "rows", &rows->is_test));
  return chi_alloc(n, sizeof *rows->train, "rows", &rows->train);
}

/* When an event happened: comparable within its session. */
typedef struct moment {
  int32_t session;
  double onset;
} moment;

static int compare_moments(const void *a, const void *b)
{
  const moment *x = a, *y = b;
  if (x->session != y->session) return x->session < y->session ? -1 : 1;
  return (x->onset > y->onset) - (x->onset < y->onset);
}

/* Whether any of the n sorted moments is in m's session and within `gap` of it. */
static bool is_near(const moment *sorted, int64_t n, moment m, double gap)
{
  int64_t low = 0, high = n; /* the first moment that is not before m - gap */
  const moment from = {m.session, m.onset - gap};
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (compare_moments(&sorted[middle], &from) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low < n && sorted[low].session == m.session && sorted[low].onset <= m.onset + gap;
}

/* Take the rows within the gap of a held-out event out of that fold's training set. */
static chi_status apply_gap(double gap, int32_t folds, const double *onset, const int32_t *session,
                            chi_rows *rows)
{
  moment *held_out = NULL;
  CHI_TRY(chi_alloc(rows->n, sizeof *held_out, "held-out events", &held_out));
  for (int32_t f = 0; f < folds; f++) {
    int64_t n = 0;
    for (int64_t i = 0; i < rows->n; i++)
      if (rows->fold[i] == f)
        held_out[n++] = (moment){session[rows->event[i]], onset[rows->event[i]]};
    qsort(held_out, (size_t)n, sizeof *held_out, compare_moments);
    for (int64_t i = 0; i < rows->n; i++) {
      const moment m = {session[rows->event[i]], onset[rows->event[i]]};
      if (rows->fold[i] != f && is_near(held_out, n, m, gap)) rows->train[i] &= ~(1u << f);
    }
  }
  chi_free(held_out);
  return CHI_OK;
}

static chi_status check_training(int32_t folds, double gap, const chi_rows *rows)
{
  for (int32_t f = 0; f < folds; f++) {
    int64_t n = 0;
    for (int64_t i = 0; i < rows->n; i++) n += rows->train[i] >> f & 1;
    if (n < 2)
      return chi_fail(CHI_ERR_INPUT,
                      "fold %d keeps %lld training events of %lld with --gap %g: at least 2 are "
                      "needed; choose a smaller --gap",
                      (int)f + 1, (long long)n, (long long)rows->n, gap);
  }
  return CHI_OK;
}

/* Cut a sorted sequence of n events into folds and halves; equal neighbours become one row. */
static void cut(int32_t folds, int64_t n, const int64_t *event, chi_rows *rows)
{
  const uint32_t all = folds == 32 ? UINT32_MAX : (1u << folds) - 1;
  int64_t row = -1;
  for (int32_t half = 0; half < 2 * folds; half++) {
    const int32_t f = half / 2;
    const uint8_t is_test = half % 2 == 1;
    const int64_t end = chi_folds_border(folds, n, half + 1);
    for (int64_t at = chi_folds_border(folds, n, half); at < end; at++) {
      const int64_t e = event == NULL ? at : event[at];
      if (row >= 0 && rows->event[row] == e && rows->fold[row] == f &&
          rows->is_test[row] == is_test) {
        rows->weight[row] += 1;
        continue;
      }
      row++;
      rows->event[row] = e;
      rows->weight[row] = 1;
      rows->fold[row] = f;
      rows->is_test[row] = is_test;
      rows->train[row] = all & ~(1u << f);
    }
  }
  rows->n = row + 1;
}

chi_status chi_rows_drawn(const chi_encode_options *options, int64_t n, const int64_t *event,
                          const double *onset, const int32_t *session, chi_rows *rows)
{
  const int32_t k = options->folds;
  *rows = (chi_rows){0};
  if (k < 2 || k > CHI_MAX_FOLDS)
    return chi_fail(CHI_ERR_USAGE, "%d folds: 2 to %d are possible", (int)k, CHI_MAX_FOLDS);
  if (n < 4 * (int64_t)k)
    return chi_fail(CHI_ERR_INPUT, "%lld events are too few for %d folds: at least %d are needed",
                    (long long)n, (int)k, 4 * (int)k);
  chi_status s = rows_alloc(n, rows);
  if (s == CHI_OK) {
    cut(k, n, event, rows);
    if (options->gap > 0) s = apply_gap(options->gap, k, onset, session, rows);
  }
  if (s != CHI_OK) chi_rows_free(rows);
  return s;
}

chi_status chi_rows_plain(const chi_encode_options *options, int64_t n, const double *onset,
                          const int32_t *session, chi_rows *rows)
{
  CHI_TRY(chi_rows_drawn(options, n, NULL, onset, session, rows));
  const chi_status s = check_training(options->folds, options->gap, rows);
  if (s != CHI_OK) chi_rows_free(rows);
  return s;
}

/* Two distinct events among the rows of a half, and among those that train, which ascend. */
static bool half_counts(int64_t n_half, int64_t first_trained, int64_t last_trained)
{
  return n_half > 1 && first_trained != last_trained;
}

int32_t chi_rows_left_out(const chi_rows *rows, int32_t folds)
{
  int32_t left_out = 0;
  int64_t at = 0;
  for (int32_t f = 0; f < folds; f++) {
    int64_t first = -1, last = -1, half[2] = {0, 0};
    for (int64_t i = 0; i < rows->n; i++) {
      if ((rows->train[i] >> f & 1) == 0) continue;
      last = rows->event[i];
      if (first < 0) first = last;
    }
    for (; at < rows->n && rows->fold[at] == f; at++) half[rows->is_test[at]]++;
    for (int h = 0; h < 2; h++) left_out += !half_counts(half[h], first, last);
  }
  return left_out;
}

void chi_rows_folds(const chi_rows *rows, int32_t n_folds, chi_fold *folds)
{
  int64_t at = 0, listed = 0;
  for (int32_t f = 0; f < n_folds; f++) {
    chi_fold *fold = &folds[f];
    *fold = (chi_fold){.first = at,
                       .train_event = folds[0].train_event + listed,
                       .train_weight = folds[0].train_weight + listed,
                       .train_scale = folds[0].train_scale + listed};
    while (at < rows->n && rows->fold[at] == f && rows->is_test[at] == 0) at++;
    fold->split = at;
    while (at < rows->n && rows->fold[at] == f) at++;
    fold->end = at;
    for (int64_t i = 0; i < rows->n; i++) {
      if ((rows->train[i] >> f & 1) == 0) continue;
      fold->train_event[fold->n_train] = rows->event[i];
      fold->train_weight[fold->n_train] = rows->weight[i];
      fold->train_scale[fold->n_train++] = sqrt(rows->weight[i]);
    }
    listed += fold->n_train;
    const int64_t n = fold->n_train, *event = fold->train_event;
    for (int h = 0; h < 2; h++)
      fold->counts[h] = n > 0 && half_counts(chi_half_size(fold, h), event[0], event[n - 1]);
  }
}

int64_t chi_rows_classes(const chi_rows *rows, chi_class *class)
{
  int64_t n = 0;
  for (int64_t i = 0; i < rows->n; i++) {
    int64_t c = 0; /* classes are few (about three a fold), so they are simply looked up */
    while (c < n && class[c].train != rows->train[i]) c++;
    if (c == CHI_MAX_CLASSES) return -1;
    if (c == n) class[n++] = (chi_class){.train = rows->train[i]};
    class[c].end++;
    class[c].weight += rows->weight[i];
  }
  for (int64_t c = 1; c < n; c++) {
    class[c].first = class[c - 1].end;
    class[c].end += class[c].first;
  }
  return n;
}
