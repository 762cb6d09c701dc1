/* More features than training events: B = Z_ho Z' (Z Z' + a I)^-1, all in float64. */
#include <string.h>

#include "encode/internal.h"
#include "linalg/dense.h"

#define TILE 768 /* rows of the Gram matrix that one thread adds to at a time */

/* Add one panel of columns to rows [i0, i1) of K (lower triangle), or of the cross product below
 * it. */
static void add_tile(chi_dual *w, int64_t n, int64_t i0, int64_t i1, int64_t columns, int64_t ld,
                     double beta)
{
  const chi_dmatrix rows = {i1 - i0, columns, w->panel + i0 * ld, ld, false};
  if (i0 >= n) {
    chi_dgemm(rows, (chi_dmatrix){n, columns, w->panel, ld, true}, beta, w->cross + (i0 - n) * n,
              n);
    return;
  }
  if (i0 > 0)
    chi_dgemm(rows, (chi_dmatrix){i0, columns, w->panel, ld, true}, beta, w->gram + i0 * n, n);
  chi_dsyrk(rows, beta, w->gram + i0 * n + i0, n);
}

chi_status chi_dual_begin(chi_fit_work *work, int32_t f)
{
  chi_dual *w = &work->dual;
  const chi_fold *fold = &work->folds[f];
  const int64_t n = fold->n_train, all = n + fold->end - fold->first, p = work->shape.n_features;
  const int64_t own = (n + TILE - 1) / TILE, tiles = own + (all - n + TILE - 1) / TILE;
  const int64_t ld = p < CHI_PANEL ? p : CHI_PANEL;
  chi_stages *stages = &work->thread[0].stages;
  for (int64_t c0 = 0; c0 < p; c0 += CHI_PANEL) {
    const int64_t columns = p - c0 < CHI_PANEL ? p - c0 : CHI_PANEL;
    chi_stage_clock clock = chi_stage_start();
    chi_standardise(work, fold, c0, c0 + columns, w->panel, ld);
    chi_stage_stop(stages, CHI_STAGE_STANDARDISE, clock, 6 * (double)all * (double)columns);
#pragma omp parallel for schedule(dynamic) num_threads(work->shape.threads)
    for (int64_t t = tiles - 1; t >= 0; t--) { /* the longest rows first */
      const chi_stage_clock tile_clock = chi_stage_start();
      const int64_t i0 = t < own ? t * TILE : n + (t - own) * TILE;
      const int64_t limit = t < own ? n : all;
      const int64_t i1 = i0 + TILE < limit ? i0 + TILE : limit;
      add_tile(w, n, i0, i1, columns, ld, c0 == 0 ? 0 : 1);
      const double width = t < own ? (double)(i0 + i1) : 2 * (double)n;
      chi_stage_stop(&work->thread[chi_thread()].stages, CHI_STAGE_GRAM, tile_clock,
                     width * (double)(i1 - i0) * (double)columns);
    }
  }
  for (int64_t i = 0; i < n; i++) w->diagonal[i] = w->gram[i * n + i];
  return work->shape.banded ? chi_banded_begin(work, f, n, w->gram, NULL, w->cross) : CHI_OK;
}

void chi_dual_basis(chi_fit_work *work, int32_t f, int64_t t0, int64_t n, int thread)
{
  const chi_fold *fold = &work->folds[f];
  chi_thread_work *t = &work->thread[thread];
  const int64_t order = work->banded.order, ld = chi_apart(n);
  const int64_t targets = work->responses->n_electrodes * work->responses->n_times;
  const chi_stage_clock clock = chi_stage_start();
  memset(t->fold_sum, 0, (size_t)(order * ld) * sizeof *t->fold_sum);
  for (int64_t i = 0; i < fold->n_train; i++) {
    const float *y = (const float *)work->responses->y + fold->train_event[i] * targets + t0;
    for (int64_t j = 0; j < n; j++) t->fold_sum[i * ld + j] = fold->train_scale[i] * (double)y[j];
  }
  chi_banded_basis(work, f, n, t->fold_sum, ld, thread);
  const chi_view to = chi_training_view(work, f, t0);
  for (int64_t i = 0; i < order; i++)
    for (int64_t j = 0; j < n; j++)
      ((float *)to.base)[i * to.ld + j] = (float)t->fold_sum[i * ld + j];
  chi_stage_stop(&t->stages, CHI_STAGE_HAT, clock, 2 * (double)order * (double)order * (double)n);
}

chi_status chi_dual_operator(chi_fit_work *work, int32_t f, int32_t alpha, int thread)
{
  chi_dual *w = &work->dual;
  const chi_fold *fold = &work->folds[f];
  const int64_t n = fold->n_train;
  chi_thread_work *t = &work->thread[thread];
  double *factor = t->factor == NULL ? w->gram : t->factor;
  chi_stage_clock clock = chi_stage_start();
  chi_dupper_of_sum(n, w->gram, w->diagonal, work->alphas[alpha], NULL, factor);
  const chi_status s = chi_dpotrf(n, factor, n);
  chi_stage_stop(&t->stages, CHI_STAGE_FACTORISE, clock, (double)n * (double)n * (double)n / 3);
  if (s != CHI_OK) return s;

  clock = chi_stage_start();
  /* The factor applies to sqrt-weighted training rows; the responses are not weighted, B's columns
   * are. */
  for (int half = 0; half < 2; half++) {
    const int64_t m = chi_half_size(fold, half), first = chi_half_first(fold, half) - fold->first;
    memcpy(t->solve, w->cross + first * n, (size_t)(m * n) * sizeof *t->solve);
    chi_dpotrs(m, n, factor, n, t->solve, n);
    chi_operator_store(work, f, half, alpha, t->solve, n, fold->train_scale);
    chi_stage_stop(&t->stages, CHI_STAGE_HAT, clock, 2 * (double)m * (double)n * (double)n);
    clock = chi_stage_start();
  }
  return CHI_OK;
}
