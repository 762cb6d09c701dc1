/* The test `events`: the plain fit's difference against its spread over the replicates. */
#include <math.h>

#include "base/memory.h"
#include "sites/internal.h"

static const double most_missing = 0.05; /* of the replicates */

/* Mean over the marked bins where `x` is finite; with `also` where that is finite too. */
static double mean_over(const bool *marked, const float *x, const float *also, int64_t n)
{
  double sum = 0;
  int64_t count = 0;
  for (int64_t b = 0; b < n; b++) {
    if (!marked[b] || !isfinite(x[b]) || (also != NULL && !isfinite(also[b]))) continue;
    sum += (double)x[b];
    count++;
  }
  return count > 0 ? sum / (double)count : NAN;
}

/* The side's model with the highest bootstrap mean of val r over the union, the first on a tie;
 * -1 if none has any there. */
static int32_t best_model(const chi_sites_work *work, const chi_sites_side *side)
{
  const chi_sites_data *d = work->data;
  int32_t best = -1;
  double highest = -INFINITY;
  for (int32_t i = 0; i < side->n; i++) {
    const float *val = d->val_mean + chi_sites_at(d, side->model[i], work->site);
    const double mean = mean_over(work->in_union, val, NULL, d->n_times);
    if (!(mean > highest)) continue;
    highest = mean;
    best = side->model[i];
  }
  return best;
}

static chi_status load(chi_sites_work *work, int32_t model)
{
  const chi_sites_data *d = work->data;
  if (work->fresh[model]) return CHI_OK;
  if (work->replicates[model] == NULL)
    CHI_TRY(chi_alloc(d->boot->n_replicates * d->n_times, sizeof(float), "replicates",
                      &work->replicates[model]));
  const int64_t row = d->row[model * d->n_sites + work->site];
  CHI_TRY(chi_bootstrap_read_replicates(work->file, d->table, row, work->site,
                                        work->replicates[model]));
  work->fresh[model] = true;
  return CHI_OK;
}

/* Standard deviation of n numbers, n - 1 in the denominator. */
static double deviation(const double *x, int64_t n)
{
  double mean = 0, sum = 0;
  if (n < 2) return NAN;
  for (int64_t i = 0; i < n; i++) mean += x[i];
  mean /= (double)n;
  for (int64_t i = 0; i < n; i++) sum += (x[i] - mean) * (x[i] - mean);
  return sqrt(sum / (double)(n - 1));
}

/* The spread of the difference over the replicates; NaN if too many are missing. */
static double spread(const chi_sites_work *work, int32_t better, int32_t than)
{
  const int64_t n = work->data->boot->n_replicates, n_times = work->data->n_times;
  int64_t found = 0;
  for (int64_t r = 0; r < n; r++) {
    const float *x = work->replicates[better] + r * n_times;
    const float *y = work->replicates[than] + r * n_times;
    const double d =
        mean_over(work->in_union, x, y, n_times) - mean_over(work->in_union, y, x, n_times);
    if (isfinite(d)) work->difference[found++] = d;
  }
  if ((double)(n - found) > most_missing * (double)n) return NAN;
  return deviation(work->difference, found);
}

/* Leave in the union only the bins where both models' plain fit has a test r. */
static void narrow(const chi_sites_work *work, const float *better, const float *than)
{
  for (int64_t b = 0; b < work->data->n_times; b++)
    work->in_union[b] = work->in_union[b] && isfinite(better[b]) && isfinite(than[b]);
}

chi_status chi_sites_test_events(chi_sites_work *work, const chi_sites_pair *pair,
                                 chi_sites_row *row)
{
  const chi_sites_data *d = work->data;
  chi_sites_mark_union(work, pair, row);
  const int32_t better = row->bins > 0 ? best_model(work, &pair->better) : -1;
  const int32_t than = row->bins > 0 ? best_model(work, &pair->than) : -1;
  chi_sites_name_models(work, pair, better, than, row);
  const float *x = better < 0 ? NULL : d->test_r + chi_sites_at(d, better, work->site);
  const float *y = than < 0 ? NULL : d->test_r + chi_sites_at(d, than, work->site);
  if (x != NULL && y != NULL) narrow(work, x, y);
  if (x != NULL) row->r_better = mean_over(work->in_union, x, NULL, d->n_times);
  if (y != NULL) row->r_than = mean_over(work->in_union, y, NULL, d->n_times);
  row->difference = row->r_better - row->r_than;
  if (!isfinite(row->difference)) return CHI_OK;
  CHI_TRY(load(work, better));
  CHI_TRY(load(work, than));
  row->se = spread(work, better, than);
  if (isfinite(row->se) && row->se > 0)
    row->p = 0.5 * erfc(row->difference / (row->se * sqrt(2.0)));
  return CHI_OK;
}
