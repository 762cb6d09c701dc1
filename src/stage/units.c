#include "stage/units.h"

#include "base/memory.h"
#include "study/layers.h"

chi_status chi_unit_list_create(const chi_study *study, int64_t n, chi_unit_list *list)
{
  *list = (chi_unit_list){.room = n};
  if (chi_layer_count(study) > INT32_MAX)
    return chi_fail(CHI_ERR_USAGE,
                    "the study has %lld layers, chiasm can fit %d in one run: choose some with "
                    "--models or --layers",
                    (long long)chi_layer_count(study), INT32_MAX);
  CHI_TRY(chi_alloc(n, sizeof *list->what, "units", &list->what));
  return chi_alloc(n, sizeof *list->unit, "units", &list->unit);
}

void chi_unit_list_free(chi_unit_list *list)
{
  chi_free(list->what);
  chi_free(list->unit);
  *list = (chi_unit_list){0};
}

void chi_unit_list_add(const chi_study *study, const chi_stage_unit *what, double cost,
                       int64_t models, chi_unit_list *list)
{
  const int32_t subject = study->datasets[what->dataset].subject_index;
  const int64_t layer = chi_layer_number(study, what->alignment, what->space, subject);
  list->what[list->n] = *what;
  list->unit[list->n++] =
      (chi_unit){.group = what->dataset, .layer = (int32_t)layer, .cost = cost, .models = models};
  list->models += models;
}

int64_t chi_unit_features(const chi_study *study, const chi_stage_unit *unit)
{
  const int32_t subject = study->datasets[unit->dataset].subject_index;
  return study->alignments[unit->alignment].space[unit->space].n_features[subject];
}
