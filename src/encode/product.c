/* Operators as they are kept, and predictions of a block of targets, scored while in cache. */
#include <math.h>
#include <string.h>

#include "encode/internal.h"
#include "linalg/band.h"
#include "linalg/dense.h"

void *chi_operator(const chi_fit_work *work, int32_t fold, int half, int32_t alpha)
{
  const chi_shape *s = &work->shape;
  const int64_t bytes = (s->max_half + 1) * s->basis * (int64_t)s->real;
  const int64_t kept = (int64_t)fold * s->n_alphas + alpha;
  if (half == 1) return work->b_test + kept * bytes;
  return work->b_validation + (s->kept ? kept : alpha % s->wave) * bytes;
}

static double largest(int64_t n, const double *row)
{
  double most = 0;
  for (int64_t j = 0; j < n; j++) most = fabs(row[j]) > most ? fabs(row[j]) : most;
  return most;
}

void chi_operator_store(chi_fit_work *work, int32_t fold, int half, int32_t alpha, const double *b,
                        int64_t k, const double *column_scale)
{
  const chi_fold *at = &work->folds[fold];
  const int64_t m = chi_half_size(at, half), ld = work->shape.basis;
  const chi_real real = work->shape.real;
  const double *w = work->rows->weight + chi_half_first(at, half);
  void *out = chi_operator(work, fold, half, alpha);
  double total = 0, spread = 0, size = 0;
  for (int64_t i = 0; i < m; i++) total += w[i];
  for (int64_t j0 = 0; j0 < k; j0 += CHI_COLUMNS) {
    const int64_t n = k - j0 < CHI_COLUMNS ? k - j0 : CHI_COLUMNS;
    double mean[CHI_COLUMNS] = {0}, scale[CHI_COLUMNS], row[CHI_COLUMNS];
    for (int64_t j = 0; j < n; j++) scale[j] = column_scale == NULL ? 1 : column_scale[j0 + j];
    for (int64_t i = 0; i < m; i++)
      for (int64_t j = 0; j < n; j++) mean[j] += w[i] * b[i * k + j0 + j];
    for (int64_t j = 0; j < n; j++) mean[j] /= total;
    for (int64_t i = 0; i < m; i++) {
      for (int64_t j = 0; j < n; j++) row[j] = scale[j] * (b[i * k + j0 + j] - mean[j]);
      chi_reals_write(real, n, row, out, i * ld + j0);
      spread = fmax(spread, largest(n, row));
    }
    for (int64_t j = 0; j < n; j++) row[j] = scale[j] * mean[j];
    chi_reals_write(real, n, row, out, m * ld + j0);
    size = fmax(size, largest(n, row));
  }
  if (spread <= CHI_ROUNDING * size) memset(out, 0, (size_t)(m * ld) * real);
}

void chi_operator_store_turned(chi_fit_work *work, int32_t fold, int half, int32_t alpha,
                               const double *b, int64_t ld, int64_t k)
{
  const int64_t m = chi_half_size(&work->folds[fold], half), to = work->shape.basis, tile = 16;
  float *out = chi_operator(work, fold, half, alpha);
  for (int64_t j0 = 0; j0 < k; j0 += tile)
    for (int64_t i = 0; i <= m; i++)
      for (int64_t j = j0; j < k && j < j0 + tile; j++) out[i * to + j] = (float)b[j * ld + i];
}

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

chi_view chi_gather(chi_view v, chi_real real, int64_t n, const int64_t *picked, void *to)
{
  for (int64_t i = 0; i < v.n_rows; i++) {
    const void *from = chi_row_at(&v, real, i, 0);
    void *out = (char *)to + i * n * real;
    if (picked == NULL)
      memcpy(out, from, (size_t)(n * real));
    else if (real == CHI_REAL32)
      for (int64_t j = 0; j < n; j++) ((float *)out)[j] = ((const float *)from)[picked[j]];
    else
      for (int64_t j = 0; j < n; j++) ((double *)out)[j] = ((const double *)from)[picked[j]];
  }
  return (chi_view){to, n, NULL, v.n_rows};
}

