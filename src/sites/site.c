/* What the tests of one site share. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "sites/data.h"

chi_status chi_sites_work_begin(chi_bootstrap_file *file, const chi_sites_data *data,
                                int64_t min_bins, chi_sites_work *work)
{
  *work = (chi_sites_work){.file = file, .data = data, .min_bins = min_bins};
  CHI_TRY(chi_alloc(data->n_times, sizeof *work->in_union, "bins", &work->in_union));
  CHI_TRY(chi_alloc(2 * data->n_models, sizeof *work->replicates, "replicates", &work->replicates));
  CHI_TRY(chi_alloc(2 * data->n_models, sizeof *work->of, "replicates", &work->of));
  return chi_alloc(data->boot->n_replicates, sizeof *work->difference, "differences",
                   &work->difference);
}

void chi_sites_work_end(chi_sites_work *work)
{
  for (int32_t m = 0; work->replicates != NULL && m < 2 * work->data->n_models; m++)
    chi_free(work->replicates[m]);
  chi_free(work->replicates);
  chi_free(work->in_union);
  chi_free(work->of);
  chi_free(work->difference);
  *work = (chi_sites_work){0};
}

static bool takes_part(const chi_sites_work *work, int32_t model)
{
  return work->data->n_kept[model * work->data->n_sites + work->site] >= work->min_bins;
}

int32_t chi_sites_mark_union(const chi_sites_work *work, const chi_sites_pair *pair)
{
  const chi_sites_data *d = work->data;
  const chi_sites_side *const sides[] = {&pair->better, &pair->than};
  int32_t n = 0;
  memset(work->in_union, 0, (size_t)d->n_times * sizeof *work->in_union);
  for (int i = 0; i < 2; i++)
    for (int32_t k = 0; k < sides[i]->n; k++) {
      if (!takes_part(work, sides[i]->model[k])) continue;
      const bool *kept = d->kept + chi_sites_at(d, sides[i]->model[k], work->site);
      for (int64_t b = 0; b < d->n_times; b++) work->in_union[b] = work->in_union[b] || kept[b];
    }
  for (int64_t b = 0; b < d->n_times; b++) n += work->in_union[b];
  return n;
}

double chi_sites_mean(const bool *marked, const float *x, const float *also, int64_t n)
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

int32_t chi_sites_best(const chi_sites_work *work, const chi_sites_side *side, int half,
                       const bool *over, double *score)
{
  const chi_sites_data *d = work->data;
  int32_t best = -1;
  *score = NAN;
  for (int32_t i = 0; i < side->n; i++) {
    const int64_t at = chi_sites_at(d, side->model[i], work->site);
    if (over == NULL && !takes_part(work, side->model[i])) continue;
    const double mean =
        chi_sites_mean(over == NULL ? d->kept + at : over, d->mean[half] + at, NULL, d->n_times);
    if (isnan(mean) || mean <= *score) continue;
    *score = mean;
    best = side->model[i];
  }
  return best;
}

/* The model, its layer and its kept bins; of a side that is not represented and has one model,
 * that one. */
static void name_one(const chi_sites_work *work, const chi_sites_side *side, int32_t model,
                     const char **name, const char **layer, int32_t *bins)
{
  const chi_sites_data *d = work->data;
  const int32_t named = model >= 0 ? model : side->n == 1 ? side->model[0] : -1;
  if (named < 0) return;
  const int64_t at = named * d->n_sites + work->site;
  *name = d->model[named].name;
  *layer = d->space[at] < 0 ? "" : d->fit->layer[d->space[at]];
  *bins = d->n_kept[at];
}

void chi_sites_name_models(const chi_sites_work *work, const chi_sites_pair *pair, int32_t better,
                           int32_t than, chi_sites_result *result)
{
  chi_sites_line *line = &result->line;
  result->model_better = better;
  result->model_than = than;
  name_one(work, &pair->better, better, &line->better, &line->layer_better, &line->bins_better);
  name_one(work, &pair->than, than, &line->than, &line->layer_than, &line->bins_than);
}
