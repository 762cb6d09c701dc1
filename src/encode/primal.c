/* More training events than features.
 *
 * Rows that train the same folds form a class; sums over classes, each about its own mean, add up
 * to those of every fold by the rule for merging moments (Chan, Golub, LeVeque 1983): S = sum_c S_c
 * + W_c (m_c - m)(m_c - m)'. Only squares are added, so nothing cancels, and one sweep over
 * features and responses serves all folds.
 *
 * The sweep is made in the basis that whitens the features over all rows, X~ = X U^-1 with
 * U'U = X'X + a_min I. With fold f's standardisation written as a penalty, its predictions are
 *   X~_ho (P + a R)^-1 C,  P = X~_tr' X~_tr,  R = U'^-1 diag(variance in training) U^-1,
 *   C = X~_tr' Y_tr.
 * P + a R is near 1, so C may be rounded to float32 whatever the spectrum of the features, unless a
 * fold's training events lack a direction that the held-out ones have. Such a fold gets a basis of
 * its own, L^-1 C with L L' = P + a_min R. */
#include <math.h>
#include <string.h>

#include "encode/internal.h"
#include "linalg/dense.h"

#define TILE 512 /* rows of a Gram matrix that one thread adds to at a time */

/* Where |(P + a_min R)^-1| is larger the sums that make C are float64, and where it is larger still
 * a fold gets its own basis. What is rounded in C grows by its root. */
#define EXACT_SUMS 16
#define OWN_BASIS  64

/* Lower triangle of C (p x p) = X'X + beta C for X k x p, by tiles of rows. */
static void add_squares(const chi_fit_work *work, int64_t k, const double *x, double beta,
                        double *c)
{
  const int64_t p = work->shape.n_features, tiles = (p + TILE - 1) / TILE;
#pragma omp parallel for schedule(dynamic) num_threads(work->shape.threads)
  for (int64_t t = tiles - 1; t >= 0; t--) {
    const int64_t i0 = t * TILE, m = p - i0 < TILE ? p - i0 : TILE;
    const chi_dmatrix columns = {k, m, x + i0, p, true};
    if (i0 > 0) chi_dgemm(columns, (chi_dmatrix){k, i0, x, p, false}, beta, c + i0 * p, p);
    chi_dsyrk(columns, beta, c + i0 * p + i0, p);
  }
}

/* U of all rows, x and the means in its basis, and U'^-1. */
static chi_status whiten(chi_fit_work *work)
{
  chi_primal *w = &work->primal;
  const int64_t p = work->shape.n_features, n = work->rows->n, classes = work->shape.n_classes;
  const int64_t chunk = 256, chunks = (n + chunk - 1) / chunk;
  chi_thread_work *t = &work->thread[0];
  add_squares(work, n, w->x, 0, w->scatter);
  chi_classes_offsets(work, -1, t);
  add_squares(work, classes, t->offset, 1, w->scatter);
  for (int64_t i = 0; i < p; i++) {
    for (int64_t j = 0; j < i; j++) w->whiten[j * p + i] = w->scatter[i * p + j];
    w->whiten[i * p + i] = w->scatter[i * p + i] + work->alphas[0];
  }
  CHI_TRY(chi_dpotrf(p, w->whiten, p));
#pragma omp parallel for num_threads(work->shape.threads)
  for (int64_t c = 0; c < chunks; c++) {
    const int64_t first = c * chunk, m = n - first < chunk ? n - first : chunk;
    chi_dtrsm_right(m, p, w->whiten, p, w->x + first * p, p);
  }
  chi_dtrsm_right(classes, p, w->whiten, p, w->mean, p);
  memset(w->unwhiten, 0, (size_t)(p * p) * sizeof *w->unwhiten);
  for (int64_t i = 0; i < p; i++) w->unwhiten[i * p + i] = 1;
  chi_dtrsm_left(p, p, w->whiten, p, w->unwhiten, p);
  return CHI_OK;
}

