/* Pearson's r of predictions and responses, and what it needs to know of the responses. */
#include <math.h>

#include "encode/internal.h"

#define TILE 256 /* targets whose sums stay in the first-level cache */

/* The same code for the instructions of newer processors, chosen when the program loads. */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define CLONES __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define CLONES
#endif

/* Sums over one row: squares of predictions p, and products with the responses y. */
#define DEFINE_ADD_ROW(name, type)                                                               \
  CLONES static void name(int64_t n, double w, const type *restrict p, const type *restrict y,   \
                          const double *restrict mean, double *restrict pp, double *restrict py) \
  {                                                                                              \
    _Pragma("omp simd") for (int64_t j = 0; j < n; j++)                                          \
    {                                                                                            \
      const double pj = p[j], wp = w * pj;                                                       \
      pp[j] += wp * pj;                                                                          \
      py[j] += wp * ((double)y[j] - mean[j]);                                                    \
    }                                                                                            \
  }
DEFINE_ADD_ROW(add_row_32, float)
DEFINE_ADD_ROW(add_row_64, double)

/* Sums over one row of responses: total, least, greatest; then squares about the mean. */
#define DEFINE_STATISTICS(first_name, second_name, type)                                           \
  CLONES static void first_name(int64_t n, double w, const type *restrict y, double *restrict sum, \
                                double *restrict low, double *restrict high)                       \
  {                                                                                                \
    _Pragma("omp simd") for (int64_t j = 0; j < n; j++)                                            \
    {                                                                                              \
      const double yj = y[j];                                                                      \
      sum[j] += w * yj;                                                                            \
      low[j] = yj < low[j] ? yj : low[j];                                                          \
      high[j] = yj > high[j] ? yj : high[j];                                                       \
    }                                                                                              \
  }                                                                                                \
  CLONES static void second_name(int64_t n, double w, const type *restrict y,                      \
                                 const double *restrict mean, double *restrict squares)            \
  {                                                                                                \
    _Pragma("omp simd") for (int64_t j = 0; j < n; j++)                                            \
    {                                                                                              \
      const double d = (double)y[j] - mean[j];                                                     \
      squares[j] += w * d * d;                                                                     \
    }                                                                                              \
  }
DEFINE_STATISTICS(add_first_32, add_second_32, float)
DEFINE_STATISTICS(add_first_64, add_second_64, double)

static const void *view_row(const chi_view *v, chi_real real, int64_t i, int64_t column)
{
  const int64_t row = v->row == NULL ? i : v->row[i];
  return (const char *)v->base + (row * v->ld + column) * (int64_t)real;
}

/* A prediction whose spread is below this part of its size before centring is constant. */
#define LEAST_SPREAD 1e-6

void chi_pearson(const chi_fit_work *work, int32_t f, int half, int64_t n, chi_view y,
                 chi_thread_work *t)
{
  const chi_fold *fold = &work->folds[f];
  const chi_real real = work->shape.real;
  const int64_t m = chi_half_size(fold, half);
  const double *w = work->rows->weight + chi_half_first(fold, half);
  double total = 0;
  for (int64_t i = 0; i < m; i++) total += w[i];
  const chi_view p = {t->prediction, n, NULL, m + 1};
  for (int64_t j0 = 0; j0 < n; j0 += TILE) {
    const int64_t nj = n - j0 < TILE ? n - j0 : TILE;
    double pp[TILE] = {0}, py[TILE] = {0};
    for (int64_t i = 0; i < m; i++) {
      const void *pi = view_row(&p, real, i, j0), *yi = view_row(&y, real, i, j0);
      if (real == CHI_REAL32)
        add_row_32(nj, w[i], pi, yi, t->mean + j0, pp, py);
      else
        add_row_64(nj, w[i], pi, yi, t->mean + j0, pp, py);
    }
    const void *last = view_row(&p, real, m, j0);
    for (int64_t j = 0; j < nj; j++) {
      const double centre =
          real == CHI_REAL32 ? (double)((const float *)last)[j] : ((const double *)last)[j];
      const double spread = sqrt(pp[j]), size = sqrt(pp[j] + total * centre * centre);
      const bool defined = t->norm[j0 + j] > 0 && spread > LEAST_SPREAD * size;
      t->r[j0 + j] = defined ? py[j] / (spread * t->norm[j0 + j]) : (double)NAN;
    }
  }
}

/* One half of one fold, one tile of targets. */
static void tile_statistics(const chi_fit_work *work, const chi_fold *fold, int half, int64_t t0,
                            int64_t n, double *mean, double *norm)
{
  const chi_real real = work->shape.real;
  const int64_t first = chi_half_first(fold, half), m = chi_half_size(fold, half);
  const chi_responses *y = work->responses;
  const chi_view v = {y->y, y->n_electrodes * y->n_times, work->rows->event + first, m};
  const double *w = work->rows->weight + first;
  double low[TILE], high[TILE], squares[TILE] = {0}, total = 0;
  for (int64_t j = 0; j < n; j++) {
    low[j] = INFINITY;
    high[j] = -INFINITY;
    mean[j] = 0;
  }
  for (int64_t i = 0; i < m; i++) {
    total += w[i];
    if (real == CHI_REAL32)
      add_first_32(n, w[i], view_row(&v, real, i, t0), mean, low, high);
    else
      add_first_64(n, w[i], view_row(&v, real, i, t0), mean, low, high);
  }
  for (int64_t j = 0; j < n; j++) mean[j] /= total;
  for (int64_t i = 0; i < m; i++) {
    if (real == CHI_REAL32)
      add_second_32(n, w[i], view_row(&v, real, i, t0), mean, squares);
    else
      add_second_64(n, w[i], view_row(&v, real, i, t0), mean, squares);
  }
  for (int64_t j = 0; j < n; j++) norm[j] = high[j] > low[j] ? sqrt(squares[j]) : 0;
}

void chi_target_statistics(chi_fit_work *work, chi_block block)
{
  for (int32_t f = 0; f < work->shape.n_folds; f++)
    for (int half = 0; half < 2; half++)
      for (int64_t j = 0; j < block.n; j += TILE) {
        const int64_t n = block.n - j < TILE ? block.n - j : TILE, t0 = block.t0 + j;
        const int64_t at = (2 * f + half) * work->n_targets + t0 - work->target0;
        tile_statistics(work, &work->folds[f], half, t0, n, work->mean + at, work->norm + at);
      }
}
