/* The primal's one sweep over the responses, which serves all folds: sums by class, merged for each
 * fold to its C. */
#include <math.h>
#include <string.h>

#include "encode/internal.h"
#include "linalg/dense.h"

void chi_primal_narrow(chi_fit_work *work)
{
  chi_primal *w = &work->primal;
  w->narrow = work->shape.real == CHI_REAL32 && !w->exact_sums;
  if (!w->narrow) return;
  for (int64_t i = 0; i < work->rows->n * work->shape.n_features; i++) {
    const float value = (float)w->x[i]; /* rounded in place */
    memcpy((char *)w->x + i * (int64_t)sizeof value, &value, sizeof value);
  }
}

/* A row's responses times the square root of its weight, to row i of t->responses (float32 where
 * the sweep is), and added to sum times that again. */
static void load_row(const chi_fit_work *work, chi_block block, int64_t row, int64_t i, double *sum)
{
  const chi_responses *y = work->responses;
  const double scale = work->primal.class_scale[row];
  const int64_t n = block.n, event = work->rows->event[work->primal.class_row[row]];
  if (work->primal.narrow) {
    const float *from = (const float *)y->y + event * y->n_electrodes * y->n_times + block.t0;
    float *to = (float *)block.t->responses + i * n;
    for (int64_t j = 0; j < n; j++) {
      to[j] = (float)scale * from[j];
      sum[j] += scale * (double)to[j];
    }
  } else {
    double *to = block.t->responses + i * n;
    chi_read_responses(work, event, block.t0, n, to);
    for (int64_t j = 0; j < n; j++) {
      to[j] *= scale;
      sum[j] += scale * to[j];
    }
  }
}

/* A class's cross product with the responses, (p, n), to t->sums; and the weighted mean of the
 * responses times sqrt(W) to t->class_mean. */
static void sweep_class(chi_fit_work *work, int64_t c, chi_block block)
{
  const chi_primal *w = &work->primal;
  const int64_t p = work->shape.n_features, first = w->class[c].first, n = block.n;
  const int64_t m = w->class[c].end - first;
  chi_thread_work *t = block.t;
  double *mean = t->class_mean + c * n;
  memset(mean, 0, (size_t)n * sizeof *mean);
  for (int64_t i = 0; i < m; i++) load_row(work, block, first + i, i, mean);
  for (int64_t j = 0; j < n; j++) mean[j] /= sqrt(w->class[c].weight);
  if (w->narrow)
    chi_sgemm((chi_smatrix){m, p, (const float *)w->x + first * p, p, true},
              (chi_smatrix){m, n, (const float *)t->responses, n, false}, 0,
              (float *)t->sums + c * p * n, n);
  else
    chi_dgemm((chi_dmatrix){m, p, w->x + first * p, p, true},
              (chi_dmatrix){m, n, t->responses, n, false}, 0, t->sums + c * p * n, n);
}

/* Sum of the classes' cross products that train a fold: p x ld, to t->fold_sum. */
static void merge_sums(const chi_fit_work *work, int32_t f, int64_t n, int64_t ld,
                       chi_thread_work *t)
{
  const chi_primal *w = &work->primal;
  const int64_t p = work->shape.n_features;
  for (int64_t i = 0; i < p; i++) {
    double *row = t->fold_sum + i * ld;
    memset(row, 0, (size_t)n * sizeof *row);
    for (int64_t c = 0; c < work->shape.n_classes; c++) {
      if (!chi_class_trains(w, c, f)) continue;
      const int64_t at = (c * p + i) * n;
      if (w->narrow)
        for (int64_t j = 0; j < n; j++) row[j] += (double)((const float *)t->sums)[at + j];
      else
        for (int64_t j = 0; j < n; j++) row[j] += t->sums[at + j];
    }
  }
}

/* From Z'Y_tr to C, where the fold has a basis of its own. */
static void change_basis(chi_fit_work *work, int32_t f, int64_t n, int64_t ld, chi_thread_work *t)
{
  const chi_primal *w = &work->primal;
  const int64_t p = work->shape.n_features;
  double *c = t->fold_sum;
  if (!work->shape.banded) {
    if (w->own_basis[f]) chi_dtrsm_left(p, n, w->gram[f], p, c, ld);
    return;
  }
  for (int64_t i = 0; i < p; i++)
    for (int64_t j = 0; j < n; j++) c[i * ld + j] *= w->variance[f * p + i];
  memset(c + p * ld, 0, (size_t)((work->shape.basis - p) * ld) * sizeof *c);
  chi_banded_basis(work, f, n, c, ld, t);
}

void chi_primal_basis(chi_fit_work *work, chi_block block)
{
  chi_thread_work *t = block.t;
  const chi_shape *s = &work->shape;
  const int64_t p = s->n_features, classes = s->n_classes, basis = s->basis, n = block.n;
  const int64_t ld = s->banded ? chi_apart(n) : n;
  chi_stage_clock clock = chi_stage_start();
  for (int64_t c = 0; c < classes; c++) sweep_class(work, c, block);
  chi_stage_stop(&t->stages, CHI_STAGE_GRAM, &clock, chi_flops(work->rows->n, n, p));
  for (int32_t f = 0; f < s->n_folds; f++) {
    merge_sums(work, f, n, ld, t);
    chi_classes_offsets(work, f, t);
    chi_dgemm((chi_dmatrix){classes, p, t->offset, p, true},
              (chi_dmatrix){classes, n, t->class_mean, n, false}, 1, t->fold_sum, ld);
    change_basis(work, f, n, ld, t);
    for (int64_t i = 0; i < basis; i++)
      chi_reals_write(s->real, n, t->fold_sum + i * ld, t->basis, (f * basis + i) * n);
  }
  chi_stage_stop(
      &t->stages, CHI_STAGE_HAT, &clock,
      s->n_folds * (chi_flops(classes, n, p) + (s->banded ? chi_flops(basis, n, basis) : 0)));
}
