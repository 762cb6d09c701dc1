/* Pearson's r of predictions and responses, and what it needs to know of the responses. */
#include <math.h>

#include "encode/internal.h"

/* Sums over one row: squares of predictions p, and products with the responses y. */
#define DEFINE_ADD_ROW(name, type)                                                                 \
  CHI_CLONES static void name(int64_t n, double w, const type *restrict p, const type *restrict y, \
                              const double *restrict mean, double *restrict pp,                    \
                              double *restrict py)                                                 \
  {                                                                                                \
    _Pragma("omp simd") for (int64_t j = 0; j < n; j++)                                            \
    {                                                                                              \
      const double pj = p[j], wp = w * pj;                                                         \
      pp[j] += wp * pj;                                                                            \
      py[j] += wp * ((double)y[j] - mean[j]);                                                      \
    }                                                                                              \
  }
DEFINE_ADD_ROW(add_row_32, float)
DEFINE_ADD_ROW(add_row_64, double)

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
  for (int64_t j0 = 0; j0 < n; j0 += CHI_COLUMNS) {
    const int64_t nj = n - j0 < CHI_COLUMNS ? n - j0 : CHI_COLUMNS;
    double pp[CHI_COLUMNS] = {0}, py[CHI_COLUMNS] = {0};
    for (int64_t i = 0; i < m; i++) {
      const void *pi = chi_row_at(&p, real, i, j0), *yi = chi_row_at(&y, real, i, j0);
      if (real == CHI_REAL32)
        add_row_32(nj, w[i], pi, yi, t->mean + j0, pp, py);
      else
        add_row_64(nj, w[i], pi, yi, t->mean + j0, pp, py);
    }
    const void *last = chi_row_at(&p, real, m, j0);
    for (int64_t j = 0; j < nj; j++) {
      const double centre =
          real == CHI_REAL32 ? (double)((const float *)last)[j] : ((const double *)last)[j];
      const double spread = sqrt(pp[j]), size = sqrt(pp[j] + total * centre * centre);
      const double norm = t->norm[j0 + j]; /* infinite where squares overflow */
      const bool defined = norm > 0 && norm < INFINITY && spread > LEAST_SPREAD * size;
      t->spread[j0 + j] = spread;
      t->r[j0 + j] = defined ? py[j] / (spread * norm) : (double)NAN;
    }
  }
}

void chi_target_statistics(chi_fit_work *work, chi_block block)
{
  for (int32_t f = 0; f < work->shape.n_folds; f++)
    for (int half = 0; half < 2; half++) {
      const int64_t first = chi_half_first(&work->folds[f], half);
      const chi_events events = {chi_half_size(&work->folds[f], half), work->rows->event + first,
                                 work->rows->weight + first};
      for (int64_t t = block.t0; t < block.t0 + block.n; t += CHI_COLUMNS) {
        const int64_t left = block.t0 + block.n - t, n = left < CHI_COLUMNS ? left : CHI_COLUMNS;
        const int64_t at = (2 * f + half) * work->n_targets + t - work->target0;
        chi_moments of;
        chi_moments_make(work, chi_read_responses, events, t, n, &of);
        for (int64_t j = 0; j < n; j++) {
          work->mean[at + j] = of.mean[j];
          work->norm[at + j] = sqrt(of.squares[j]);
        }
      }
    }
}
