/* Few targets: the operators of all folds and alphas are then most of a fit. Here the Gram matrix
 * of a fold is made banded once, A = Q T Q', and an alpha costs no more than a band:
 *   dual    B = (H Q) (T + a I)^-1     C = Q' Y_tr           H = Z_ho Z'
 *   primal  B = (H Q) (T + a I)^-1 L   C = L^-1 Q' Z' Y_tr   H = Z_ho, L L' = T + a_min I
 * Either C is no larger than the responses, so it may be float32. Q is applied to every target,
 * which many targets would not repay.
 *
 * H is transposed here: its columns are, by halves, the held-out rows less their mean, and then the
 * mean. */
#include <math.h>
#include <string.h>

#include "encode/internal.h"
#include "linalg/band.h"

#define TILE 16 /* rows and columns of what is transposed at a time: they stay in cache */

/* The upper triangle of A, order x order, from the lower one of gram, n x n; zeros beyond. */
static void copy_gram(int64_t order, int64_t n, const double *gram, const double *scale, double *a)
{
  memset(a, 0, (size_t)(order * order) * sizeof *a);
  for (int64_t i0 = 0; i0 < n; i0 += TILE)
    for (int64_t j0 = 0; j0 <= i0; j0 += TILE)
      for (int64_t i = i0; i < n && i < i0 + TILE; i++)
        for (int64_t j = j0; j <= i && j < j0 + TILE; j++)
          a[j * order + i] = gram[i * n + j] * (scale == NULL ? 1 : scale[i] * scale[j]);
}

/* Columns [at, at + m + 1) of H': the m rows h, n wide, centred, and their mean. */
static void turn_half(const chi_banded *w, int64_t n, int64_t m, const double *h,
                      const double *weight, const double *scale, int64_t at)
{
  double total = 0, spread = 0, size = 0;
  for (int64_t r = 0; r < m; r++) total += weight[r];
  for (int64_t i0 = 0; i0 < n; i0 += TILE) {
    const int64_t end = i0 + TILE < n ? i0 + TILE : n;
    for (int64_t r = 0; r < m; r++)
      for (int64_t i = i0; i < end; i++) w->held_out[i * w->ld + at + r] = h[r * n + i];
    for (int64_t i = i0; i < end; i++) {
      double *row = w->held_out + i * w->ld + at, mean = 0;
      const double factor = scale == NULL ? 1 : scale[i];
      for (int64_t r = 0; r < m; r++) mean += weight[r] / total * row[r];
      for (int64_t r = 0; r < m; r++) {
        row[r] = factor * (row[r] - mean);
        if (fabs(row[r]) > spread) spread = fabs(row[r]);
      }
      row[m] = factor * mean;
      if (fabs(row[m]) > size) size = fabs(row[m]);
    }
  }
  for (int64_t i = 0; i < n && spread <= CHI_ROUNDING * size; i++)
    memset(w->held_out + i * w->ld + at, 0, (size_t)m * sizeof *w->held_out);
}

chi_status chi_banded_begin(chi_fit_work *work, int32_t f, int64_t n, const double *gram,
                            const double *scale, const double *h)
{
  chi_banded *w = &work->banded;
  const chi_band_form *form = &w->form[f];
  const chi_fold *fold = &work->folds[f];
  const int64_t order = chi_band_order(n), m = fold->end - fold->first;
  const double *weight = work->rows->weight + fold->first;
  chi_stages *stages = &work->thread[0].stages;
  chi_stage_clock clock = chi_stage_start();
  w->order = order;
  copy_gram(order, n, gram, scale, form->reflectors);
  chi_band_reduce(order, form->reflectors, form->triangles, w->band, w->work);
  CHI_TRY(chi_band_factor(order, w->band, work->alphas[0], form->first));
  chi_stage_stop(stages, CHI_STAGE_FACTORISE, &clock, 2.0 / 3 * chi_flops(n, n, n));
  const int64_t m0 = fold->split - fold->first;
  memset(w->held_out, 0, (size_t)(order * w->ld) * sizeof *w->held_out);
  turn_half(w, n, m0, h, weight, scale, 0);
  turn_half(w, n, m - m0, h + m0 * n, weight + m0, scale, m0 + 1);
  chi_stage_stop(stages, CHI_STAGE_HAT, &clock, 0);
#pragma omp parallel for schedule(dynamic) num_threads(work->shape.threads)
  for (int64_t j = 0; j < m + 2; j += CHI_ROTATED) {
    chi_thread_work *t = chi_thread(work);
    const int64_t columns = m + 2 - j < CHI_ROTATED ? m + 2 - j : CHI_ROTATED;
    chi_stage_clock part = chi_stage_start();
    chi_band_rotate(order, form->reflectors, form->triangles, columns, w->held_out + j, w->ld,
                    t->rotate);
    chi_stage_stop(&t->stages, CHI_STAGE_HAT, &part, chi_flops(n, columns, n));
  }
  return CHI_OK;
}

chi_status chi_banded_operator(chi_fit_work *work, int32_t f, int32_t alpha, chi_thread_work *t)
{
  const chi_banded *w = &work->banded;
  const chi_fold *fold = &work->folds[f];
  const int64_t m = fold->end - fold->first + 2, m0 = fold->split - fold->first;
  chi_stage_clock clock = chi_stage_start();
  CHI_TRY(chi_band_factor(w->order, w->band, work->alphas[alpha], t->factor));
  memcpy(t->solve, w->held_out, (size_t)(w->order * w->ld) * sizeof *t->solve);
  chi_band_forward(w->order, t->factor, m, t->solve, w->ld);
  chi_band_backward(w->order, t->factor, m, t->solve, w->ld);
  if (work->shape.route == CHI_ROUTE_PRIMAL)
    chi_band_multiply(w->order, w->form[f].first, m, t->solve, w->ld);
  chi_operator_store_turned(work, f, 0, alpha, t->solve, w->ld, w->order);
  chi_operator_store_turned(work, f, 1, alpha, t->solve + m0 + 1, w->ld, w->order);
  chi_stage_stop(&t->stages, CHI_STAGE_HAT, &clock, 3 * chi_flops(w->order, m, CHI_BAND));
  return CHI_OK;
}

void chi_banded_basis(chi_fit_work *work, int32_t f, int64_t n, double *c, int64_t ldc,
                      chi_thread_work *t)
{
  const chi_band_form *form = &work->banded.form[f];
  const int64_t order = work->banded.order;
  chi_band_rotate(order, form->reflectors, form->triangles, n, c, ldc, t->rotate);
  if (work->shape.route == CHI_ROUTE_PRIMAL) chi_band_forward(order, form->first, n, c, ldc);
}
