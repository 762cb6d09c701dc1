/* More training events than features. Rows that train the same folds form a class; sums over
 * classes, each about its own mean, add up to every fold's Gram matrix and cross product by the
 * rule for merging moments (Chan, Golub, LeVeque 1983): S = sum_c S_c + W_c (m_c - m)(m_c - m)'.
 * Only squares are added up, so nothing cancels, and one sweep over the features and responses
 * serves all folds. */
#include <math.h>
#include <string.h>

#include "encode/internal.h"
#include "linalg/dense.h"

static double *fold_gram(const chi_fit_work *work, int32_t fold)
{
  const int64_t p = work->shape.n_features;
  return work->primal.gram + fold * p * p;
}

static void sort_classes(chi_fit_work *work)
{
  chi_primal *w = &work->primal;
  const chi_rows *rows = work->rows;
  int64_t n = 0, at = 0;
  for (int64_t i = 0; i < rows->n; i++) {
    int64_t c = 0;
    while (c < n && w->class_train[c] != rows->train[i]) c++;
    if (c == n) w->class_train[n++] = rows->train[i];
  }
  for (int64_t c = 0; c < n; c++) {
    w->class_first[c] = at;
    w->class_weight[c] = 0;
    for (int64_t i = 0; i < rows->n; i++) {
      if (rows->train[i] != w->class_train[c]) continue;
      w->class_row[at] = i;
      w->class_event[at] = rows->event[i];
      w->class_scale[at++] = sqrt(rows->weight[i]);
      w->class_weight[c] += rows->weight[i];
    }
  }
  w->class_first[n] = at;
}

static double feature(const chi_fit_work *work, int64_t event, int64_t column)
{
  const int64_t at = event * work->shape.n_features + column;
  return work->features_real == CHI_REAL32 ? (double)((const float *)work->features)[at]
                                           : ((const double *)work->features)[at];
}

/* Fill x, mean, low and high of one class. */
static void centre_class(chi_fit_work *work, int64_t c)
{
  chi_primal *w = &work->primal;
  const int64_t p = work->shape.n_features;
  double *mean = w->mean + c * p, *low = w->low + c * p, *high = w->high + c * p;
  for (int64_t j = 0; j < p; j++) {
    mean[j] = 0;
    low[j] = INFINITY;
    high[j] = -INFINITY;
  }
  for (int64_t i = w->class_first[c]; i < w->class_first[c + 1]; i++) {
    const double weight = work->rows->weight[w->class_row[i]];
    for (int64_t j = 0; j < p; j++) {
      const double x = feature(work, w->class_event[i], j);
      mean[j] += weight * x;
      low[j] = x < low[j] ? x : low[j];
      high[j] = x > high[j] ? x : high[j];
    }
  }
  for (int64_t j = 0; j < p; j++) mean[j] /= w->class_weight[c];
  for (int64_t i = w->class_first[c]; i < w->class_first[c + 1]; i++)
    for (int64_t j = 0; j < p; j++)
      w->x[i * p + j] = w->class_scale[i] * (feature(work, w->class_event[i], j) - mean[j]);
}

/* Mean of a fold's training rows, and which columns are constant there (scale 0, else 1). */
static double merge_means(chi_fit_work *work, int32_t f)
{
  chi_primal *w = &work->primal;
  const int64_t p = work->shape.n_features;
  double *mean = w->fold_mean + f * p, *scale = w->fold_scale + f * p, total = 0;
  for (int64_t c = 0; c < work->shape.n_classes; c++)
    if (w->class_train[c] >> f & 1) total += w->class_weight[c];
  for (int64_t j = 0; j < p; j++) {
    double low = INFINITY, high = -INFINITY;
    mean[j] = 0;
    for (int64_t c = 0; c < work->shape.n_classes; c++) {
      if ((w->class_train[c] >> f & 1) == 0) continue;
      mean[j] += w->class_weight[c] / total * w->mean[c * p + j];
      low = fmin(low, w->low[c * p + j]);
      high = fmax(high, w->high[c * p + j]);
    }
    scale[j] = high > low ? 1 : 0;
  }
  return total;
}

