/* Backward by the primal: a row of a class, x~ + m_c about all rows, adds its residual times
 * (x~ + m_c - m_f)' B_f' g_f to the scores of every fold f that it trains. */
#include <math.h>
#include <string.h>

#include "encode/influence_internal.h"
#include "linalg/dense.h"

/* The type of x, and of what it is multiplied by. */
static chi_real real_of(const chi_primal *primal)
{
  return primal->narrow ? CHI_REAL32 : CHI_REAL64;
}

/* Add a fold's B'g to the classes that train it: (class, p, n) in t->sums, of type real_of; and
 * times m_c - m_f and the root of the class's weight to t->class_mean. */
static void add_fold(chi_influence_work *w, int32_t f, int half, chi_block block)
{
  const chi_primal *primal = &w->fit.primal;
  const int64_t p = w->fit.shape.n_features, classes = w->fit.shape.n_classes, n = block.n;
  const chi_real real = real_of(primal);
  chi_thread_work *t = block.t;
  chi_influence_pull(w, f, half, block);
  chi_reals_read(w->fit.shape.real, p * n, chi_influence_own(w)->pulled, 0, t->fold_sum);
  if (primal->own_basis[f]) chi_dtrsm_left_turned(p, n, primal->gram[f], p, t->fold_sum, n);
  chi_classes_offsets(&w->fit, f, t);
  chi_dgemm((chi_dmatrix){classes, p, t->offset, p, false},
            (chi_dmatrix){p, n, t->fold_sum, n, false}, 1, t->class_mean, n);
  for (int64_t c = 0; c < classes; c++) {
    if (!chi_class_trains(primal, c, f)) continue;
    if (real == CHI_REAL32)
      for (int64_t i = 0; i < p * n; i++)
        ((float *)t->sums)[c * p * n + i] += (float)t->fold_sum[i];
    else
      for (int64_t i = 0; i < p * n; i++) t->sums[c * p * n + i] += t->fold_sum[i];
  }
}

/* What the rows of a class add to their blocks of events. */
static void add_class(chi_influence_work *w, int64_t c, int half, chi_block block)
{
  const chi_primal *primal = &w->fit.primal;
  const chi_class *class = &primal->class[c];
  const int64_t p = w->fit.shape.n_features, n = block.n, first = class->first;
  const chi_real real = real_of(primal);
  chi_influence_thread *own = chi_influence_own(w);
  const double *shift = block.t->class_mean + c * n;
  double *residual = own->line, *part = own->line + n;
  chi_influence_multiply(real, class->end - first, p, (const char *)primal->x + first * p * real, p,
                         false, n, (const char *)block.t->sums + c * p * n * real,
                         block.t->responses);
  for (int64_t i = first; i < class->end; i++) {
    const int64_t row = primal->class_row[i];
    double *sum = own->sum[half] + (int64_t)w->what->block[row] * n;
    const double scale = 1 / primal->class_scale[i], of_mean = 1 / sqrt(class->weight);
    chi_reals_read(w->fit.shape.real, n, own->residual, row * n, residual);
    chi_reals_read(real, n, block.t->responses, (i - first) * n, part);
    for (int64_t j = 0; j < n; j++)
      sum[j] += residual[j] * (scale * part[j] + of_mean * shift[j]) / w->fit.n_counted[half];
  }
}

void chi_influence_primal(chi_influence_work *w, int half, chi_block block)
{
  const chi_shape *s = &w->fit.shape;
  const int64_t classes = s->n_classes, p = s->n_features, n = block.n;
  chi_thread_work *t = block.t;
  chi_stage_clock clock = chi_stage_start();
  memset(t->sums, 0, (size_t)(classes * p * n) * real_of(&w->fit.primal));
  memset(t->class_mean, 0, (size_t)(classes * n) * sizeof *t->class_mean);
  for (int32_t f = 0; f < s->n_folds; f++)
    if (w->fit.folds[f].counts[half]) add_fold(w, f, half, block);
  for (int64_t c = 0; c < classes; c++) add_class(w, c, half, block);
  chi_stage_stop(&t->stages, CHI_STAGE_PRODUCT, &clock,
                 chi_flops(w->fit.rows->n, n, p) + chi_flops(w->fit.rows->n / 2, n, p));
}
