/* The influences of a block of targets, once all operators are made. */
#include <math.h>
#include <string.h>

#include "encode/influence_internal.h"
#include "linalg/dense.h"

static void *real_at(void *base, chi_real real, int64_t at) { return (char *)base + at * real; }

void chi_influence_multiply(chi_real real, int64_t m, int64_t k, const void *a, int64_t lda,
                            bool turned, int64_t n, const void *b, void *c)
{
  const int64_t rows = turned ? k : m, columns = turned ? m : k;
  if (real == CHI_REAL32)
    chi_sgemm((chi_smatrix){rows, columns, a, lda, turned}, (chi_smatrix){k, n, b, n, false}, 0, c,
              n);
  else
    chi_dgemm((chi_dmatrix){rows, columns, a, lda, turned}, (chi_dmatrix){k, n, b, n, false}, 0, c,
              n);
}

/* Put the columns of a row into their places in a wider one. */
static void spread_row(chi_real real, int64_t n, const double *row, const int64_t *picked, void *to)
{
  if (real == CHI_REAL32)
    for (int64_t j = 0; j < n; j++) ((float *)to)[picked[j]] = (float)row[j];
  else
    for (int64_t j = 0; j < n; j++) ((double *)to)[picked[j]] = row[j];
}

/* Means of the responses of a fold's training events. */
static void train_means(chi_influence_work *w, int32_t f, chi_block block)
{
  const chi_fold *fold = &w->fit.folds[f];
  double *mean = w->train_mean + f * w->fit.n_targets + block.t0, *row = chi_influence_own(w)->line,
         total = 0;
  memset(mean, 0, (size_t)block.n * sizeof *mean);
  for (int64_t i = 0; i < fold->n_train; i++) {
    chi_read_responses(&w->fit, fold->train_event[i], block.t0, block.n, row);
    for (int64_t j = 0; j < block.n; j++) mean[j] += fold->train_weight[i] * row[j];
    total += fold->train_weight[i];
  }
  for (int64_t j = 0; j < block.n; j++) mean[j] /= total;
}

/* factored: C = U' Y_tr, Y weighted, to its thread's basis. */
static void make_basis(chi_influence_work *w, int32_t f, chi_block block)
{
  const chi_shape *s = &w->fit.shape;
  const chi_fold *fold = &w->fit.folds[f];
  const int64_t n = block.n, rank = chi_fold_rank(&w->fit, f);
  chi_influence_thread *t = chi_influence_own(w);
  chi_stage_clock clock = chi_stage_start();
  for (int64_t i = 0; i < fold->n_train; i++) {
    chi_read_responses(&w->fit, fold->train_event[i], block.t0, n, t->line);
    for (int64_t j = 0; j < n; j++) t->line[j] *= fold->train_scale[i];
    chi_reals_write(s->real, n, t->line, t->by_row, i * n);
  }
  chi_influence_multiply(s->real, rank, fold->n_train, chi_influence_left(w, f), rank, true, n,
                         t->by_row, real_at(block.t->basis, s->real, f * s->basis * n));
  chi_stage_stop(&block.t->stages, CHI_STAGE_HAT, &clock, chi_flops(rank, n, fold->n_train));
}

/* ---- forward ---- */

/* One half of one fold, and what standardises its n scored targets: u = y_scale (y - mean), v =
 * q_scale q over it. */
typedef struct scored {
  int32_t fold;
  int half;
  bool counts;
  double total; /* weight of its events */
  int64_t n;
  const int64_t *picked;
  double *y_scale, *q_scale, *centre; /* n; centre: mean of prediction and response in training */
} scored;

static scored standardise(chi_influence_work *w, int32_t f, int half, chi_block block, int64_t n)
{
  const chi_fit_work *fit = &w->fit;
  const chi_fold *fold = &fit->folds[f];
  const int64_t m = chi_half_size(fold, half);
  const chi_thread_work *t = block.t;
  double *line = chi_influence_own(w)->line;
  scored s = {f,    half,           fold->counts[half], 0, n, t->picked,
              line, line + block.n, line + 2 * block.n};
  for (int64_t i = 0; i < m; i++) s.total += fit->rows->weight[chi_half_first(fold, half) + i];
  chi_reals_read(fit->shape.real, n, t->prediction, m * n, s.centre);
  for (int64_t j = 0; j < n; j++) {
    s.y_scale[j] = sqrt(s.total) / t->norm[j];
    s.q_scale[j] = sqrt(s.total) / t->spread[j];
    s.centre[j] += w->train_mean[f * fit->n_targets + block.t0 + t->picked[j]];
  }
  return s;
}