/* offset (class, p): sqrt(W_c) (m_c - m) for the classes that train the fold, 0 for the others. */
static void class_offsets(const chi_fit_work *work, int32_t f, double *offset)
{
  const chi_primal *w = &work->primal;
  const int64_t p = work->shape.n_features;
  for (int64_t c = 0; c < work->shape.n_classes; c++) {
    const double weight = w->class_train[c] >> f & 1 ? sqrt(w->class_weight[c]) : 0;
    for (int64_t j = 0; j < p; j++)
      offset[c * p + j] = weight * (w->mean[c * p + j] - w->fold_mean[f * p + j]);
  }
}

#define TILE 512 /* rows of a Gram matrix that one thread adds to at a time */

/* Lower triangle of C (p x p) = X'X + beta C for X k x p, by tiles of rows. */
static void add_squares(const chi_fit_work *work, int64_t k, const double *x, double beta,
                        double *c)
{
  const int64_t p = work->shape.n_features, tiles = (p + TILE - 1) / TILE;
#pragma omp parallel for schedule(dynamic) num_threads(work->shape.threads)
  for (int64_t t = tiles - 1; t >= 0; t--) {
    const int64_t i0 = t * TILE, m = p - i0 < TILE ? p - i0 : TILE;
    if (i0 > 0) chi_dgemm_tn(m, i0, k, x + i0, p, x, p, beta, c + i0 * p, p);
    chi_dsyrk_t(m, k, x + i0, p, beta, c + i0 * p + i0, p);
  }
}

/* Every fold's scatter: the sum over its classes, then the spread of the classes' means. */
static void merge_scatter(chi_fit_work *work)
{
  chi_primal *w = &work->primal;
  const int64_t p = work->shape.n_features;
  const int32_t folds = work->shape.n_folds;
  memset(w->gram, 0, (size_t)(folds * p * p) * sizeof *w->gram);
  for (int64_t c = 0; c < work->shape.n_classes; c++) {
    const int64_t first = w->class_first[c];
    add_squares(work, w->class_first[c + 1] - first, w->x + first * p, 0, w->scatter);
    for (int32_t f = 0; f < folds; f++) {
      if ((w->class_train[c] >> f & 1) == 0) continue;
      double *gram = fold_gram(work, f);
#pragma omp parallel for num_threads(work->shape.threads)
      for (int64_t i = 0; i < p; i++)
        for (int64_t j = 0; j <= i; j++) gram[i * p + j] += w->scatter[i * p + j];
    }
  }
}

/* Finish a fold's Gram matrix: standardise the scatter. */
static void standardise_gram(chi_fit_work *work, int32_t f)
{
  chi_primal *w = &work->primal;
  const int64_t p = work->shape.n_features;
  double *gram = fold_gram(work, f), *scale = w->fold_scale + f * p;
  const double total = merge_means(work, f);
  class_offsets(work, f, work->thread[0].offset);
  add_squares(work, work->shape.n_classes, work->thread[0].offset, 1, gram);
  for (int64_t j = 0; j < p; j++) {
    const double variance = gram[j * p + j] / total;
    scale[j] = scale[j] > 0 && variance > 0 ? 1 / sqrt(variance) : 0;
  }
  for (int64_t i = 0; i < p; i++)
    for (int64_t j = 0; j <= i; j++) gram[i * p + j] *= scale[i] * scale[j];
}

/* Upper triangle of `to` = transpose of the lower one of a, times `factor`, plus `diagonal` +
 * shift. */
static void upper_from_lower(int64_t p, const double *a, double factor, const double *diagonal,
                             double shift, double *to)
{
  for (int64_t i = 0; i < p; i++) {
    for (int64_t j = 0; j < i; j++) to[j * p + i] = factor * a[i * p + j];
    to[i * p + i] = factor * diagonal[i] + shift;
  }
}

/* Lower triangle of N = (U U')^-1 = U'^-1 U^-1, where B_a = Z_ho U^-1 (I + (a - a_min) N)^-1. */
static void make_inverse(int64_t p, const double *u, double *inverse, double *room)
{
  memset(room, 0, (size_t)(p * p) * sizeof *room);
  for (int64_t i = 0; i < p; i++) room[i * p + i] = 1;
  chi_dtrsm_left(p, p, u, p, room, p);
  chi_dsyrk(p, p, room, p, 0, inverse, p);
}

