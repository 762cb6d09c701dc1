#include "plan/spread.h"

#include <string.h>

#include "base/memory.h"

/* The layers that a subject has among the spaces [first, end) of one model.
 * \param[out] has  their spaces, in order of depth */
static int64_t layers_of(const chi_alignment *a, int32_t subject, int64_t first, int64_t end,
                         int64_t *has)
{
  int64_t n = 0;
  for (int64_t f = first; f < end; f++)
    if (a->space[f].n_features[subject] > 0) has[n++] = f;
  return n;
}

/* One row: the spaces [first, end). */
static void fill_row(const chi_study *study, const chi_alignment *a, chi_layer_selection selection,
                     int64_t first, int64_t end, int64_t *has, chi_bootstrap_rows *rows)
{
  const int64_t row = rows->n_rows++;
  rows->label[row] = first;
  int64_t *space = rows->space + row * a->n_sites;
  for (int32_t i = 0; i < a->n_datasets; i++) {
    const chi_dataset *d = &study->datasets[a->dataset[i]];
    const int64_t n = layers_of(a, i, first, end, has);
    for (int64_t e = 0; e < d->n_electrodes; e++)
      space[d->first_site + e] = n == 0                          ? -1
                                 : selection == CHI_LAYERS_FINAL ? has[n - 1]
                                                                 : has[e % n];
  }
}

static chi_status spread(const chi_study *study, const chi_alignment *a,
                         chi_layer_selection selection, chi_bootstrap_rows *rows)
{
  int64_t n_rows = 0, *has = NULL;
  for (int64_t f = 0; f < a->n_spaces; f++)
    n_rows += selection == CHI_LAYERS_ALL || f == 0 ||
              strcmp(a->space[f].model, a->space[f - 1].model) != 0;
  CHI_TRY(chi_alloc(n_rows, sizeof *rows->label, "models", &rows->label));
  CHI_TRY(chi_alloc(n_rows * a->n_sites, sizeof *rows->space, "layers", &rows->space));
  CHI_TRY(chi_alloc(a->n_spaces, sizeof *has, "layers", &has));
  for (int64_t first = 0, end; first < a->n_spaces; first = end) {
    end = first + 1;
    while (selection != CHI_LAYERS_ALL && end < a->n_spaces &&
           strcmp(a->space[end].model, a->space[first].model) == 0)
      end++;
    fill_row(study, a, selection, first, end, has, rows);
  }
  chi_free(has);
  return CHI_OK;
}

chi_status chi_spread_layers(const chi_study *study, chi_layer_selection selection,
                             chi_bootstrap_rows **rows)
{
  CHI_TRY(chi_alloc(study->n_alignments, sizeof **rows, "rows", rows));
  chi_status s = CHI_OK;
  for (int32_t a = 0; a < study->n_alignments && s == CHI_OK; a++)
    s = spread(study, &study->alignments[a], selection, &(*rows)[a]);
  if (s != CHI_OK) chi_choose_free(study, rows);
  return s;
}
