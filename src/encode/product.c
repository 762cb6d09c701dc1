/* Predictions of a block of targets, scored while they are in cache. */
#include <string.h>

#include "encode/internal.h"
#include "linalg/band.h"
#include "linalg/dense.h"

/* Rows that stand in long runs are multiplied where they are; scattered ones are copied together.
 */
#define MOST_RUNS 3

static int64_t run_end(const chi_view *c, int64_t i)
{
  if (c->row == NULL) return c->n_rows;
  int64_t end = i + 1;
  while (end < c->n_rows && c->row[end] == c->row[end - 1] + 1) end++;
  return end;
}

static bool has_long_runs(const chi_view *c)
{
  int64_t runs = 0;
  for (int64_t i = 0; i < c->n_rows && runs <= MOST_RUNS; runs++) i = run_end(c, i);
  return runs <= MOST_RUNS;
}

static const char *row_at(const chi_view *v, chi_real real, int64_t i)
{
  return (const char *)v->base + (v->row == NULL ? i : v->row[i]) * v->ld * (int64_t)real;
}

/* Copy n columns of all rows of a view together. */
static chi_view gather_rows(chi_view v, chi_real real, int64_t n, void *to)
{
  for (int64_t i = 0; i < v.n_rows; i++)
    memcpy((char *)to + i * n * real, row_at(&v, real, i), (size_t)(n * real));
  return (chi_view){to, n, NULL, v.n_rows};
}

/* Copy the picked columns of all rows of a view together. */
static chi_view gather_columns(chi_view v, chi_real real, int64_t n, const int64_t *picked,
                               void *to)
{
  for (int64_t i = 0; i < v.n_rows; i++) {
    const void *from = row_at(&v, real, i);
    if (real == CHI_REAL32) {
      float *out = (float *)to + i * n;
      for (int64_t j = 0; j < n; j++) out[j] = ((const float *)from)[picked[j]];
    } else {
      double *out = (double *)to + i * n;
      for (int64_t j = 0; j < n; j++) out[j] = ((const double *)from)[picked[j]];
    }
  }
  return (chi_view){to, n, NULL, v.n_rows};
}

/* out (m x n) = B (m x c.n_rows, leading dimension ld) times the first n columns of C. */
static void multiply(chi_real real, int64_t m, int64_t n, const void *b, int64_t ld, chi_view c,
                     void *out)
{
  for (int64_t i = 0; i < c.n_rows;) {
    const int64_t end = run_end(&c, i);
    const char *ci = row_at(&c, real, i), *bi = (const char *)b + i * real;
    const bool first = i == 0;
    if (real == CHI_REAL32)
      chi_sgemm((chi_smatrix){m, end - i, (const float *)bi, ld, false},
                (chi_smatrix){end - i, n, (const float *)ci, c.ld, false}, first ? 0 : 1, out, n);
    else
      chi_dgemm((chi_dmatrix){m, end - i, (const double *)bi, ld, false},
                (chi_dmatrix){end - i, n, (const double *)ci, c.ld, false}, first ? 0 : 1, out, n);
    i = end;
  }
}

static double product_flops(int64_t m, int64_t n, int64_t k)
{
  return 2 * (double)m * (double)n * (double)k;
}

static chi_view response_view(const chi_fit_work *work, int32_t fold, int half, int64_t t0)
{
  const chi_responses *y = work->responses;
  const int64_t first = chi_half_first(&work->folds[fold], half);
  return (chi_view){(const char *)y->y + t0 * work->shape.real, y->n_electrodes * y->n_times,
                    work->rows->event + first, chi_half_size(&work->folds[fold], half)};
}

chi_view chi_training_view(const chi_fit_work *work, int32_t fold, int64_t t0)
{
  const chi_responses *y = work->responses;
  if (work->shape.banded)
    return (chi_view){
        work->banded.basis + fold * work->shape.basis * work->n_targets + t0 - work->target0,
        work->n_targets, NULL, chi_band_order(work->folds[fold].n_train)};
  return (chi_view){(const char *)y->y + t0 * work->shape.real, y->n_electrodes * y->n_times,
                    work->folds[fold].train_event, work->folds[fold].n_train};
}

void chi_validate_block(chi_fit_work *work, int32_t fold, int32_t alpha, chi_view c, int64_t t0,
                        int64_t n, int thread)
{
  const chi_shape *s = &work->shape;
  const chi_fold *at = &work->folds[fold];
  chi_thread_work *t = &work->thread[thread];
  const int64_t m = chi_half_size(at, 0) + 1, column = t0 - work->target0;

  chi_stage_clock clock = chi_stage_start();
  if (!has_long_runs(&c)) c = gather_rows(c, s->real, n, t->gather);
  multiply(s->real, m, n, chi_operator(work, fold, 0, alpha), s->basis, c, t->prediction);
  chi_stage_stop(&t->stages, CHI_STAGE_PRODUCT, clock, product_flops(m, n, c.n_rows));

  clock = chi_stage_start();
  const int64_t statistics = 2 * fold * work->n_targets + column;
  chi_pearson(work, at, 0, n, t->prediction, response_view(work, fold, 0, t0),
              work->mean + statistics, work->norm + statistics, t->r);
  double *sum = work->validation + alpha * work->n_targets + column;
  for (int64_t j = 0; j < n; j++) sum[j] += t->r[j];
  chi_stage_stop(&t->stages, CHI_STAGE_SCORE, clock, 8 * (double)m * (double)n);
}

/* The targets of a block that chose an alpha: their positions in the block. */
static int64_t pick(const int32_t *choice, int64_t n, int32_t alpha, int64_t *picked)
{
  int64_t count = 0;
  for (int64_t j = 0; j < n; j++)
    if (choice[j] == alpha) picked[count++] = j;
  return count;
}

void chi_test_block(chi_fit_work *work, int32_t fold, chi_view c, int64_t t0, int64_t n, int thread)
{
  const chi_shape *s = &work->shape;
  const chi_fold *at = &work->folds[fold];
  chi_thread_work *t = &work->thread[thread];
  const int64_t m = chi_half_size(at, 1) + 1, column = t0 - work->target0;
  const int64_t statistics = (2 * fold + 1) * work->n_targets + column;
  for (int32_t a = 0; a < s->n_alphas; a++) {
    const int64_t count = pick(work->choice + column, n, a, t->picked);
    if (count == 0) continue;
    chi_stage_clock clock = chi_stage_start();
    const chi_view ca = gather_columns(c, s->real, count, t->picked, t->gather);
    multiply(s->real, m, count, chi_operator(work, fold, 1, a), s->basis, ca, t->prediction);
    chi_stage_stop(&t->stages, CHI_STAGE_PRODUCT, clock, product_flops(m, count, c.n_rows));

    clock = chi_stage_start();
    const chi_view y =
        gather_columns(response_view(work, fold, 1, t0), s->real, count, t->picked, t->gather_y);
    for (int64_t j = 0; j < count; j++) {
      t->mean[j] = work->mean[statistics + t->picked[j]];
      t->norm[j] = work->norm[statistics + t->picked[j]];
    }
    chi_pearson(work, at, 1, count, t->prediction, y, t->mean, t->norm, t->r);
    for (int64_t j = 0; j < count; j++) work->test[column + t->picked[j]] += t->r[j];
    chi_stage_stop(&t->stages, CHI_STAGE_SCORE, clock, 8 * (double)m * (double)count);
  }
}
