/* What the tests of one site share. */
#include <string.h>

#include "base/memory.h"
#include "sites/internal.h"

chi_status chi_sites_work_begin(chi_bootstrap_file *file, const chi_sites_data *data,
                                int64_t min_bins, chi_sites_work *work)
{
  *work = (chi_sites_work){.file = file, .data = data, .min_bins = min_bins};
  CHI_TRY(chi_alloc(data->n_times, sizeof *work->in_union, "bins", &work->in_union));
  CHI_TRY(chi_alloc(2 * data->n_models, sizeof *work->replicates, "replicates", &work->replicates));
  CHI_TRY(chi_alloc(2 * data->n_models, sizeof *work->fresh, "flags", &work->fresh));
  return chi_alloc(data->boot->n_replicates, sizeof *work->difference, "differences",
                   &work->difference);
}

void chi_sites_work_site(chi_sites_work *work, int64_t site)
{
  work->site = site;
  memset(work->fresh, 0, 2 * (size_t)work->data->n_models * sizeof *work->fresh);
}

void chi_sites_work_end(chi_sites_work *work)
{
  for (int32_t m = 0; work->replicates != NULL && m < 2 * work->data->n_models; m++)
    chi_free(work->replicates[m]);
  chi_free(work->replicates);
  chi_free(work->in_union);
  chi_free(work->fresh);
  chi_free(work->difference);
  *work = (chi_sites_work){0};
}

bool chi_sites_takes_part(const chi_sites_work *work, int32_t model)
{
  return work->data->n_kept[model * work->data->n_sites + work->site] >= work->min_bins;
}

static void add_kept(const chi_sites_work *work, const chi_sites_side *side)
{
  const chi_sites_data *d = work->data;
  for (int32_t i = 0; i < side->n; i++) {
    if (!chi_sites_takes_part(work, side->model[i])) continue;
    const float *low = d->val_low + chi_sites_at(d, side->model[i], work->site);
    for (int64_t b = 0; b < d->n_times; b++) work->in_union[b] = work->in_union[b] || low[b] > 0;
  }
}

void chi_sites_mark_union(const chi_sites_work *work, const chi_sites_pair *pair,
                          chi_sites_row *row)
{
  const int64_t n = work->data->n_times;
  memset(work->in_union, 0, (size_t)n * sizeof *work->in_union);
  row->bins = 0;
  add_kept(work, &pair->better);
  add_kept(work, &pair->than);
  for (int64_t b = 0; b < n; b++) row->bins += work->in_union[b];
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
                           int32_t than, chi_sites_row *row)
{
  row->model_better = better;
  row->model_than = than;
  name_one(work, &pair->better, better, &row->better, &row->layer_better, &row->bins_better);
  name_one(work, &pair->than, than, &row->than, &row->layer_than, &row->bins_than);
}
