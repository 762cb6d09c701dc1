/* Features of one fold standardised by its training rows. */
#include <math.h>

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
