#include "stage/picked_units.h"

#include "base/memory.h"

chi_status chi_chosen_pick(const chi_study *study, const chi_chosen *rows, chi_picked **picked)
{
  CHI_TRY(chi_alloc(chi_layer_count(study), sizeof **picked, "layers", picked));
  for (int32_t i = 0; i < study->n_datasets; i++) {
    const chi_dataset *d = &study->datasets[i];
    const chi_chosen *of = &rows[d->alignment];
    const int64_t n_sites = study->alignments[d->alignment].n_sites;
    for (int64_t row = 0; row < of->n_rows; row++)
      for (int64_t e = 0; e < d->n_electrodes; e++) {
        const int64_t space = of->space[row * n_sites + d->first_site + e];
        if (space < 0) continue;
        chi_picked *p = &(*picked)[chi_layer_of(study, i, space).number];
        CHI_TRY(chi_grow(&p->electrode, &p->room, p->n + 1, sizeof *p->electrode, "electrodes"));
        p->electrode[p->n++] = e;
        p->row = row;
      }
  }
  return CHI_OK;
}

void chi_chosen_unpick(const chi_study *study, chi_picked **picked)
{
  for (int64_t l = 0; *picked != NULL && l < chi_layer_count(study); l++)
    chi_free((*picked)[l].electrode);
  chi_free(*picked);
  *picked = NULL;
}

static bool has_work(const chi_study *study, const chi_stage_unit *unit, const chi_picked *picked,
                     const uint8_t *done, int64_t block, int64_t n_blocks)
{
  if (done == NULL) return true;
  const int64_t n_sites = study->alignments[unit->layer.alignment].n_sites;
  const int64_t site0 = study->datasets[unit->layer.dataset].first_site;
  for (int64_t i = 0; i < picked->n; i++) {
    const int64_t site = picked->row * n_sites + site0 + picked->electrode[i];
    if (done[site * n_blocks + block] != CHI_DONE_WRITTEN) return true;
  }
  return false;
}

int64_t chi_bootstrap_distinct(int64_t n) { return (int64_t)(0.63 * (double)n); }

/* What a unit of the bootstrap costs. */
static double cost_of_replicates(const void *encode, const chi_study *study,
                                 const chi_stage_unit *unit, int64_t n_electrodes)
{
  const int64_t n_times = study->alignments[unit->layer.alignment].n_times;
  const int64_t rows = chi_bootstrap_distinct(study->datasets[unit->layer.dataset].n_events);
  const chi_encode_plan cost =
      chi_encode_make_plan(encode, rows, unit->layer.n_features, n_electrodes, n_times);
  return (double)(unit->end - unit->begin) *
         (cost.flops_shared + cost.flops_target * (double)(n_electrodes * n_times));
}

chi_status chi_picked_units(const chi_study *study, const chi_picked *picked,
                            const uint8_t *const *done, const chi_picked_work *work,
                            chi_unit_list *list)
{
  const int64_t n_blocks = (work->n + work->block - 1) / work->block;
  int64_t n_layers = 0;
  for (int64_t l = 0; l < chi_layer_count(study); l++) n_layers += picked[l].n > 0;
  CHI_TRY(chi_unit_list_create(study, n_layers * n_blocks, list));
  for (int32_t i = 0; i < study->n_datasets; i++) {
    const int32_t a = study->datasets[i].alignment;
    for (int64_t f = 0; f < study->alignments[a].n_spaces; f++) {
      const chi_layer layer = chi_layer_of(study, i, f);
      const chi_picked *p = &picked[layer.number];
      for (int64_t k = 0; k < n_blocks && p->n > 0; k++) {
        const int64_t begin = k * work->block, left = work->n - begin;
        const chi_stage_unit unit = {.layer = layer,
                                     .begin = begin,
                                     .end = begin + (left < work->block ? left : work->block)};
        if (has_work(study, &unit, p, done == NULL ? NULL : done[a], k, n_blocks))
          chi_unit_list_add(list, &unit, work->cost(work->context, study, &unit, p->n),
                            (unit.end - begin) * p->n * study->alignments[a].n_times);
      }
    }
  }
  return CHI_OK;
}

chi_status chi_bootstrap_units(const chi_study *study, const chi_encode_options *encode,
                               int64_t n_replicates, const chi_picked *picked,
                               const uint8_t *const *done, chi_unit_list *list)
{
  const chi_picked_work work = {n_replicates, CHI_REPLICATE_BLOCK, cost_of_replicates, encode};
  return chi_picked_units(study, picked, done, &work, list);
}

/* What a unit of an influence pass costs. */
typedef struct influence_context {
  const chi_encode_options *encode;
  chi_residual residual;
  const int32_t *blocks;
} influence_context;

static double cost_of_influence(const void *context, const chi_study *study,
                                const chi_stage_unit *unit, int64_t n_electrodes)
{
  const influence_context *c = context;
  const int32_t d = unit->layer.dataset;
  const int64_t n_times = study->alignments[unit->layer.alignment].n_times;
  const chi_encode_plan cost =
      chi_influence_make_plan(c->encode, c->residual, study->datasets[d].n_events, c->blocks[d],
                              unit->layer.n_features, n_electrodes, n_times);
  return cost.flops_shared + cost.flops_target * (double)(n_electrodes * n_times);
}

chi_status chi_influence_units(const chi_study *study, const chi_encode_options *encode,
                               chi_residual residual, const int32_t *blocks,
                               const chi_picked *picked, const uint8_t *const *done,
                               chi_unit_list *list)
{
  const influence_context context = {encode, residual, blocks};
  const chi_picked_work work = {1, 1, cost_of_influence, &context};
  return chi_picked_units(study, picked, done, &work, list);
}
