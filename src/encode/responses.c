/* Responses made ready for any number of fits. */
#include <math.h>

#include "encode/internal.h"

/* Means first: a NaN or Inf anywhere makes the mean one too. Then the centring. */
static void prepare(int64_t n_events, int64_t ld, chi_real real, int64_t t0, void *y,
                    uint8_t *missing)
{
  double mean[CHI_COLUMNS] = {0}, row[CHI_COLUMNS];
  const int64_t n = ld - t0 < CHI_COLUMNS ? ld - t0 : CHI_COLUMNS;
  for (int64_t i = 0; i < n_events; i++) {
    chi_reals_read(real, n, y, i * ld + t0, row);
    for (int64_t j = 0; j < n; j++) mean[j] += row[j];
  }
  for (int64_t j = 0; j < n; j++) {
    mean[j] /= (double)n_events;
    missing[t0 + j] = (uint8_t)(isfinite(mean[j]) ? 0 : 1);
  }
  for (int64_t i = 0; i < n_events; i++) {
    chi_reals_read(real, n, y, i * ld + t0, row);
    for (int64_t j = 0; j < n; j++) row[j] = missing[t0 + j] ? 0 : row[j] - mean[j];
    chi_reals_write(real, n, row, y, i * ld + t0);
  }
}

void chi_responses_prepare(int64_t n_events, int64_t n_targets, chi_real real, int32_t threads,
                           void *y, uint8_t *missing)
{
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (int64_t t = 0; t < n_targets; t += CHI_COLUMNS)
    prepare(n_events, n_targets, real, t, y, missing);
}
