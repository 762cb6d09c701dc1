/* A pass over all numbers of a study, by pieces. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/memory.h"
#include "study/check.h"
#include "study/numbers.h"

/* ---- responses ---- */

/* What is known of a recording's electrodes so far. */
typedef struct electrodes {
  int64_t n, n_times;
  double *min, *max;    /* n x n_times, over the events */
  int64_t *bad;         /* n; NaN or Inf */
  XXH3_state_t **state; /* n; of all its numbers */
} electrodes;

static void electrodes_free(electrodes *e)
{
  for (int64_t i = 0; e->state != NULL && i < e->n; i++) XXH3_freeState(e->state[i]);
  chi_free(e->state);
  chi_free(e->bad);
  chi_free(e->min);
  chi_free(e->max);
}

static chi_status electrodes_create(int64_t n, int64_t n_times, electrodes *e)
{
  *e = (electrodes){.n = n, .n_times = n_times};
  chi_status status = chi_alloc(n * n_times, sizeof *e->min, "minima", &e->min);
  if (status == CHI_OK) status = chi_alloc(n * n_times, sizeof *e->max, "maxima", &e->max);
  if (status == CHI_OK) status = chi_alloc(n, sizeof *e->bad, "counts", &e->bad);
  if (status == CHI_OK) status = chi_alloc(n, sizeof *e->state, "checksums", &e->state);
  for (int64_t i = 0; i < n && status == CHI_OK; i++) {
    e->state[i] = XXH3_createState();
    if (e->state[i] == NULL || XXH3_64bits_reset(e->state[i]) != XXH_OK)
      status = chi_fail(CHI_ERR_MEMORY, "no memory for checksums");
  }
  for (int64_t i = 0; i < n * n_times && status == CHI_OK; i++) {
    e->min[i] = INFINITY;
    e->max[i] = -INFINITY;
  }
  if (status != CHI_OK) electrodes_free(e);
  return status;
}

/* One event of one electrode: n_times numbers. */
static void electrodes_add(electrodes *e, int64_t electrode, chi_real real, const void *row)
{
  const float *narrow = row;
  const double *wide = row;
  double *min = e->min + electrode * e->n_times, *max = e->max + electrode * e->n_times;
  for (int64_t t = 0; t < e->n_times; t++) {
    const double value = real == CHI_REAL32 ? (double)narrow[t] : wide[t];
    if (!isfinite(value)) e->bad[electrode]++;
    if (value < min[t]) min[t] = value;
    if (value > max[t]) max[t] = value;
  }
  XXH3_64bits_update(e->state[electrode], row, (size_t)(e->n_times * (int64_t)real));
}

static chi_status scan_responses(const chi_numbers *numbers, electrodes *e)
{
  unsigned char *piece = NULL;
  const int64_t size = (int64_t)numbers->exact, wide = e->n_times * size;
  CHI_TRY(chi_alloc(numbers->step * numbers->columns, size, "a piece of /response", &piece));
  chi_status status = CHI_OK;
  for (int64_t row = 0; row < numbers->rows && status == CHI_OK; row += numbers->step) {
    const int64_t left = numbers->rows - row, n = left < numbers->step ? left : numbers->step;
    status = chi_numbers_read(numbers, row, n, numbers->exact, piece);
    for (int64_t i = 0; i < n && status == CHI_OK; i++)
      for (int64_t j = 0; j < e->n; j++)
        electrodes_add(e, j, numbers->exact, piece + i * numbers->columns * size + j * wide);
  }
  chi_free(piece);
  return status;
}

/* How many of an electrode's bins do not change over events. */
static int64_t constant_bins(const electrodes *e, int64_t electrode)
{
  int64_t n = 0;
  for (int64_t t = electrode * e->n_times; t < (electrode + 1) * e->n_times; t++)
    n += e->min[t] == e->max[t];
  return n;
}

/* What is wrong with electrodes one by one, and which are equal. */
static void judge_electrodes(const chi_dataset *d, const electrodes *e, chi_findings *findings)
{
  for (int64_t i = 0; i < e->n; i++) {
    const int64_t constant = constant_bins(e, i);
    if (e->bad[i] > 0)
      chi_findings_add(findings, false,
                       "%s: electrode %s holds %lld NaN or Inf; its scores are NaN where they are",
                       d->path, d->electrode[i], (long long)e->bad[i]);
    if (constant == e->n_times)
      chi_findings_add(findings, false, "%s: electrode %s is constant; its scores will be NaN",
                       d->path, d->electrode[i]);
    else if (constant > 0)
      chi_findings_add(findings, false,
                       "%s: electrode %s is constant in %lld of %lld time bins, whose scores will "
                       "be NaN",
                       d->path, d->electrode[i], (long long)constant, (long long)e->n_times);
    if (constant == e->n_times) continue;
    const XXH64_hash_t digest = XXH3_64bits_digest(e->state[i]);
    for (int64_t j = 0; j < i; j++) {
      if (XXH3_64bits_digest(e->state[j]) != digest) continue;
      chi_findings_add(findings, false, "%s: electrodes %s and %s hold the same numbers", d->path,
                       d->electrode[j], d->electrode[i]);
      break;
    }
  }
}

/* A file that cannot be read is a finding; no memory ends the check. */
static chi_status note(chi_findings *findings, chi_status status)
{
  if (status == CHI_OK || status == CHI_ERR_MEMORY) return status;
  chi_findings_add(findings, true, "%s", chi_message());
  return CHI_OK;
}