/* Every fold's P, but for the spread of the classes' means. */
static void merge_scatter(chi_fit_work *work)
{
  chi_primal *w = &work->primal;
  const int64_t p = work->shape.n_features;
  const int32_t folds = work->shape.n_folds;
  for (int32_t f = 0; f < folds; f++) memset(w->gram[f], 0, (size_t)(p * p) * sizeof *w->gram[f]);
  for (int64_t c = 0; c < work->shape.n_classes; c++) {
    const int64_t first = w->class[c].first;
    add_squares(work, w->class[c].end - first, w->x + first * p, 0, w->scatter);
    for (int32_t f = 0; f < folds; f++) {
      if (!chi_class_trains(w, c, f)) continue;
      double *gram = w->gram[f];
#pragma omp parallel for num_threads(work->shape.threads)
      for (int64_t i = 0; i < p; i++)
        for (int64_t j = 0; j <= i; j++) gram[i * p + j] += w->scatter[i * p + j];
    }
  }
}

/* A feature that is constant in training is left out: take what it adds to the held-out rows away,
 * its differences from that constant times its row of U^-1. (Its weight is 0 but for rounding.) */
static void leave_out_constants(chi_fit_work *work, int32_t f)
{
  chi_primal *w = &work->primal;
  const chi_fold *fold = &work->folds[f];
  const int64_t p = work->shape.n_features;
  for (int64_t j = 0; j < p; j++) {
    if (w->variance[f * p + j] > 0 || w->scale[j] == 0) continue;
    double constant, x;
    chi_read_features(work, fold->train_event[0], j, 1, &constant);
    for (int64_t i = fold->first; i < fold->end; i++) {
      chi_read_features(work, work->rows->event[i], j, 1, &x);
      const double difference = (x - constant) * w->scale[j];
      double *z = w->z + (i - fold->first) * p;
      for (int64_t k = 0; k < p; k++) z[k] -= difference * w->unwhiten[k * p + j];
    }
  }
}

/* Finish P of one fold, and its held-out rows. */
static void prepare_fold(chi_fit_work *work, int32_t f)
{
  chi_primal *w = &work->primal;
  const chi_fold *fold = &work->folds[f];
  const int64_t p = work->shape.n_features;
  chi_thread_work *t = &work->thread[0];
  chi_classes_offsets(work, f, t);
  add_squares(work, work->shape.n_classes, t->offset, 1, w->gram[f]);
  for (int64_t c = 0; c < work->shape.n_classes; c++)
    for (int64_t i = w->class[c].first; i < w->class[c].end; i++) {
      const int64_t row = w->class_row[i];
      if (row < fold->first || row >= fold->end) continue;
      double *z = w->z + (row - fold->first) * p;
      for (int64_t j = 0; j < p; j++)
        z[j] = w->x[i * p + j] / w->class_scale[i] + w->mean[c * p + j] - t->fold_mean[j];
    }
}

/* R of one fold: (U'^-1 V)(U'^-1 V)' with V the standard deviations. */
static void make_penalty(chi_fit_work *work, int32_t f)
{
  chi_primal *w = &work->primal;
  const int64_t p = work->shape.n_features;
  for (int64_t j = 0; j < p; j++) { /* add_squares wants the transpose */
    const double variance = w->variance[f * p + j], deviation = variance > 0 ? sqrt(variance) : 1;
    for (int64_t i = 0; i < p; i++) w->scatter[j * p + i] = deviation * w->unwhiten[i * p + j];
  }
  add_squares(work, p, w->scatter, 0, w->penalty);
}

static double length(int64_t p, const double *vector)
{
  double squares = 0;
  for (int64_t j = 0; j < p; j++) squares += vector[j] * vector[j];
  return sqrt(squares);
}

/* Whether |(U'U)^-1| is beyond a limit: the growth of a vector, of p, under repeated solution. */
static bool is_far_from_one(int64_t p, const double *u, double limit, double *vector)
{
  for (int64_t j = 0; j < p; j++) vector[j] = 1 + (double)(j * 37 % 11) / 11;
  for (int i = 0; i < 12; i++) {
    const double before = length(p, vector);
    chi_dpotrs(1, p, u, p, vector, p);
    if (length(p, vector) > limit * before) return true;
  }
  return false;
}

