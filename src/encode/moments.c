/* Features and responses read as float64, and moments of their columns. */
#include <math.h>
#include <string.h>

#include "encode/internal.h"

void chi_reals_write(chi_real real, int64_t n, const double *in, void *out, int64_t at)
{
  if (real == CHI_REAL64)
    memcpy((double *)out + at, in, (size_t)n * sizeof *in);
  else {
    float *to = (float *)out + at;
    _Pragma("omp simd") for (int64_t j = 0; j < n; j++) to[j] = (float)in[j];
  }
}

/* Clones are static: clang gives them another name for the linker. */
CHI_CLONES static void widen(int64_t n, const float *in, double *out)
{
  _Pragma("omp simd") for (int64_t j = 0; j < n; j++) out[j] = (double)in[j];
}

void chi_reals_read(chi_real real, int64_t n, const void *in, int64_t at, double *out)
{
  if (real == CHI_REAL64)
    memcpy(out, (const double *)in + at, (size_t)n * sizeof *out);
  else
    widen(n, (const float *)in + at, out);
}

void chi_read_responses(const chi_fit_work *work, int64_t event, int64_t t0, int64_t n, double *out)
{
  const chi_responses *y = work->responses;
  chi_reals_read(y->real, n, y->y, event * y->n_electrodes * y->n_times + t0, out);
}

void chi_read_features(const chi_fit_work *work, int64_t event, int64_t c0, int64_t n, double *out)
{
  const chi_features *x = work->features;
  chi_reals_read(x->real, n, x->x, event * x->n_features + c0, out);
  if (x->real == CHI_REAL64)
    for (int64_t j = 0; j < n; j++) out[j] -= ((const double *)x->x)[c0 + j];
  else
    for (int64_t j = 0; j < n; j++) out[j] -= (double)((const float *)x->x)[c0 + j];
}

void chi_range_start(int64_t n, double *sum, double *low, double *high)
{
  for (int64_t j = 0; j < n; j++) {
    low[j] = INFINITY;
    high[j] = -INFINITY;
    sum[j] = 0;
  }
}

CHI_CLONES static void add_range(int64_t n, double w, const double *restrict x,
                                 double *restrict sum, double *restrict low, double *restrict high)
{
  _Pragma("omp simd") for (int64_t j = 0; j < n; j++)
  {
    sum[j] += w * x[j];
    low[j] = x[j] < low[j] ? x[j] : low[j];
    high[j] = x[j] > high[j] ? x[j] : high[j];
  }
}

void chi_range_add(int64_t n, double w, const double *x, double *sum, double *low, double *high)
{
  add_range(n, w, x, sum, low, high);
}

CHI_CLONES static void add_squares(int64_t n, double w, const double *restrict x,
                                   const double *restrict mean, double *restrict squares)
{
  _Pragma("omp simd") for (int64_t j = 0; j < n; j++)
  {
    const double d = x[j] - mean[j];
    squares[j] += w * d * d;
  }
}

void chi_moments_make(const chi_fit_work *work, chi_reader *read, chi_events events, int64_t c0,
                      int64_t n, chi_moments *out)
{
  double low[CHI_COLUMNS], high[CHI_COLUMNS], x[CHI_COLUMNS];
  out->weight = 0;
  memset(out->squares, 0, sizeof out->squares);
  chi_range_start(n, out->mean, low, high);
  for (int64_t i = 0; i < events.n; i++) {
    out->weight += events.weight[i];
    read(work, events.event[i], c0, n, x);
    chi_range_add(n, events.weight[i], x, out->mean, low, high);
  }
  for (int64_t j = 0; j < n; j++) out->mean[j] /= out->weight;
  for (int64_t i = 0; i < events.n; i++) {
    read(work, events.event[i], c0, n, x);
    add_squares(n, events.weight[i], x, out->mean, out->squares);
  }
  for (int64_t j = 0; j < n; j++)
    if (!(high[j] > low[j])) out->squares[j] = 0;
}
