/* Features of one fold standardised by its training rows, and operators stored centred. */
#include <math.h>
#include <string.h>

#include "encode/internal.h"

#define CHUNK 64 /* columns at a time: their sums stay in the first-level cache */

void chi_read_features(const chi_fit_work *work, int64_t event, int64_t c0, int64_t n, double *out)
{
  const int64_t at = event * work->shape.n_features + c0;
  if (work->features->real == CHI_REAL32) {
    const float *first = work->features->x, *x = first + at, *x0 = first + c0;
    for (int64_t j = 0; j < n; j++) out[j] = (double)x[j] - (double)x0[j];
  } else {
    const double *first = work->features->x, *x = first + at, *x0 = first + c0;
    for (int64_t j = 0; j < n; j++) out[j] = x[j] - x0[j];
  }
}

/* Mean and 1 / standard deviation (0: constant) of a chunk of columns over the training rows. */
static void column_moments(const chi_fit_work *work, const chi_fold *fold, int64_t c0, int64_t n,
                           double *mean, double *scale)
{
  double low[CHUNK], high[CHUNK], x[CHUNK], total = 0;
  for (int64_t j = 0; j < n; j++) {
    low[j] = INFINITY;
    high[j] = -INFINITY;
    mean[j] = scale[j] = 0;
  }
  for (int64_t i = 0; i < fold->n_train; i++) {
    const double w = work->rows->weight[fold->train[i]];
    total += w;
    chi_read_features(work, fold->train_event[i], c0, n, x);
    for (int64_t j = 0; j < n; j++) {
      mean[j] += w * x[j];
      low[j] = x[j] < low[j] ? x[j] : low[j];
      high[j] = x[j] > high[j] ? x[j] : high[j];
    }
  }
  for (int64_t j = 0; j < n; j++) mean[j] /= total;
  for (int64_t i = 0; i < fold->n_train; i++) {
    const double w = work->rows->weight[fold->train[i]];
    chi_read_features(work, fold->train_event[i], c0, n, x);
    for (int64_t j = 0; j < n; j++) scale[j] += w * (x[j] - mean[j]) * (x[j] - mean[j]);
  }
  for (int64_t j = 0; j < n; j++)
    scale[j] = high[j] > low[j] && scale[j] > 0 ? 1 / sqrt(scale[j] / total) : 0;
}

static void standardise_chunk(const chi_fit_work *work, const chi_fold *fold, int64_t c0, int64_t n,
                              double *z, int64_t ld)
{
  double mean[CHUNK], scale[CHUNK];
  column_moments(work, fold, c0, n, mean, scale);
  for (int64_t i = 0; i < fold->n_train; i++) {
    double *row = z + i * ld;
    const double w = fold->train_scale[i];
    chi_read_features(work, fold->train_event[i], c0, n, row);
    for (int64_t j = 0; j < n; j++) row[j] = w * (row[j] - mean[j]) * scale[j];
  }
  for (int64_t i = fold->first; i < fold->end; i++) {
    double *row = z + (fold->n_train + i - fold->first) * ld;
    chi_read_features(work, work->rows->event[i], c0, n, row);
    for (int64_t j = 0; j < n; j++) row[j] = (row[j] - mean[j]) * scale[j];
  }
}

void chi_standardise(const chi_fit_work *work, const chi_fold *fold, int64_t c0, int64_t c1,
                     double *z, int64_t ld)
{
  const int64_t chunks = (c1 - c0 + CHUNK - 1) / CHUNK;
#pragma omp parallel for schedule(dynamic) num_threads(work->shape.threads)
  for (int64_t i = 0; i < chunks; i++) {
    const int64_t c = c0 + i * CHUNK, n = c1 - c < CHUNK ? c1 - c : CHUNK;
    standardise_chunk(work, fold, c, n, z + i * CHUNK, ld);
  }
}

void *chi_operator(const chi_fit_work *work, int32_t fold, int half, int32_t alpha)
{
  const chi_shape *s = &work->shape;
  const int64_t bytes = (s->max_half + 1) * s->basis * (int64_t)s->real;
  const int64_t kept = (int64_t)fold * s->n_alphas + alpha;
  if (half == 1) return work->b_test + kept * bytes;
  return work->b_validation + (s->route == CHI_ROUTE_PRIMAL ? kept : alpha % s->wave) * bytes;
}

/* One row of a chunk, to where it is kept as float32 or float64. \return its largest magnitude */
static double store_row(chi_real real, int64_t n, const double *row, void *out, int64_t at)
{
  double largest = 0;
  for (int64_t j = 0; j < n; j++) {
    const double size = fabs(row[j]);
    largest = size > largest ? size : largest;
  }
  if (real == CHI_REAL64)
    memcpy((double *)out + at, row, (size_t)n * sizeof *row);
  else
    _Pragma("omp simd") for (int64_t j = 0; j < n; j++)((float *)out)[at + j] = (float)row[j];
  return largest;
}

void chi_operator_store(chi_fit_work *work, int32_t fold, int half, int32_t alpha, const double *b,
                        int64_t k, const double *column_scale)
{
  const chi_fold *at = &work->folds[fold];
  const int64_t m = chi_half_size(at, half), ld = work->shape.basis;
  const chi_real real = work->shape.real;
  const double *w = work->rows->weight + chi_half_first(at, half);
  void *out = chi_operator(work, fold, half, alpha);
  double total = 0, spread = 0, size = 0;
  for (int64_t i = 0; i < m; i++) total += w[i];
  for (int64_t j0 = 0; j0 < k; j0 += CHUNK) {
    const int64_t n = k - j0 < CHUNK ? k - j0 : CHUNK;
    double mean[CHUNK] = {0}, scale[CHUNK], row[CHUNK];
    for (int64_t j = 0; j < n; j++) scale[j] = column_scale == NULL ? 1 : column_scale[j0 + j];
    for (int64_t i = 0; i < m; i++)
      for (int64_t j = 0; j < n; j++) mean[j] += w[i] * b[i * k + j0 + j];
    for (int64_t j = 0; j < n; j++) mean[j] /= total;
    for (int64_t i = 0; i < m; i++) {
      for (int64_t j = 0; j < n; j++) row[j] = scale[j] * (b[i * k + j0 + j] - mean[j]);
      spread = fmax(spread, store_row(real, n, row, out, i * ld + j0));
    }
    for (int64_t j = 0; j < n; j++) row[j] = scale[j] * mean[j];
    size = fmax(size, store_row(real, n, row, out, m * ld + j0));
  }
  if (spread <= CHI_ROUNDING * size) memset(out, 0, (size_t)(m * ld) * real);
}

void chi_operator_store_turned(chi_fit_work *work, int32_t fold, int half, int32_t alpha,
                               const double *b, int64_t ld, int64_t k)
{
  const int64_t m = chi_half_size(&work->folds[fold], half), to = work->shape.basis, tile = 16;
  float *out = chi_operator(work, fold, half, alpha);
  for (int64_t j0 = 0; j0 < k; j0 += tile)
    for (int64_t i = 0; i <= m; i++)
      for (int64_t j = j0; j < k && j < j0 + tile; j++) out[i * to + j] = (float)b[j * ld + i];
}