static chi_status check_responses(const chi_study *study, const chi_dataset *d,
                                  chi_findings *findings)
{
  electrodes e;
  chi_numbers numbers;
  const int64_t n_times = study->alignments[d->alignment].n_times;
  chi_status status =
      chi_numbers_open(study, d->path, NULL, d->n_events, d->n_electrodes * n_times, &numbers);
  if (status != CHI_OK) return note(findings, status);
  status = electrodes_create(d->n_electrodes, n_times, &e);
  if (status == CHI_OK) {
    status = scan_responses(&numbers, &e);
    if (status == CHI_OK) judge_electrodes(d, &e, findings);
    electrodes_free(&e);
  }
  chi_numbers_close(&numbers);
  return note(findings, status);
}

/* ---- features ---- */

/* A layer of one recording, by its numbers. */
typedef struct print {
  int64_t space;
  int64_t n_features;
  uint64_t digest;
} print;

static void note_bad_row(const chi_numbers *numbers, const void *piece, int64_t row, int64_t n,
                         bool *told, chi_findings *findings)
{
  if (*told) return;
  const int64_t count = n * numbers->columns;
  const int64_t bad = chi_numbers_find_bad(piece, numbers->exact, count);
  if (bad == count) return;
  *told = true;
  chi_findings_add(findings, false,
                   "%s: %s: NaN or Inf at row %lld, column %lld (counted from 0); a fit of this "
                   "feature space will fail",
                   numbers->where, numbers->object, (long long)(row + bad / numbers->columns),
                   (long long)(bad % numbers->columns));
}

/* Numbers are compared as float64, so that a layer equals its copy of another width. */
static void digest_add(XXH3_state_t *state, chi_real real, int64_t n, void *numbers)
{
  double wide[512];
  const float *narrow = numbers;
  if (real == CHI_REAL64) {
    XXH3_64bits_update(state, numbers, (size_t)n * sizeof(double));
    return;
  }
  for (int64_t i = 0; i < n; i += 512) {
    const int64_t m = n - i < 512 ? n - i : 512;
    for (int64_t j = 0; j < m; j++) wide[j] = narrow[i + j];
    XXH3_64bits_update(state, wide, (size_t)m * sizeof *wide);
  }
}

static chi_status scan_layer(const chi_numbers *numbers, XXH3_state_t *state,
                             chi_findings *findings)
{
  void *piece = NULL;
  bool told = false;
  CHI_TRY(chi_alloc(numbers->step * numbers->columns, (int64_t)numbers->exact, "a piece of a layer",
                    &piece));
  chi_status status = CHI_OK;
  for (int64_t row = 0; row < numbers->rows && status == CHI_OK; row += numbers->step) {
    const int64_t left = numbers->rows - row, n = left < numbers->step ? left : numbers->step;
    status = chi_numbers_read(numbers, row, n, numbers->exact, piece);
    if (status != CHI_OK) break;
    note_bad_row(numbers, piece, row, n, &told, findings);
    digest_add(state, numbers->exact, n * numbers->columns, piece);
  }
  chi_free(piece);
  return status;
}

static chi_status check_layer(const chi_study *study, int32_t dataset, int64_t space,
                              chi_findings *findings, print *out)
{
  chi_numbers numbers;
  char *path;
  const int32_t alignment = study->datasets[dataset].alignment;
  chi_status status = chi_numbers_open_layer(study, alignment, space, dataset, &path, &numbers);
  if (status != CHI_OK) return note(findings, status);
  XXH3_state_t *state = XXH3_createState();
  if (state == NULL || XXH3_64bits_reset(state) != XXH_OK)
    status = chi_fail(CHI_ERR_MEMORY, "no memory for a checksum");
  else
    status = scan_layer(&numbers, state, findings);
  if (status == CHI_OK) *out = (print){space, numbers.columns, XXH3_64bits_digest(state)};
  XXH3_freeState(state);
  chi_numbers_close(&numbers);
  chi_free(path);
  return note(findings, status);
}

static int by_digest(const void *a, const void *b)
{
  const print *p = a, *q = b;
  if (p->digest != q->digest) return p->digest > q->digest ? 1 : -1;
  return (p->space > q->space) - (p->space < q->space);
}

/* All layers of one recording, and which of them are equal. */
static chi_status check_layers(const chi_study *study, int32_t dataset, chi_findings *findings)
{
  const chi_dataset *d = &study->datasets[dataset];
  const chi_alignment *a = &study->alignments[d->alignment];
  print *prints = NULL;
  int64_t n = 0;
  CHI_TRY(chi_alloc(a->n_spaces, sizeof *prints, "layers", &prints));
  chi_status status = CHI_OK;
  for (int64_t i = 0; i < a->n_spaces && status == CHI_OK; i++) {
    if (a->space[i].n_features[d->subject_index] == 0) continue;
    prints[n] = (print){0};
    status = check_layer(study, dataset, i, findings, &prints[n]);
    if (prints[n].n_features > 0) n++;
  }
  if (n > 0) qsort(prints, (size_t)n, sizeof *prints, by_digest);
  for (int64_t i = 1; i < n && status == CHI_OK; i++) {
    const print *p = &prints[i - 1], *q = &prints[i];
    if (p->digest != q->digest || p->n_features != q->n_features) continue;
    chi_findings_add(findings, false, "features/%s.%s: %s/%s and %s/%s hold the same numbers",
                     d->subject, a->name, a->space[p->space].model, a->space[p->space].layer,
                     a->space[q->space].model, a->space[q->space].layer);
  }
  chi_free(prints);
  return status;
}

chi_status chi_check_numbers(const chi_study *study, chi_findings *findings)
{
  for (int32_t i = 0; i < study->n_datasets; i++) {
    CHI_TRY(check_responses(study, &study->datasets[i], findings));
    CHI_TRY(check_layers(study, i, findings));
  }
  return CHI_OK;
}
