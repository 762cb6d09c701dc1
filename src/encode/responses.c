/* Responses made ready for any number of fits. */
#include <math.h>
#include <stdlib.h>

#include "base/statistics.h"
#include "encode/internal.h"

enum { GROUPS = 15 };

/* The middle one of the means of groups of events: an event far out shifts it by no more than the
 * others' spread, so that float64 keeps the digits of these. */
static double middle(int64_t n_events, double sum[GROUPS][CHI_COLUMNS], int64_t j)
{
  const int groups = n_events < GROUPS ? (int)n_events : GROUPS;
  double mean[GROUPS];
  for (int g = 0; g < groups; g++)
    mean[g] = sum[g][j] / (double)((g + 1) * n_events / groups - g * n_events / groups);
  qsort(mean, (size_t)groups, sizeof *mean, chi_compare_reals);
  return mean[groups / 2];
}

/* Sums first: a NaN or Inf anywhere makes the mean one too. Then the centring. */
static void prepare(int64_t n_events, int64_t ld, chi_real real, int64_t t0, void *y,
                    uint8_t *missing)
{
  double sum[GROUPS][CHI_COLUMNS] = {{0}}, centre[CHI_COLUMNS] = {0}, row[CHI_COLUMNS];
  const int64_t n = ld - t0 < CHI_COLUMNS ? ld - t0 : CHI_COLUMNS;
  const int groups = n_events < GROUPS ? (int)n_events : GROUPS;
  for (int64_t i = 0, g = 0; i < n_events; i++) {
    while (i >= (g + 1) * n_events / groups) g++;
    chi_reals_read(real, n, y, i * ld + t0, row);
    for (int64_t j = 0; j < n; j++) {
      sum[g][j] += row[j];
      centre[j] += row[j];
    }
  }
  for (int64_t j = 0; j < n; j++) {
    centre[j] /= (double)n_events;
    missing[t0 + j] = (uint8_t)(isfinite(centre[j]) ? 0 : 1);
    if (real == CHI_REAL64 && !missing[t0 + j]) centre[j] = middle(n_events, sum, j);
  }
  for (int64_t i = 0; i < n_events; i++) {
    chi_reals_read(real, n, y, i * ld + t0, row);
    for (int64_t j = 0; j < n; j++) row[j] = missing[t0 + j] ? 0 : row[j] - centre[j];
    chi_reals_write(real, n, row, y, i * ld + t0);
  }
}

/* A centred target that lies so many of its standard deviations off 0 within a half is known there
 * to 64 * 2^-24 = 4e-6 of them in each event, at random: to less than 2e-6 in an r over some folds.
 * Spikes of real recordings stay within it. Beyond the other two sums overflow, and digits are lost
 * as numbers near 0. */
#define MOST_SHIFT 64
#define MOST       1e30
#define LEAST      1e-30

bool chi_wide_target(double range, double shift)
{
  return shift > MOST_SHIFT || range > MOST || (range > 0 && range < LEAST);
}

void chi_responses_prepare(int64_t n_events, int64_t n_targets, chi_real real, int32_t threads,
                           void *y, uint8_t *missing)
{
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (int64_t t = 0; t < n_targets; t += CHI_COLUMNS)
    prepare(n_events, n_targets, real, t, y, missing);
}
