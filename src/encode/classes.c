/* Classes of rows that train the same folds: their features about their own means, standardised
 * over all rows, and the variance of every feature in every fold's training rows. */
#include <math.h>
#include <string.h>

#include "encode/internal.h"

static double fold_weight(const chi_fit_work *work, int32_t fold)
{
  double total = 0;
  for (int64_t c = 0; c < work->shape.n_classes; c++)
    if (chi_class_trains(&work->primal, c, fold)) total += work->primal.class[c].weight;
  return total;
}

static void sort_rows(chi_fit_work *work)
{
  chi_primal *w = &work->primal;
  const chi_rows *rows = work->rows;
  const int64_t n = chi_rows_classes(rows, w->class);
  int64_t at = 0;
  for (int64_t c = 0; c < n; c++)
    for (int64_t i = 0; i < rows->n; i++)
      if (rows->train[i] == w->class[c].train) {
        w->class_row[at] = i;
        w->class_scale[at++] = sqrt(rows->weight[i]);
      }
}

/* Fill x, mean, low and high of one class. */
static void centre_class(chi_fit_work *work, int64_t c)
{
  chi_primal *w = &work->primal;
  const int64_t p = work->shape.n_features;
  double *mean = w->mean + c * p, *low = w->low + c * p, *high = w->high + c * p;
  chi_range_start(p, mean, low, high);
  for (int64_t i = w->class[c].first; i < w->class[c].end; i++) {
    const double weight = w->class_scale[i] * w->class_scale[i] / w->class[c].weight;
    chi_read_features(work, work->rows->event[w->class_row[i]], 0, p, w->x + i * p);
    chi_range_add(p, weight, w->x + i * p, mean, low, high);
  }
  for (int64_t i = w->class[c].first; i < w->class[c].end; i++)
    for (int64_t j = 0; j < p; j++)
      w->x[i * p + j] = w->class_scale[i] * (w->x[i * p + j] - mean[j]);
}

/* Variance of a feature over the rows that train a fold (all rows: -1), from its classes' means and
 * squares; 0 if it is constant. \param[out] mean  over the same rows */
static double merged_variance(const chi_fit_work *work, int32_t fold, double total, int64_t j,
                              double *mean)
{
  const chi_primal *w = &work->primal;
  const int64_t p = work->shape.n_features;
  double variance = 0, low = INFINITY, high = -INFINITY;
  *mean = 0;
  for (int64_t c = 0; c < work->shape.n_classes; c++) {
    if (!chi_class_trains(w, c, fold)) continue;
    *mean += w->class[c].weight / total * w->mean[c * p + j];
    low = fmin(low, w->low[c * p + j]);
    high = fmax(high, w->high[c * p + j]);
  }
  for (int64_t c = 0; c < work->shape.n_classes; c++) {
    if (!chi_class_trains(w, c, fold)) continue;
    const double d = w->mean[c * p + j] - *mean;
    variance += w->squares[c * p + j] / total + w->class[c].weight / total * d * d;
  }
  return high > low ? variance : 0;
}

/* Standardise x and the classes' means (less the mean of all) over all rows; sums of squares by
 * class. */
static void standardise_all(chi_fit_work *work)
{
  chi_primal *w = &work->primal;
  const int64_t p = work->shape.n_features, classes = work->shape.n_classes;
  const double total = fold_weight(work, -1);
  memset(w->squares, 0, (size_t)(classes * p) * sizeof *w->squares);
  for (int64_t c = 0; c < classes; c++)
    for (int64_t i = w->class[c].first; i < w->class[c].end; i++)
      for (int64_t j = 0; j < p; j++) w->squares[c * p + j] += w->x[i * p + j] * w->x[i * p + j];
  for (int64_t j = 0; j < p; j++) {
    double mean;
    const double variance = merged_variance(work, -1, total, j, &mean);
    w->scale[j] = variance > 0 ? 1 / sqrt(variance) : 0;
    for (int64_t c = 0; c < classes; c++) {
      w->mean[c * p + j] = (w->mean[c * p + j] - mean) * w->scale[j];
      w->squares[c * p + j] *= w->scale[j] * w->scale[j];
    }
  }
#pragma omp parallel for num_threads(work->shape.threads)
  for (int64_t i = 0; i < work->rows->n; i++)
    for (int64_t j = 0; j < p; j++) w->x[i * p + j] *= w->scale[j];
}

void chi_classes_standardise(chi_fit_work *work)
{
  const int64_t p = work->shape.n_features;
  sort_rows(work);
#pragma omp parallel for schedule(dynamic) num_threads(work->shape.threads)
  for (int64_t c = 0; c < work->shape.n_classes; c++) centre_class(work, c);
  standardise_all(work);
  for (int32_t f = 0; f < work->shape.n_folds; f++) {
    const double total = fold_weight(work, f);
    double mean;
    for (int64_t j = 0; j < p; j++)
      work->primal.variance[f * p + j] = merged_variance(work, f, total, j, &mean);
  }
}

void chi_classes_offsets(const chi_fit_work *work, int32_t f, chi_thread_work *t)
{
  const chi_primal *w = &work->primal;
  const int64_t p = work->shape.n_features;
  const double total = fold_weight(work, f);
  double *mean = t->fold_mean;
  memset(mean, 0, (size_t)p * sizeof *mean);
  for (int64_t c = 0; c < work->shape.n_classes; c++) {
    if (!chi_class_trains(w, c, f)) continue;
    for (int64_t j = 0; j < p; j++) mean[j] += w->class[c].weight * w->mean[c * p + j];
  }
  for (int64_t j = 0; j < p; j++) mean[j] /= total;
  for (int64_t c = 0; c < work->shape.n_classes; c++) {
    const double weight = chi_class_trains(w, c, f) ? sqrt(w->class[c].weight) : 0;
    for (int64_t j = 0; j < p; j++) t->offset[c * p + j] = weight * (w->mean[c * p + j] - mean[j]);
  }
}