/* An event's direct part, (u v - r (u^2 + v^2) / 2) / W; its gradient, weight (u - r v) / (W sd_q),
 * in place of its prediction q; and its residual in place of its response y. */
static void take_event(const scored *s, const chi_thread_work *t, double weight, double share,
                       double *y, double *q, double *sum)
{
  for (int64_t j = 0; j < s->n; j++) {
    const double u = (y[j] - t->mean[j]) * s->y_scale[j], v = q[j] * s->q_scale[j], r = t->r[j];
    y[j] -= q[j] + s->centre[j];
    q[j] = weight * s->q_scale[j] / s->total * (u - r * v);
    sum[s->picked[j]] += share * (u * v - r * (u * u + v * v) / 2);
  }
}

static void take_half(chi_influence_work *w, const scored *s, chi_view y, chi_block block)
{
  const chi_fit_work *fit = &w->fit;
  const chi_real real = fit->shape.real;
  const int64_t first = chi_half_first(&fit->folds[s->fold], s->half), n = s->n;
  const double share = 1 / (s->total * fit->n_counted[s->half]);
  chi_influence_thread *t = chi_influence_own(w);
  double *response = t->line + 3 * block.n, *prediction = t->line + 4 * block.n;
  for (int64_t i = 0; i < y.n_rows; i++) {
    const int64_t row = first + i;
    double *sum = t->sum[s->half] + (int64_t)w->what->block[row] * block.n;
    chi_reals_read(real, n, chi_row_at(&y, real, i, 0), 0, response);
    chi_reals_read(real, n, block.t->prediction, i * n, prediction);
    take_event(s, block.t, fit->rows->weight[row], s->counts ? share : 0, response, prediction,
               sum);
    spread_row(real, n, response, s->picked, real_at(t->residual, real, row * block.n));
    spread_row(real, n, prediction, s->picked, real_at(t->gradient, real, row * block.n));
  }
}

static void forward(chi_influence_work *w, int32_t f, chi_block block)
{
  const chi_fit_work *fit = &w->fit;
  const int32_t *choice = fit->choice + block.t0;
  if (fit->shape.factored) make_basis(w, f, block);
  for (int half = 0; half < 2; half++)
    for (int32_t a = 0; a < fit->shape.n_alphas; a++) {
      const int64_t n = chi_pick(choice, block.n, a, block.t->picked);
      if (n == 0) continue;
      const chi_view y = chi_score(fit, f, half, a, block, n, block.t->picked);
      chi_stage_clock clock = chi_stage_start();
      const scored s = standardise(w, f, half, block, n);
      take_half(w, &s, y, block);
      chi_stage_stop(&block.t->stages, CHI_STAGE_SCORE, &clock, 8 * chi_flops(y.n_rows, n, 1));
    }
}

/* ---- backward ---- */

/* The residuals of a fold's training events by its own fit: y - mean - U diag(s^2 / (s^2 + a)) C,
 * divided by what leaving the event out makes of them. */
static void fit_training(chi_influence_work *w, int32_t f, chi_block block)
{
  const chi_shape *s = &w->fit.shape;
  const chi_fold *fold = &w->fit.folds[f];
  const int64_t n = block.n, rank = chi_fold_rank(&w->fit, f);
  const int32_t *choice = w->fit.choice + block.t0;
  const double *mean = w->train_mean + f * w->fit.n_targets + block.t0;
  chi_influence_thread *t = chi_influence_own(w);
  double *row = t->line, *y = t->line + n;
  for (int64_t i = 0; i < rank; i++) {
    chi_reals_read(s->real, n, block.t->basis, (f * s->basis + i) * n, row);
    for (int64_t j = 0; j < n; j++)
      row[j] *= choice[j] < 0 ? 0 : w->filter[(f * s->n_alphas + choice[j]) * s->basis + i];
    chi_reals_write(s->real, n, row, t->pulled, i * n);
  }
  chi_influence_multiply(s->real, fold->n_train, rank, chi_influence_left(w, f), rank, false, n,
                         t->pulled, t->residual);
  for (int64_t k = 0; k < fold->n_train; k++) {
    chi_reals_read(s->real, n, t->residual, k * n, row);
    chi_read_responses(&w->fit, fold->train_event[k], block.t0, n, y);
    for (int64_t j = 0; j < n; j++) {
      row[j] = y[j] - mean[j] - row[j] / fold->train_scale[k];
      if (w->residual == CHI_RESIDUAL_LOO && choice[j] >= 0)
        row[j] /= 1 - w->leverage[(f * s->n_alphas + choice[j]) * s->max_train + k];
    }
    chi_reals_write(s->real, n, row, t->residual, k * n);
  }
}