/* t->prediction = B of a fold, half and alpha times the first n columns of C. */
static void predict(const chi_fit_work *work, int32_t fold, int half, int32_t alpha, chi_view c,
                    int64_t n, chi_thread_work *t)
{
  const chi_real real = work->shape.real;
  const int64_t m = chi_half_size(&work->folds[fold], half) + 1, ld = work->shape.basis;
  const char *b = chi_operator(work, fold, half, alpha);
  for (int64_t i = 0; i < c.n_rows;) {
    const int64_t end = run_end(&c, i), beta = i > 0;
    const void *ci = chi_row_at(&c, real, i, 0), *bi = b + i * real;
    if (real == CHI_REAL32)
      chi_sgemm((chi_smatrix){m, end - i, bi, ld, false},
                (chi_smatrix){end - i, n, ci, c.ld, false}, (float)beta, t->prediction, n);
    else
      chi_dgemm((chi_dmatrix){m, end - i, bi, ld, false},
                (chi_dmatrix){end - i, n, ci, c.ld, false}, (double)beta, t->prediction, n);
    i = end;
  }
}

static chi_view response_view(const chi_fit_work *work, int32_t fold, int half, int64_t t0)
{
  const chi_responses *y = work->responses;
  const int64_t first = chi_half_first(&work->folds[fold], half);
  return (chi_view){(const char *)y->y + t0 * work->shape.real, y->n_electrodes * y->n_times,
                    work->rows->event + first, chi_half_size(&work->folds[fold], half)};
}

/* C of a fold for the targets of a block. */
static chi_view basis_view(const chi_fit_work *work, int32_t fold, chi_block block)
{
  const chi_shape *s = &work->shape;
  const chi_responses *y = work->responses;
  if (s->route == CHI_ROUTE_PRIMAL || s->factored)
    return (chi_view){(const char *)block.t->basis + fold * s->basis * block.n * s->real, block.n,
                      NULL, s->factored ? chi_fold_rank(work, fold) : s->basis};
  if (s->banded)
    return (chi_view){
        work->banded.basis + fold * s->basis * work->n_targets + block.t0 - work->target0,
        work->n_targets, NULL, chi_band_order(work->folds[fold].n_train)};
  return (chi_view){(const char *)y->y + block.t0 * s->real, y->n_electrodes * y->n_times,
                    work->folds[fold].train_event, work->folds[fold].n_train};
}

chi_view chi_score(const chi_fit_work *work, int32_t fold, int half, int32_t alpha, chi_block block,
                   int64_t n, const int64_t *picked)
{
  const chi_real real = work->shape.real;
  chi_thread_work *t = block.t;
  const int64_t m = chi_half_size(&work->folds[fold], half) + 1;
  const int64_t statistics = (2 * fold + half) * work->n_targets + block.t0 - work->target0;
  chi_stage_clock clock = chi_stage_start();
  chi_view c = basis_view(work, fold, block), y = response_view(work, fold, half, block.t0);
  if (picked != NULL || !has_long_runs(&c)) c = chi_gather(c, real, n, picked, t->gather);
  predict(work, fold, half, alpha, c, n, t);
  chi_stage_stop(&t->stages, CHI_STAGE_PRODUCT, &clock, chi_flops(m, n, c.n_rows));
  if (picked != NULL) y = chi_gather(y, real, n, picked, t->gather_y);
  for (int64_t j = 0; j < n; j++) {
    const int64_t at = statistics + (picked == NULL ? j : picked[j]);
    t->mean[j] = work->mean[at];
    t->norm[j] = work->norm[at];
  }
  chi_pearson(work, fold, half, n, y, t);
  chi_stage_stop(&t->stages, CHI_STAGE_SCORE, &clock, 4 * chi_flops(m, n, 1));
  return y;
}

void chi_validate_block(chi_fit_work *work, int32_t fold, int32_t alpha, chi_block block)
{
  if (!work->folds[fold].counts[0]) return;
  chi_score(work, fold, 0, alpha, block, block.n, NULL);
  double *sum = work->validation + alpha * work->n_targets + block.t0 - work->target0;
  for (int64_t j = 0; j < block.n; j++) sum[j] += block.t->r[j];
}

int64_t chi_pick(const int32_t *choice, int64_t n, int32_t alpha, int64_t *picked)
{
  int64_t count = 0;
  for (int64_t j = 0; j < n; j++)
    if (choice[j] == alpha) picked[count++] = j;
  return count;
}

void chi_test_block(chi_fit_work *work, int32_t fold, chi_block block)
{
  chi_thread_work *t = block.t;
  const int64_t column = block.t0 - work->target0;
  if (!work->folds[fold].counts[1]) return;
  for (int32_t a = 0; a < work->shape.n_alphas; a++) {
    const int64_t count = chi_pick(work->choice + column, block.n, a, t->picked);
    if (count == 0) continue;
    chi_score(work, fold, 1, a, block, count, t->picked);
    for (int64_t j = 0; j < count; j++) work->test[column + t->picked[j]] += t->r[j];
  }
}
