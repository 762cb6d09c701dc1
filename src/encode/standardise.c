/* Features of one fold standardised by its training rows. */
#include <math.h>

#include "encode/internal.h"

static void standardise_chunk(const chi_fit_work *work, const chi_fold *fold, int64_t c0, int64_t n,
                              double *z, int64_t ld)
{
  chi_moments of;
  double scale[CHI_COLUMNS];
  chi_moments_make(work, chi_read_features,
                   (chi_events){fold->n_train, fold->train_event, fold->train_weight}, c0, n, &of);
  for (int64_t j = 0; j < n; j++)
    scale[j] = of.squares[j] > 0 ? 1 / sqrt(of.squares[j] / of.weight) : 0;
  for (int64_t i = 0; i < fold->n_train; i++) {
    double *row = z + i * ld;
    const double w = fold->train_scale[i];
    chi_read_features(work, fold->train_event[i], c0, n, row);
    for (int64_t j = 0; j < n; j++) row[j] = w * (row[j] - of.mean[j]) * scale[j];
  }
  for (int64_t i = fold->first; i < fold->end; i++) {
    double *row = z + (fold->n_train + i - fold->first) * ld;
    chi_read_features(work, work->rows->event[i], c0, n, row);
    for (int64_t j = 0; j < n; j++) row[j] = (row[j] - of.mean[j]) * scale[j];
  }
}

void chi_standardise(const chi_fit_work *work, const chi_fold *fold, int64_t c0, int64_t c1,
                     double *z, int64_t ld)
{
  const int64_t chunks = (c1 - c0 + CHI_COLUMNS - 1) / CHI_COLUMNS;
#pragma omp parallel for schedule(dynamic) num_threads(work->shape.threads)
  for (int64_t i = 0; i < chunks; i++) {
    const int64_t c = c0 + i * CHI_COLUMNS, n = c1 - c < CHI_COLUMNS ? c1 - c : CHI_COLUMNS;
    standardise_chunk(work, fold, c, n, z + i * CHI_COLUMNS, ld);
  }
}
