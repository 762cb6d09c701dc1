/* Responses made ready for any number of fits. */
#include <math.h>

#include "chiasm/encode.h"

#define CHUNK 256 /* targets whose means stay in the first-level cache */

/* Means first: a NaN or Inf anywhere makes the mean one too. Then the centring. */
#define DEFINE_PREPARE(name, type)                                                     \
  static void name(int64_t n_events, int64_t ld, int64_t n, type *y, uint8_t *missing) \
  {                                                                                    \
    double mean[CHUNK] = {0};                                                          \
    for (int64_t i = 0; i < n_events; i++)                                             \
      for (int64_t j = 0; j < n; j++) mean[j] += (double)y[i * ld + j];                \
    for (int64_t j = 0; j < n; j++) {                                                  \
      mean[j] /= (double)n_events;                                                     \
      missing[j] = (uint8_t)(isfinite(mean[j]) ? 0 : 1);                               \
    }                                                                                  \
    for (int64_t i = 0; i < n_events; i++)                                             \
      for (int64_t j = 0; j < n; j++)                                                  \
        y[i * ld + j] = missing[j] ? 0 : (type)((double)y[i * ld + j] - mean[j]);      \
  }
DEFINE_PREPARE(prepare_32, float)
DEFINE_PREPARE(prepare_64, double)

void chi_responses_prepare(int64_t n_events, int64_t n_targets, chi_real real, int32_t threads,
                           void *y, uint8_t *missing)
{
  const int64_t chunks = (n_targets + CHUNK - 1) / CHUNK;
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (int64_t c = 0; c < chunks; c++) {
    const int64_t t0 = c * CHUNK, n = n_targets - t0 < CHUNK ? n_targets - t0 : CHUNK;
    if (real == CHI_REAL32)
      prepare_32(n_events, n_targets, n, (float *)y + t0, missing + t0);
    else
      prepare_64(n_events, n_targets, n, (double *)y + t0, missing + t0);
  }
}
