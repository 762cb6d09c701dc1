/* Responses made ready for any number of fits. */
#include <math.h>

#include "chiasm/encode.h"

#define CHUNK 256

static void prepare_chunk(int64_t n_events, int64_t n_targets, chi_real real, int64_t t0, int64_t n,
                          void *y, uint8_t *missing)
{
  double mean[CHUNK] = {0};
  bool bad[CHUNK] = {false};
  for (int64_t i = 0; i < n_events; i++)
    for (int64_t j = 0; j < n; j++) {
      const int64_t at = i * n_targets + t0 + j;
      const double v = real == CHI_REAL32 ? (double)((float *)y)[at] : ((double *)y)[at];
      bad[j] |= !isfinite(v);
      mean[j] += v;
    }
  for (int64_t j = 0; j < n; j++) {
    mean[j] /= (double)n_events;
    missing[t0 + j] = bad[j];
  }
  for (int64_t i = 0; i < n_events; i++)
    for (int64_t j = 0; j < n; j++) {
      const int64_t at = i * n_targets + t0 + j;
      if (real == CHI_REAL32) {
        float *v = (float *)y + at;
        *v = bad[j] ? 0 : (float)((double)*v - mean[j]);
      } else {
        double *v = (double *)y + at;
        *v = bad[j] ? 0 : *v - mean[j];
      }
    }
}

void chi_responses_prepare(int64_t n_events, int64_t n_targets, chi_real real, int32_t threads,
                           void *y, uint8_t *missing)
{
  const int64_t chunks = (n_targets + CHUNK - 1) / CHUNK;
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (int64_t c = 0; c < chunks; c++) {
    const int64_t t0 = c * CHUNK, n = n_targets - t0 < CHUNK ? n_targets - t0 : CHUNK;
    prepare_chunk(n_events, n_targets, real, t0, n, y, missing);
  }
}
