/* What the tests of one site share. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "sites/data.h"

chi_status chi_sites_work_begin(chi_sites_draws *draws, const chi_sites_data *data,
                                const chi_sites_options *options, chi_sites_work *work)
{
  *work = (chi_sites_work){.draws = draws, .data = data, .options = options};
  CHI_TRY(chi_alloc(data->n_times, sizeof *work->in_union, "bins", &work->in_union));
  CHI_TRY(chi_alloc(data->n_times, sizeof *work->lower, "bins", &work->lower));
  CHI_TRY(chi_alloc(data->n_models, sizeof *work->of_model, "draws", &work->of_model));
  CHI_TRY(chi_alloc(data->n_models, sizeof *work->of, "draws", &work->of));
  return chi_alloc(data->draws->n_draws, sizeof *work->difference, "differences",
                   &work->difference);
}

void chi_sites_work_end(chi_sites_work *work)
{
  for (int32_t m = 0; work->of_model != NULL && m < work->data->n_models; m++)
    chi_free(work->of_model[m]);
  void *const all[] = {work->of_model,   work->in_union, work->of,
                       work->difference, work->lower,    work->weight};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) chi_free(all[i]);
  *work = (chi_sites_work){0};
}

chi_status chi_sites_load(chi_sites_work *work, int32_t model, int half, const float **out)
{
  const chi_sites_data *d = work->data;
  const int64_t n = d->draws->n_draws * d->n_times;
  float **of_model = &work->of_model[model];
  if (*of_model == NULL) CHI_TRY(chi_alloc(2 * n, sizeof(float), "draws", of_model));
  *out = *of_model + half * n;
  if (work->of[model] == work->site + 1) return CHI_OK;
  CHI_TRY(chi_sites_draws_read(work->draws, d->table, d->row[model * d->n_sites + work->site],
                               work->site, (float *const[]){*of_model, *of_model + n}));
  work->of[model] = work->site + 1;
  return CHI_OK;
}

/* The bins that a model keeps, by its influences. */
static chi_status keep_bins(chi_sites_work *work, int32_t model)
{
  const chi_sites_data *d = work->data;
  const int64_t at = chi_sites_at(d, model, work->site);
  const float *influence[2], *const r[2] = {d->r[0] + at, d->r[1] + at};
  int32_t *n_kept = &d->n_kept[model * d->n_sites + work->site];
  if (d->row[model * d->n_sites + work->site] < 0) return CHI_OK;
  for (int half = 0; half < 2; half++) CHI_TRY(chi_sites_load(work, model, half, &influence[half]));
  const bool sure = chi_influence_lower(work->n_draws, d->n_times, influence, r, 0.5,
                                        CHI_TAIL_TAKES_PART, work->lower);
  for (int64_t b = 0; b < d->n_times && sure; b++) *n_kept += work->lower[b] > 0;
  for (int half = 0; half < 2 && sure; half++) {
    chi_influence_lower(work->n_draws, d->n_times, influence, r, half, CHI_TAIL_COMPARED,
                        work->lower);
    for (int64_t b = 0; b < d->n_times; b++) d->kept[half][at + b] = work->lower[b] > 0;
  }
  return CHI_OK;
}

chi_status chi_sites_work_site(chi_sites_work *work, int64_t site)
{
  const chi_sites_data *d = work->data;
  work->site = site;
  if (site > 0) work->subject += strcmp(d->fit->subject[site], d->fit->subject[site - 1]) != 0;
  work->n_draws = d->draws->own == NULL ? d->draws->n_draws : d->draws->own[work->subject];
  for (int32_t m = 0; m < d->n_models && work->draws->influences != NULL; m++)
    CHI_TRY(keep_bins(work, m));
  return CHI_OK;
}

static bool takes_part(const chi_sites_work *work, int32_t model)
{
  return work->data->n_kept[model * work->data->n_sites + work->site] >= work->data->min_bins;
}

int32_t chi_sites_mark_union(const chi_sites_work *work, const chi_sites_pair *pair, int half)
{
  const chi_sites_data *d = work->data;
  int32_t n = 0;
  memset(work->in_union, 0, (size_t)d->n_times * sizeof *work->in_union);
  for (int i = 0; i < 2; i++)
    for (int32_t k = 0; k < pair->side[i].n; k++) {
      const int32_t model = pair->side[i].model[k];
      if (!takes_part(work, model)) continue;
      const bool *kept = d->kept[half] + chi_sites_at(d, model, work->site);
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
        chi_sites_mean(over == NULL ? d->kept[0] + at : over, d->mean[half] + at, NULL, d->n_times);
    if (isnan(mean) || mean <= *score) continue;
    *score = mean;
    best = side->model[i];
  }
  return best;
}

void chi_sites_name_models(const chi_sites_work *work, const chi_sites_pair *pair,
                           chi_sites_result *result)
{
  const chi_sites_data *d = work->data;
  for (int i = 0; i < 2; i++) {
    const chi_sites_side *side = &pair->side[i];
    int32_t model = result->model[i];
    if (model < 0 && side->n == 1) model = side->model[0];
    if (model < 0) continue;
    const int64_t at = model * d->n_sites + work->site;
    result->line.model[i] = d->model[model].name;
    result->line.layer[i] = d->space[at] < 0 ? "" : d->fit->layer[d->space[at]];
    result->line.bins_kept[i] = d->n_kept[at];
  }
}