static void standardise_held_out(chi_fit_work *work, int32_t f)
{
  chi_primal *w = &work->primal;
  const chi_fold *fold = &work->folds[f];
  const int64_t p = work->shape.n_features;
  const double *mean = w->fold_mean + f * p, *scale = w->fold_scale + f * p;
  for (int64_t i = fold->first; i < fold->end; i++)
    for (int64_t j = 0; j < p; j++)
      w->z[(i - fold->first) * p + j] =
          (feature(work, work->rows->event[i], j) - mean[j]) * scale[j];
}

/* Both B of one fold and alpha. */
static chi_status primal_operator(chi_fit_work *work, int32_t f, int32_t alpha, int thread)
{
  chi_primal *w = &work->primal;
  const chi_fold *fold = &work->folds[f];
  const int64_t p = work->shape.n_features, m = fold->end - fold->first;
  chi_thread_work *t = &work->thread[thread];
  const double shift = work->alphas[alpha] - work->alphas[0];
  chi_stage_clock clock = chi_stage_start();
  memcpy(t->solve, w->z, (size_t)(m * p) * sizeof *w->z);
  if (shift > 0) {
    upper_from_lower(p, w->inverse, shift, w->diagonal, 1, t->factor);
    const chi_status s = chi_dpotrf(p, t->factor, p);
    chi_stage_stop(&t->stages, CHI_STAGE_FACTORISE, clock, (double)p * (double)p * (double)p / 3);
    if (s != CHI_OK) return s;
    clock = chi_stage_start();
    chi_dpotrs(m, p, t->factor, p, t->solve, p);
  }
  const int64_t split = fold->split - fold->first;
  chi_operator_store(work, f, 0, alpha, t->solve, p, NULL);
  chi_operator_store(work, f, 1, alpha, t->solve + split * p, p, NULL);
  chi_stage_stop(&t->stages, CHI_STAGE_HAT, clock,
                 shift > 0 ? 2 * (double)m * (double)p * (double)p : 0);
  return CHI_OK;
}

static chi_status fold_operators(chi_fit_work *work, int32_t f)
{
  chi_primal *w = &work->primal;
  const chi_fold *fold = &work->folds[f];
  const int64_t p = work->shape.n_features, m = fold->end - fold->first;
  double *gram = fold_gram(work, f);
  chi_stages *stages = &work->thread[0].stages;
  chi_stage_clock clock = chi_stage_start();
  for (int64_t j = 0; j < p; j++) w->diagonal[j] = gram[j * p + j];
  upper_from_lower(p, gram, 1, w->diagonal, work->alphas[0], gram);
  CHI_TRY(chi_dpotrf(p, gram, p));
  make_inverse(p, gram, w->inverse, work->thread[0].factor);
  for (int64_t j = 0; j < p; j++) w->diagonal[j] = w->inverse[j * p + j];
  chi_stage_stop(stages, CHI_STAGE_FACTORISE, clock, 7.0 / 3 * (double)p * (double)p * (double)p);

  clock = chi_stage_start();
  standardise_held_out(work, f);
  chi_stage_stop(stages, CHI_STAGE_STANDARDISE, clock, 2 * (double)m * (double)p);
  clock = chi_stage_start();
  chi_dtrsm_right(m, p, gram, p, w->z, p);
  chi_stage_stop(stages, CHI_STAGE_HAT, clock, (double)m * (double)p * (double)p);

  chi_status worst = CHI_OK;
#pragma omp parallel for schedule(dynamic) num_threads(work->shape.threads)
  for (int32_t a = 0; a < work->shape.n_alphas; a++) {
    const chi_status s = primal_operator(work, f, a, chi_thread());
#pragma omp critical(chi_encode_status)
    if (s > worst) worst = s;
  }
  return worst == CHI_OK ? CHI_OK : chi_fail(worst, "%s", chi_status_text(worst));
}

chi_status chi_primal_begin(chi_fit_work *work)
{
  chi_stages *stages = &work->thread[0].stages;
  const double n = (double)work->rows->n, p = (double)work->shape.n_features;
  chi_stage_clock clock = chi_stage_start();
  sort_classes(work);
#pragma omp parallel for schedule(dynamic) num_threads(work->shape.threads)
  for (int64_t c = 0; c < work->shape.n_classes; c++) centre_class(work, c);
  chi_stage_stop(stages, CHI_STAGE_STANDARDISE, clock, 4 * n * p);

  clock = chi_stage_start();
  merge_scatter(work);
  for (int32_t f = 0; f < work->shape.n_folds; f++) standardise_gram(work, f);
  chi_stage_stop(stages, CHI_STAGE_GRAM, clock, n * p * p);
  for (int32_t f = 0; f < work->shape.n_folds; f++) CHI_TRY(fold_operators(work, f));
  return CHI_OK;
}

