/* The labels of an alignment's sites, in every file of a run that has sites. */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "h5/labelled.h"

int64_t chi_labelled_text_bytes(const char *text) { return 2 * (int64_t)strlen(text) + 64; }

int64_t chi_labelled_site_bytes(const chi_study *study, const chi_alignment *al)
{
  int64_t bytes = 1 << 15;
  for (int32_t d = 0; d < al->n_datasets; d++) {
    const chi_dataset *set = &study->datasets[al->dataset[d]];
    for (int64_t e = 0; e < set->n_electrodes; e++)
      bytes +=
          2 * (chi_labelled_text_bytes(set->subject) + chi_labelled_text_bytes(set->electrode[e])) +
          chi_labelled_text_bytes(set->region[e]);
  }
  return bytes;
}

/* <subject>/<electrode>, one after the other in `pool`, and pointers to them. */
static chi_status make_names(const chi_study *study, const chi_alignment *al, chi_text *pool,
                             const char **name)
{
  for (int32_t d = 0; d < al->n_datasets; d++) {
    const chi_dataset *set = &study->datasets[al->dataset[d]];
    for (int64_t e = 0; e < set->n_electrodes; e++)
      chi_text_add(pool, "%s/%s%c", set->subject, set->electrode[e], '\0');
  }
  if (pool->failed) return chi_fail(CHI_ERR_MEMORY, "no memory for the names of the sites");
  const char *at = pool->s;
  for (int64_t i = 0; i < al->n_sites; i++) {
    name[i] = at;
    at += strlen(at) + 1;
  }
  return CHI_OK;
}

static chi_status put_names(chi_labelled *l, int dim, const chi_study *study,
                            const chi_alignment *al)
{
  static const char *const names[] = {"subject", "electrode", "region"};
  chi_text pool = {0};
  const char **column;
  CHI_TRY(chi_alloc(al->n_sites, sizeof *column, "labels", &column));
  chi_status s = make_names(study, al, &pool, column);
  if (s == CHI_OK) s = chi_labelled_put_scale(l, dim, l->text, l->text, column);
  chi_text_free(&pool);
  for (int c = 0; c < 3 && s == CHI_OK; c++) {
    const char **at = column;
    for (int32_t d = 0; d < al->n_datasets; d++) {
      const chi_dataset *set = &study->datasets[al->dataset[d]];
      for (int64_t e = 0; e < set->n_electrodes; e++)
        *at++ = c == 0 ? set->subject : c == 1 ? set->electrode[e] : set->region[e];
    }
    s = chi_labelled_put_text(l, names[c], 1, &dim, column);
  }
  chi_free(column);
  return s;
}

/* The space that the subjects' coordinates are in. "mixed": not one; NULL: no file says. */
static const char *common_space(const chi_study *study, const chi_alignment *al)
{
  const char *space = NULL;
  for (int32_t d = 0; d < al->n_datasets; d++) {
    const char *one = study->datasets[al->dataset[d]].space;
    if (one[0] == '\0') continue;
    if (space != NULL && strcmp(space, one) != 0) return "mixed";
    space = one;
  }
  return space;
}

static chi_status put_coordinates(chi_labelled *l, int dim, const chi_study *study,
                                  const chi_alignment *al)
{
  static const char *const names[] = {"x", "y", "z"};
  const char *space = common_space(study, al);
  float *values = NULL;
  CHI_TRY(chi_alloc(al->n_sites, sizeof *values, "coordinates", &values));
  chi_status s = CHI_OK;
  for (int c = 0; c < 3 && s == CHI_OK; c++) {
    float *at = values;
    for (int32_t d = 0; d < al->n_datasets; d++) {
      const chi_dataset *set = &study->datasets[al->dataset[d]];
      memcpy(at,
             c == 0   ? set->x
             : c == 1 ? set->y
                      : set->z,
             (size_t)set->n_electrodes * sizeof *at);
      at += set->n_electrodes;
    }
    s = chi_labelled_put(l, names[c], H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 1, &dim, values);
    if (s == CHI_OK) s = chi_labelled_attribute(l, names[c], "units", "mm");
    if (s == CHI_OK && space != NULL) s = chi_labelled_attribute(l, names[c], "space", space);
  }
  chi_free(values);
  return s;
}

chi_status chi_labelled_put_sites(chi_labelled *l, int dim, const chi_study *study,
                                  const chi_alignment *al)
{
  CHI_TRY(put_names(l, dim, study, al));
  return put_coordinates(l, dim, study, al);
}
