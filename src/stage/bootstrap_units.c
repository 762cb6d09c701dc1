#include "stage/bootstrap_units.h"

#include "base/memory.h"
#include "study/layers.h"

/* Add the layers of one row and dataset. `count` has room for the alignment's spaces. */
static chi_status add_layers(const chi_study *study, const chi_bootstrap_rows *rows,
                             int32_t dataset, int64_t row, int64_t *count, chi_boot_plan *plan)
{
  const chi_dataset *d = &study->datasets[dataset];
  const chi_alignment *al = &study->alignments[d->alignment];
  const int64_t *space = rows->space + row * al->n_sites + d->first_site;
  for (int64_t f = 0; f < al->n_spaces; f++) count[f] = 0;
  for (int64_t e = 0; e < d->n_electrodes; e++)
    if (space[e] >= 0) count[space[e]]++;
  for (int64_t f = 0; f < al->n_spaces; f++) {
    if (count[f] == 0) continue;
    chi_boot_layer *l = &plan->layer[plan->n_layers++];
    *l = (chi_boot_layer){.alignment = d->alignment, .dataset = dataset, .row = row, .space = f};
    CHI_TRY(chi_alloc(count[f], sizeof *l->electrode, "electrodes", &l->electrode));
    for (int64_t e = 0; e < d->n_electrodes; e++)
      if (space[e] == f) l->electrode[l->n_electrodes++] = e;
    plan->electrodes[chi_layer_number(study, d->alignment, f, d->subject_index)] = count[f];
    if (count[f] * al->n_times > plan->most_targets) plan->most_targets = count[f] * al->n_times;
  }
  return CHI_OK;
}

chi_status chi_boot_plan_layers(const chi_study *study, const chi_bootstrap_rows *rows,
                                chi_boot_plan *plan)
{
  *plan = (chi_boot_plan){0};
  const int64_t most = chi_layer_count(study);
  int64_t most_spaces = 0, *count = NULL;
  for (int32_t a = 0; a < study->n_alignments; a++)
    if (study->alignments[a].n_spaces > most_spaces) most_spaces = study->alignments[a].n_spaces;
  chi_status s = chi_alloc(most_spaces, sizeof *count, "layers", &count);
  if (s == CHI_OK) s = chi_alloc(most, sizeof *plan->layer, "layers", &plan->layer);
  if (s == CHI_OK) s = chi_alloc(most, sizeof *plan->electrodes, "layers", &plan->electrodes);
  for (int32_t d = 0; d < study->n_datasets && s == CHI_OK; d++) {
    const chi_bootstrap_rows *of = &rows[study->datasets[d].alignment];
    for (int64_t row = 0; row < of->n_rows && s == CHI_OK; row++)
      s = add_layers(study, of, d, row, count, plan);
  }
  chi_free(count);
  return s;
}

static bool has_work(const chi_study *study, const chi_boot_layer *l, const uint8_t *done,
                     int64_t n_blocks, int64_t block)
{
  const chi_alignment *al = &study->alignments[l->alignment];
  const int64_t site0 = study->datasets[l->dataset].first_site;
  for (int64_t i = 0; i < l->n_electrodes; i++) {
    const int64_t site = l->row * al->n_sites + site0 + l->electrode[i];
    if (done[site * n_blocks + block] != CHI_DONE_WRITTEN) return true;
  }
  return false;
}

static void add_unit(const chi_study *study, const chi_encode_options *encode, int64_t layer,
                     int64_t block, int64_t replicates, chi_boot_plan *plan)
{
  const chi_boot_layer *l = &plan->layer[layer];
  const chi_dataset *d = &study->datasets[l->dataset];
  const chi_alignment *al = &study->alignments[l->alignment];
  const int64_t targets = l->n_electrodes * al->n_times;
  /* The distinct events of a replicate: 1 - 1/e of them. */
  const int64_t rows = (int64_t)(0.63 * (double)d->n_events);
  const chi_encode_plan cost = chi_encode_make_plan(
      encode, rows, al->space[l->space].n_features[d->subject_index], l->n_electrodes, al->n_times);
  plan->of[plan->n] = layer;
  plan->block[plan->n] = block;
  plan->unit[plan->n++] = (chi_unit){
      .group = l->dataset,
      .layer = (int32_t)layer,
      .cost = (double)replicates * (cost.flops_shared + cost.flops_target * (double)targets),
      .models = replicates * targets};
  plan->models += replicates * targets;
}

chi_status chi_boot_plan_units(const chi_study *study, const chi_encode_options *encode,
                               int64_t n_replicates, const uint8_t *const *done,
                               chi_boot_plan *plan)
{
  const int64_t n_blocks = (n_replicates + CHI_REPLICATE_BLOCK - 1) / CHI_REPLICATE_BLOCK;
  const int64_t most = plan->n_layers * n_blocks;
  if (plan->n_layers > INT32_MAX)
    return chi_fail(CHI_ERR_USAGE,
                    "%lld layers to bootstrap, %d are possible: choose some with --models",
                    (long long)plan->n_layers, INT32_MAX);
  CHI_TRY(chi_alloc(most, sizeof *plan->of, "units", &plan->of));
  CHI_TRY(chi_alloc(most, sizeof *plan->block, "units", &plan->block));
  CHI_TRY(chi_alloc(most, sizeof *plan->unit, "units", &plan->unit));
  for (int64_t l = 0; l < plan->n_layers; l++)
    for (int64_t k = 0; k < n_blocks; k++) {
      if (!has_work(study, &plan->layer[l], done[plan->layer[l].alignment], n_blocks, k)) continue;
      const int64_t left = n_replicates - k * CHI_REPLICATE_BLOCK;
      add_unit(study, encode, l, k, left < CHI_REPLICATE_BLOCK ? left : CHI_REPLICATE_BLOCK, plan);
    }
  return CHI_OK;
}

void chi_boot_plan_free(chi_boot_plan *plan)
{
  for (int64_t l = 0; plan->layer != NULL && l < plan->n_layers; l++)
    chi_free(plan->layer[l].electrode);
  chi_free(plan->layer);
  chi_free(plan->electrodes);
  chi_free(plan->of);
  chi_free(plan->block);
  chi_free(plan->unit);
  *plan = (chi_boot_plan){0};
}