/* Responses of a class's rows times sqrt(weight), and their weighted mean times sqrt(W). */
static void load_responses(const chi_fit_work *work, int64_t c, int64_t t0, int64_t n, double *y,
                           double *mean)
{
  const chi_primal *w = &work->primal;
  const int64_t ld = work->responses->n_electrodes * work->responses->n_times;
  for (int64_t j = 0; j < n; j++) mean[j] = 0;
  for (int64_t i = w->class_first[c]; i < w->class_first[c + 1]; i++) {
    double *row = y + (i - w->class_first[c]) * n;
    const double scale = w->class_scale[i];
    const int64_t at = w->class_event[i] * ld + t0;
    if (work->shape.real == CHI_REAL32)
      for (int64_t j = 0; j < n; j++)
        row[j] = scale * (double)((const float *)work->responses->y)[at + j];
    else
      for (int64_t j = 0; j < n; j++) row[j] = scale * ((const double *)work->responses->y)[at + j];
    for (int64_t j = 0; j < n; j++) mean[j] += scale * row[j];
  }
  for (int64_t j = 0; j < n; j++) mean[j] /= sqrt(w->class_weight[c]);
}

/* Sum of the classes' cross products that train a fold, columns scaled to the fold's standard. */
static void merge_sums(const chi_fit_work *work, int32_t f, int64_t n, const double *sums,
                       double *out)
{
  const chi_primal *w = &work->primal;
  const int64_t p = work->shape.n_features;
  for (int64_t i = 0; i < p; i++) {
    double *row = out + i * n;
    bool first = true;
    for (int64_t c = 0; c < work->shape.n_classes; c++) {
      if ((w->class_train[c] >> f & 1) == 0) continue;
      const double *from = sums + (c * p + i) * n;
      for (int64_t j = 0; j < n; j++) row[j] = first ? from[j] : row[j] + from[j];
      first = false;
    }
  }
}

void chi_primal_basis(chi_fit_work *work, int64_t t0, int64_t n, int thread)
{
  const chi_primal *w = &work->primal;
  chi_thread_work *t = &work->thread[thread];
  const int64_t p = work->shape.n_features, classes = work->shape.n_classes;
  chi_stage_clock clock = chi_stage_start();
  for (int64_t c = 0; c < classes; c++) {
    const int64_t first = w->class_first[c], m = w->class_first[c + 1] - first;
    load_responses(work, c, t0, n, t->responses, t->class_mean + c * n);
    chi_dgemm_tn(p, n, m, w->x + first * p, p, t->responses, n, 0, t->sums + c * p * n, n);
  }
  chi_stage_stop(&t->stages, CHI_STAGE_GRAM, clock,
                 2 * (double)work->rows->n * (double)p * (double)n);
  for (int32_t f = 0; f < work->shape.n_folds; f++) {
    clock = chi_stage_start();
    merge_sums(work, f, n, t->sums, t->fold_sum);
    class_offsets(work, f, t->offset);
    chi_dgemm_tn(p, n, classes, t->offset, p, t->class_mean, n, 1, t->fold_sum, n);
    const double *scale = w->fold_scale + f * p;
    for (int64_t i = 0; i < p; i++)
      for (int64_t j = 0; j < n; j++) t->fold_sum[i * n + j] *= scale[i];
    chi_dtrsm_left(p, n, fold_gram(work, f), p, t->fold_sum, n);
    if (work->shape.real == CHI_REAL32) {
      float *out = (float *)t->basis + f * p * n;
      for (int64_t i = 0; i < p * n; i++) out[i] = (float)t->fold_sum[i];
    } else {
      memcpy((double *)t->basis + f * p * n, t->fold_sum, (size_t)(p * n) * sizeof(double));
    }
    chi_stage_stop(&t->stages, CHI_STAGE_HAT, clock, (double)p * (double)p * (double)n);
  }
}
