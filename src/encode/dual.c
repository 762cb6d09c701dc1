/* More features than training events: B = Z_ho Z' (Z Z' + a I)^-1, all in float64. */
#include <string.h>

#include "encode/internal.h"
#include "linalg/dense.h"

#define TILE 768 /* rows of the Gram matrix that one thread adds to at a time */

/* Add one panel of columns to rows [i0, i1) of K (lower triangle) or of the cross product, which
 * stands below it. */
static void add_tile(chi_dual *w, int64_t n, int64_t i0, int64_t i1, int64_t columns, int64_t ld,
                     double beta)
{
  const int64_t left = i0 < n ? i0 : n; /* columns of whole rows */
  const chi_dmatrix rows = {i1 - i0, columns, w->panel + i0 * ld, ld, false};
  if (left > 0)
    chi_dgemm(rows, (chi_dmatrix){left, columns, w->panel, ld, true}, beta, w->gram + i0 * n, n);
  if (i0 < n) chi_dsyrk(rows, beta, w->gram + i0 * n + i0, n);
}

/* Standardise a panel of columns and add it to K and the cross product. */
static void add_panel(chi_fit_work *work, int32_t f, int64_t c0, int64_t columns, int64_t ld)
{
  const chi_fold *fold = &work->folds[f];
  const int64_t n = fold->n_train, all = n + fold->end - fold->first;
  const int64_t own = (n + TILE - 1) / TILE, tiles = own + (all - n + TILE - 1) / TILE;
  chi_stage_clock clock = chi_stage_start();
  chi_standardise(work, fold, c0, c0 + columns, work->dual.panel, ld);
  chi_stage_stop(&work->thread[0].stages, CHI_STAGE_STANDARDISE, &clock,
                 3 * chi_flops(all, columns, 1));
#pragma omp parallel for schedule(dynamic) num_threads(work->shape.threads)
  for (int64_t t = tiles - 1; t >= 0; t--) { /* the longest rows first */
    chi_stage_clock tile_clock = chi_stage_start();
    const int64_t i0 = t < own ? t * TILE : n + (t - own) * TILE;
    const int64_t limit = t < own ? n : all;
    const int64_t i1 = i0 + TILE < limit ? i0 + TILE : limit;
    add_tile(&work->dual, n, i0, i1, columns, ld, c0 == 0 ? 0 : 1);
    const double width = t < own ? (double)(i0 + i1) : 2 * (double)n;
    chi_stage_stop(&chi_thread(work)->stages, CHI_STAGE_GRAM, &tile_clock,
                   width * (double)(i1 - i0) * (double)columns);
  }
}

chi_status chi_dual_begin(chi_fit_work *work, int32_t f)
{
  chi_dual *w = &work->dual;
  const int64_t n = work->folds[f].n_train, p = work->shape.n_features;
  const int64_t width = p < CHI_PANEL ? p : CHI_PANEL;
  for (int64_t c = 0; c < p; c += width)
    add_panel(work, f, c, p - c < width ? p - c : width, width);
  for (int64_t i = 0; i < n; i++) w->diagonal[i] = w->gram[i * n + i];
  return work->shape.banded ? chi_banded_begin(work, f, n, w->gram, NULL, w->gram + n * n) : CHI_OK;
}

void chi_dual_basis(chi_fit_work *work, int32_t f, chi_block block)
{
  const chi_fold *fold = &work->folds[f];
  double *sum = block.t->fold_sum;
  const int64_t order = work->banded.order, n = block.n, ld = chi_apart(n);
  chi_stage_clock clock = chi_stage_start();
  memset(sum, 0, (size_t)(order * ld) * sizeof *sum);
  for (int64_t i = 0; i < fold->n_train; i++) {
    chi_read_responses(work, fold->train_event[i], block.t0, n, sum + i * ld);
    for (int64_t j = 0; j < n; j++) sum[i * ld + j] *= fold->train_scale[i];
  }
  chi_banded_basis(work, f, n, sum, ld, block.t);
  float *to = work->banded.basis + f * work->shape.basis * work->n_targets;
  for (int64_t i = 0; i < order; i++)
    chi_reals_write(CHI_REAL32, n, sum + i * ld, to,
                    i * work->n_targets + block.t0 - work->target0);
  chi_stage_stop(&block.t->stages, CHI_STAGE_HAT, &clock, chi_flops(order, order, n));
}

chi_status chi_dual_operator(chi_fit_work *work, int32_t f, int32_t alpha, chi_thread_work *t)
{
  chi_dual *w = &work->dual;
  const chi_fold *fold = &work->folds[f];
  const int64_t n = fold->n_train;
  double *factor = t->factor == NULL ? w->gram : t->factor;
  chi_stage_clock clock = chi_stage_start();
  chi_dupper_of_sum(n, w->gram, w->diagonal, work->alphas[alpha], NULL, factor);
  const chi_status s = chi_dpotrf(n, factor, n);
  chi_stage_stop(&t->stages, CHI_STAGE_FACTORISE, &clock, chi_flops(n, n, n) / 6);
  if (s != CHI_OK) return s;
  /* The factor applies to sqrt-weighted training rows; the responses are not weighted, B's columns
   * are. */
  for (int half = 0; half < 2; half++) {
    const int64_t m = chi_half_size(fold, half), first = chi_half_first(fold, half) - fold->first;
    memcpy(t->solve, w->gram + (n + first) * n, (size_t)(m * n) * sizeof *t->solve);
    chi_dpotrs(m, n, factor, n, t->solve, n);
    chi_operator_store(work, f, half, alpha, t->solve, n, fold->train_scale);
    chi_stage_stop(&t->stages, CHI_STAGE_HAT, &clock, chi_flops(m, n, n));
  }
  return CHI_OK;
}