int64_t chi_influence_pull(chi_influence_work *w, int32_t f, int half, chi_block block)
{
  const chi_shape *s = &w->fit.shape;
  const chi_fold *fold = &w->fit.folds[f];
  const int64_t m = chi_half_size(fold, half);
  const int64_t rows = s->route == CHI_ROUTE_DUAL     ? fold->n_train
                       : s->route == CHI_ROUTE_PRIMAL ? s->basis
                                                      : chi_fold_rank(&w->fit, f);
  chi_influence_thread *t = chi_influence_own(w);
  const chi_view gradient = {real_at(t->gradient, s->real, chi_half_first(fold, half) * block.n),
                             block.n, NULL, m};
  memset(t->pulled, 0, (size_t)(rows * block.n) * s->real);
  for (int32_t a = 0; a < s->n_alphas; a++) {
    const int64_t n = chi_pick(w->fit.choice + block.t0, block.n, a, block.t->picked);
    if (n == 0) continue;
    chi_gather(gradient, s->real, n, block.t->picked, block.t->gather_y);
    chi_influence_multiply(s->real, rows, m, chi_operator(&w->fit, f, half, a), s->basis, true, n,
                           block.t->gather_y, block.t->gather);
    for (int64_t k = 0; k < rows; k++) {
      chi_reals_read(s->real, n, block.t->gather, k * n, t->line);
      spread_row(s->real, n, t->line, block.t->picked, real_at(t->pulled, s->real, k * block.n));
    }
  }
  return rows;
}

/* The same by training event. */
static const void *pull_events(chi_influence_work *w, int32_t f, int half, chi_block block)
{
  const chi_shape *s = &w->fit.shape;
  chi_influence_thread *t = chi_influence_own(w);
  const int64_t rows = chi_influence_pull(w, f, half, block);
  if (!s->factored) return t->pulled;
  chi_influence_multiply(s->real, w->fit.folds[f].n_train, rows, chi_influence_left(w, f), rows,
                         false, block.n, t->pulled, t->by_row);
  return t->by_row;
}

static void backward(chi_influence_work *w, int32_t f, int half, chi_block block)
{
  const chi_shape *s = &w->fit.shape;
  const chi_fold *fold = &w->fit.folds[f];
  const int64_t n = block.n;
  chi_influence_thread *t = chi_influence_own(w);
  double *residual = t->line, *part = t->line + n;
  if (!fold->counts[half]) return;
  chi_stage_clock clock = chi_stage_start();
  const void *pulled = pull_events(w, f, half, block);
  for (int64_t k = 0; k < fold->n_train; k++) {
    const int64_t event = fold->train_event[k];
    double *sum = t->sum[half] + (int64_t)w->what->block[event] * n;
    /* factored: U is of rows times the roots of their weights */
    const double scale =
        1 / ((s->factored ? fold->train_scale[k] : fold->train_weight[k]) * w->fit.n_counted[half]);
    chi_reals_read(s->real, n, t->residual, (chi_is_fitted(w) ? k : event) * n, residual);
    chi_reals_read(s->real, n, pulled, k * n, part);
    for (int64_t j = 0; j < n; j++) sum[j] += scale * residual[j] * part[j];
  }
  chi_stage_stop(&block.t->stages, CHI_STAGE_PRODUCT, &clock,
                 chi_flops(fold->n_train, n, chi_half_size(fold, half)));
}

void chi_influence_block(chi_influence_work *w, chi_block block)
{
  const int32_t folds = w->fit.shape.n_folds;
  const bool primal = w->fit.shape.route == CHI_ROUTE_PRIMAL;
  const int64_t values = w->what->n_blocks * block.n;
  chi_influence_thread *t = chi_influence_own(w);
  chi_target_statistics(&w->fit, block);
  if (primal) chi_primal_basis(&w->fit, block);
  for (int half = 0; half < 2; half++) memset(t->sum[half], 0, (size_t)values * sizeof(double));
  memset(t->residual, 0, (size_t)(w->fit.rows->n * block.n) * w->fit.shape.real);
  for (int32_t f = 0; f < folds; f++) {
    train_means(w, f, block);
    forward(w, f, block);
    if (!chi_is_fitted(w)) continue;
    fit_training(w, f, block);
    for (int half = 0; half < 2; half++) backward(w, f, half, block);
  }
  for (int half = 0; half < 2 && primal; half++) chi_influence_primal(w, half, block);
  for (int32_t f = 0; f < folds && !chi_is_fitted(w) && !primal; f++)
    for (int half = 0; half < 2; half++) backward(w, f, half, block);
}