chi_status chi_primal_operator(chi_fit_work *work, int32_t f, int32_t alpha, chi_thread_work *t)
{
  chi_primal *w = &work->primal;
  const chi_fold *fold = &work->folds[f];
  const int64_t p = work->shape.n_features, m = fold->end - fold->first;
  const double *gram = w->gram[f], *factor = gram;
  chi_stage_clock clock = chi_stage_start();
  if (alpha > 0) { /* the first one's is there */
    chi_dupper_of_sum(p, gram, w->diagonal, work->alphas[alpha], w->penalty, t->factor);
    factor = t->factor;
    const chi_status s = chi_dpotrf(p, t->factor, p);
    chi_stage_stop(&t->stages, CHI_STAGE_FACTORISE, &clock, chi_flops(p, p, p) / 6);
    if (s != CHI_OK) return s;
  }
  memcpy(t->solve, w->z, (size_t)(m * p) * sizeof *w->z);
  chi_dpotrs(m, p, factor, p, t->solve, p);
  if (w->own_basis[f]) chi_dtrmm_right(m, p, gram, p, t->solve, p);
  chi_operator_store(work, f, 0, alpha, t->solve, p, NULL);
  chi_operator_store(work, f, 1, alpha, t->solve + (fold->split - fold->first) * p, p, NULL);
  chi_stage_stop(&t->stages, CHI_STAGE_HAT, &clock, chi_flops(m, p, p));
  return CHI_OK;
}

chi_status chi_primal_begin(chi_fit_work *work, int32_t f)
{
  chi_primal *w = &work->primal;
  const int64_t p = work->shape.n_features;
  double *gram = w->gram[f];
  chi_stages *stages = &work->thread[0].stages;
  chi_stage_clock clock = chi_stage_start();
  prepare_fold(work, f);
  if (work->shape.banded) {
    chi_stage_stop(stages, CHI_STAGE_GRAM, &clock, 0);
    return chi_banded_begin(work, f, p, gram, w->variance + f * p, w->z);
  }
  make_penalty(work, f);
  leave_out_constants(work, f);
  chi_stage_stop(stages, CHI_STAGE_GRAM, &clock, chi_flops(p, p, p) / 2);
  for (int64_t j = 0; j < p; j++) w->diagonal[j] = gram[j * p + j];
  chi_dupper_of_sum(p, gram, w->diagonal, work->alphas[0], w->penalty, gram);
  CHI_TRY(chi_dpotrf(p, gram, p));
  w->exact_sums = w->exact_sums || is_far_from_one(p, gram, EXACT_SUMS, work->thread[0].fold_mean);
  w->own_basis[f] = w->exact_sums && is_far_from_one(p, gram, OWN_BASIS, work->thread[0].fold_mean);
  chi_stage_stop(stages, CHI_STAGE_FACTORISE, &clock, chi_flops(p, p, p) / 6);
  return CHI_OK;
}

/* Banded: the folds' own standardisation is a scale of Gram matrices and sums, which leaves
 * constants out. It takes the place of the variance. */
static void scales_of_folds(chi_fit_work *work)
{
  chi_primal *w = &work->primal;
  const int64_t n = work->shape.n_folds * work->shape.n_features;
  for (int64_t j = 0; j < n; j++)
    w->variance[j] = w->variance[j] > 0 ? 1 / sqrt(w->variance[j]) : 0;
}

chi_status chi_primal_prepare(chi_fit_work *work)
{
  chi_primal *w = &work->primal;
  chi_stages *stages = &work->thread[0].stages;
  const int64_t n = work->rows->n, p = work->shape.n_features;
  chi_stage_clock clock = chi_stage_start();
  chi_classes_standardise(work);
  chi_stage_stop(stages, CHI_STAGE_STANDARDISE, &clock, 4 * chi_flops(n, p, 1));
  w->exact_sums = work->shape.banded;
  if (work->shape.banded)
    scales_of_folds(work);
  else
    CHI_TRY(whiten(work));
  merge_scatter(work);
  chi_stage_stop(stages, CHI_STAGE_GRAM, &clock,
                 work->shape.banded ? chi_flops(n, p, p) / 2
                                    : 1.5 * chi_flops(n, p, p) + 2.0 / 3 * chi_flops(p, p, p));
  return CHI_OK;
}
