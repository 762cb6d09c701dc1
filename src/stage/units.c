#include "stage/units.h"

#include "base/memory.h"

chi_status chi_unit_list_create(const chi_study *study, int64_t n, chi_unit_list *list)
{
  *list = (chi_unit_list){0};
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

void chi_unit_list_add(chi_unit_list *list, const chi_stage_unit *what, double cost, int64_t models)
{
  list->what[list->n] = *what;
  list->unit[list->n++] = (chi_unit){.group = what->layer.dataset,
                                     .layer = (int32_t)what->layer.number,
                                     .cost = cost,
                                     .models = models};
  list->models += models;
}
