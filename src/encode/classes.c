/* Classes of rows that train the same folds: their features about their own means, standardised
 * over all rows, and the variance of every feature in every fold's training rows. */
#include <math.h>
#include <string.h>

#include "encode/internal.h"

static double fold_weight(const chi_fit_work *work, int32_t fold)
{
  double total = 0;
  for (int64_t c = 0; c < work->shape.n_classes; c++)
    if (chi_class_trains(&work->primal, c, fold)) total += work->primal.class_weight[c];
  return total;
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
    const double weight = w->class_scale[i] * w->class_scale[i] / w->class_weight[c];
    double *x = w->x + i * p;
    chi_read_features(work, w->class_event[i], 0, p, x);
    for (int64_t j = 0; j < p; j++) {
      mean[j] += weight * x[j];
      low[j] = x[j] < low[j] ? x[j] : low[j];
      high[j] = x[j] > high[j] ? x[j] : high[j];
    }
  }
  for (int64_t i = w->class_first[c]; i < w->class_first[c + 1]; i++)
    for (int64_t j = 0; j < p; j++)
      w->x[i * p + j] = w->class_scale[i] * (w->x[i * p + j] - mean[j]);
}

/* Standardise x and the classes' means (less the mean of all) over all rows; sums of squares by
 * class. */
static void standardise_all(chi_fit_work *work)
{
  chi_primal *w = &work->primal;
  const int64_t p = work->shape.n_features, classes = work->shape.n_classes;
  double total = 0;
  memset(w->squares, 0, (size_t)(classes * p) * sizeof *w->squares);
  for (int64_t c = 0; c < classes; c++) {
    total += w->class_weight[c];
    for (int64_t i = w->class_first[c]; i < w->class_first[c + 1]; i++)
      for (int64_t j = 0; j < p; j++) w->squares[c * p + j] += w->x[i * p + j] * w->x[i * p + j];
  }
  for (int64_t j = 0; j < p; j++) {
    double mean = 0, variance = 0, low = INFINITY, high = -INFINITY;
    for (int64_t c = 0; c < classes; c++) mean += w->class_weight[c] / total * w->mean[c * p + j];
    for (int64_t c = 0; c < classes; c++) {
      w->mean[c * p + j] -= mean;
      variance += w->squares[c * p + j] / total +
                  w->class_weight[c] / total * w->mean[c * p + j] * w->mean[c * p + j];
      low = fmin(low, w->low[c * p + j]);
      high = fmax(high, w->high[c * p + j]);
    }
    w->scale[j] = high > low && variance > 0 ? 1 / sqrt(variance) : 0;
    for (int64_t c = 0; c < classes; c++) {
      w->mean[c * p + j] *= w->scale[j];
      w->squares[c * p + j] *= w->scale[j] * w->scale[j];
    }
  }
#pragma omp parallel for num_threads(work->shape.threads)
  for (int64_t i = 0; i < work->rows->n; i++)
    for (int64_t j = 0; j < p; j++) w->x[i * p + j] *= w->scale[j];
}

/* Variance of every standardised feature over a fold's training rows; 1 where it is constant there.
 */
static void fold_variance(chi_fit_work *work, int32_t f)
{
  chi_primal *w = &work->primal;
  const int64_t p = work->shape.n_features;
  const double total = fold_weight(work, f);
  for (int64_t j = 0; j < p; j++) {
    double mean = 0, variance = 0, low = INFINITY, high = -INFINITY;
    for (int64_t c = 0; c < work->shape.n_classes; c++) {
      if (!chi_class_trains(w, c, f)) continue;
      mean += w->class_weight[c] / total * w->mean[c * p + j];
      low = fmin(low, w->low[c * p + j]);
      high = fmax(high, w->high[c * p + j]);
    }
    for (int64_t c = 0; c < work->shape.n_classes; c++) {
      if (!chi_class_trains(w, c, f)) continue;
      const double d = w->mean[c * p + j] - mean;
      variance += w->squares[c * p + j] / total + w->class_weight[c] / total * d * d;
    }
    w->variance[f * p + j] = high > low ? variance : 0;
  }
}

void chi_classes_standardise(chi_fit_work *work)
{
  sort_classes(work);
#pragma omp parallel for schedule(dynamic) num_threads(work->shape.threads)
  for (int64_t c = 0; c < work->shape.n_classes; c++) centre_class(work, c);
  standardise_all(work);
  for (int32_t f = 0; f < work->shape.n_folds; f++) fold_variance(work, f);
}

void chi_classes_offsets(const chi_fit_work *work, int32_t f, double *fold_mean, double *offset)
{
  const chi_primal *w = &work->primal;
  const int64_t p = work->shape.n_features;
  double total = 0;
  memset(fold_mean, 0, (size_t)p * sizeof *fold_mean);
  for (int64_t c = 0; c < work->shape.n_classes; c++) {
    if (f >= 0 && !chi_class_trains(w, c, f)) continue;
    total += w->class_weight[c];
    for (int64_t j = 0; j < p; j++) fold_mean[j] += w->class_weight[c] * w->mean[c * p + j];
  }
  for (int64_t j = 0; j < p; j++) fold_mean[j] /= total;
  for (int64_t c = 0; c < work->shape.n_classes; c++) {
    const double weight = f < 0 || chi_class_trains(w, c, f) ? sqrt(w->class_weight[c]) : 0;
    for (int64_t j = 0; j < p; j++)
      offset[c * p + j] = weight * (w->mean[c * p + j] - fold_mean[j]);
  }
}
