/* The tests `events` and `influence`, and either `crossed`: the plain fit's difference against its
 * spread, over the replicates or by the influences. */
#include <math.h>
#include <string.h>

#include "base/statistics.h"
#include "sites/data.h"

static const double most_missing = 0.05; /* of the replicates */

/* Standard deviation of the finite ones of n numbers, n - 1 in the denominator; NaN if too many are
 * missing. \param[out] df  its degrees of freedom */
static double deviation(const double *x, int64_t n, double *df)
{
  double mean = 0, sum = 0;
  int64_t found = 0;
  for (int64_t i = 0; i < n; i++) {
    if (!isfinite(x[i])) continue;
    mean += x[i];
    found++;
  }
  *df = (double)(found - 1);
  if (found < 2 || (double)(n - found) > most_missing * (double)n) return NAN;
  mean /= (double)found;
  for (int64_t i = 0; i < n; i++)
    if (isfinite(x[i])) sum += (x[i] - mean) * (x[i] - mean);
  return sqrt(sum / (double)(found - 1));
}

/* The same by influences: not centred, since centring makes a sum of two halves too narrow. */
static double influence_deviation(const double *x, int64_t n, double *df)
{
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += x[i] * x[i];
  *df = (double)(n - 1);
  return n < CHI_FEW_BLOCKS ? NAN : sqrt(sum);
}

/* One difference: models chosen in one half of the events, compared in the other. */
typedef struct chosen {
  int32_t model[2]; /* -1: none */
  double r[2];      /* of the plain fit, over the union */
} chosen;

/* Choose the models by half 1 - half, and compare the plain fit's scores of `half` over the bins of
 * the union where both have one; the union is narrowed to these. */
static chosen compare(chi_sites_work *work, const chi_sites_pair *pair, int half)
{
  const chi_sites_data *d = work->data;
  const float *x[2];
  chosen c;
  for (int i = 0; i < 2; i++) {
    c.model[i] = chi_sites_best(work, &pair->side[i], 1 - half, work->in_union, &c.r[i]);
    x[i] = c.model[i] < 0 ? NULL : d->r[half] + chi_sites_at(d, c.model[i], work->site);
  }
  for (int64_t b = 0; x[0] != NULL && x[1] != NULL && b < d->n_times; b++)
    work->in_union[b] = work->in_union[b] && isfinite(x[0][b]) && isfinite(x[1][b]);
  for (int i = 0; i < 2; i++)
    if (x[i] != NULL) c.r[i] = chi_sites_mean(work->in_union, x[i], NULL, d->n_times);
  return c;
}

/* Add `weight` times the same difference of every draw to work->difference. */
static chi_status add_draws(chi_sites_work *work, const chosen *c, int half, double weight)
{
  const chi_sites_data *d = work->data;
  const float *better, *than;
  CHI_TRY(chi_sites_load(work, c->model[CHI_BETTER], half, &better));
  CHI_TRY(chi_sites_load(work, c->model[CHI_THAN], half, &than));
  for (int64_t r = 0; r < work->n_draws; r++) {
    const float *x = better + r * d->n_times, *y = than + r * d->n_times;
    work->difference[r] += weight * (chi_sites_mean(work->in_union, x, y, d->n_times) -
                                     chi_sites_mean(work->in_union, y, x, d->n_times));
  }
  return CHI_OK;
}

/* Whether the model that predicts better chose an edge of the alphas in most bins of the union. */
static bool is_at_edge(const chi_sites_work *work, const chosen *c)
{
  const chi_sites_data *d = work->data;
  const int32_t model = c->model[c->r[1] > c->r[0]];
  int64_t bins = 0, edges = 0;
  if (model < 0) return false;
  for (int64_t b = 0; b < d->n_times; b++) {
    if (!work->in_union[b]) continue;
    const float alpha = d->alpha[chi_sites_at(d, model, work->site) + b];
    bins++;
    edges += alpha == d->edge[0] || alpha == d->edge[1];
  }
  return 2 * edges > bins;
}

/* Whether the models' choice is to be part of the test. */
static bool chooses_anew(const chi_sites_work *work, const chi_sites_pair *pair)
{
  const chi_sites_selection selection = work->options->selection;
  if (work->draws->influences == NULL || work->n_draws < CHI_FEW_BLOCKS) return false;
  return selection == CHI_SELECTION_MULTIPLIER ||
         (selection == CHI_SELECTION_AUTO && pair->side[0].n != pair->side[1].n);
}

chi_status chi_sites_test_halves(chi_sites_work *work, const chi_sites_pair *pair,
                                 chi_sites_result *result)
{
  const chi_sites_test test = work->options->test;
  const bool crossed = test == CHI_SITES_CROSSED || test == CHI_SITES_INFLUENCE_CROSSED;
  const int first = crossed ? 0 : 1;
  const int64_t n = work->n_draws;
  const double weight = crossed ? 0.5 : 1;
  chi_sites_line *line = &result->line;
  double r[2] = {0, 0}, df;
  memset(work->difference, 0, (size_t)n * sizeof *work->difference);
  for (int half = 1; half >= first; half--) {
    chosen c = {{-1, -1}, {NAN, NAN}};
    const int32_t bins = chi_sites_mark_union(work, pair, 1 - half);
    if (bins > 0) c = compare(work, pair, half);
    if (half == 1) {
      line->bins = bins;
      memcpy(result->model, c.model, sizeof c.model);
      result->at_edge = is_at_edge(work, &c);
    }
    for (int i = 0; i < 2; i++) r[i] += weight * c.r[i];
    if (isfinite(r[0] - r[1])) CHI_TRY(add_draws(work, &c, half, weight));
  }
  memcpy(line->r, r, sizeof r);
  result->few_blocks = work->draws->influences != NULL && n < CHI_SCARCE_BLOCKS;
  line->difference = r[CHI_BETTER] - r[CHI_THAN];
  if (!isfinite(line->difference)) return CHI_OK;
  line->se = work->draws->influences != NULL ? influence_deviation(work->difference, n, &df)
                                             : deviation(work->difference, n, &df);
  if (!isfinite(line->se) || !(line->se > 0)) return CHI_OK;
  if (chooses_anew(work, pair))
    return chi_sites_multiplier_p(work, pair, line->difference, &line->p);
  line->p = chi_student_tail(line->difference / line->se, df);
  return CHI_OK;
}
