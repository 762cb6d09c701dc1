/* The group of one alignment in fit.h5: its labels, and the empty tables of scores. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "h5/labelled.h"
#include "run/fit_file.h"

enum { SPACE, SITE, TIME, SUBJECT }; /* dimensions, in the order in which they are added */

/* <model>/<layer>, one after the other in `pool`, and pointers to them. */
static chi_status make_names(const chi_alignment *al, chi_text *pool, const char **name)
{
  for (int64_t f = 0; f < al->n_spaces; f++)
    chi_text_add(pool, "%s/%s%c", al->space[f].model, al->space[f].layer, '\0');
  if (pool->failed) return chi_fail(CHI_ERR_MEMORY, "no memory for the names of feature spaces");
  const char *at = pool->s;
  for (int64_t f = 0; f < al->n_spaces; f++) {
    name[f] = at;
    at += strlen(at) + 1;
  }
  return CHI_OK;
}

static chi_status put_columns(chi_labelled *l, int dim, const chi_alignment *al,
                              const char **column)
{
  static const struct {
    const char *name;
    size_t offset;
  } columns[] = {{"model", offsetof(chi_feature_space, model)},
                 {"network", offsetof(chi_feature_space, network)},
                 {"modality", offsetof(chi_feature_space, modality)},
                 {"training", offsetof(chi_feature_space, training)},
                 {"layer", offsetof(chi_feature_space, layer)}};
  for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
    for (int64_t f = 0; f < al->n_spaces; f++)
      memcpy(&column[f], (const char *)&al->space[f] + columns[c].offset, sizeof(char *));
    CHI_TRY(chi_labelled_put_text(l, columns[c].name, 1, &dim, column));
  }
  return CHI_OK;
}

static chi_status put_space_labels(chi_labelled *l, int dim, const chi_alignment *al)
{
  chi_text pool = {0};
  const char **column = NULL;
  int32_t *depth = NULL;
  chi_status s = chi_alloc(al->n_spaces, sizeof *column, "labels", &column);
  if (s == CHI_OK) s = chi_alloc(al->n_spaces, sizeof *depth, "depths", &depth);
  if (s == CHI_OK) s = make_names(al, &pool, column);
  if (s == CHI_OK) s = chi_labelled_put_scale(l, dim, l->text, l->text, column);
  if (s == CHI_OK) s = put_columns(l, dim, al, column);
  for (int64_t f = 0; f < al->n_spaces && s == CHI_OK; f++) depth[f] = al->space[f].depth;
  if (s == CHI_OK)
    s = chi_labelled_put(l, "depth", H5T_STD_I32LE, H5T_NATIVE_INT32, 1, &dim, depth);
  chi_text_free(&pool);
  chi_free(column);
  chi_free(depth);
  return s;
}

static chi_status put_features(chi_labelled *l, const int dims[2], const chi_alignment *al)
{
  int32_t *values = NULL;
  CHI_TRY(chi_labelled_put_count(l, dims[1]));
  CHI_TRY(chi_alloc(al->n_spaces * al->n_datasets, sizeof *values, "sizes", &values));
  for (int64_t f = 0; f < al->n_spaces; f++)
    for (int32_t d = 0; d < al->n_datasets; d++)
      values[f * al->n_datasets + d] = (int32_t)al->space[f].n_features[d];
  const chi_status s =
      chi_labelled_put(l, "n_features", H5T_STD_I32LE, H5T_NATIVE_INT32, 2, dims, values);
  chi_free(values);
  return s;
}

chi_status chi_fit_file_tables(chi_labelled *l)
{
  static const char *const scores[] = {"val_r", "test_r", "alpha"};
  const int dims[] = {SPACE, SITE, TIME};
  const float nan = NAN;
  const uint8_t not_yet = CHI_DONE_NOT_YET;
  const uint64_t none = 0;
  CHI_TRY(chi_labelled_make(l, "checksum", H5T_STD_U64LE, 2, dims, H5T_NATIVE_UINT64, &none));
  CHI_TRY(chi_labelled_make(l, "done", H5T_STD_U8LE, 2, dims, H5T_NATIVE_UINT8, &not_yet));
  for (int i = 0; i < 3; i++)
    CHI_TRY(chi_labelled_make(l, scores[i], H5T_IEEE_F32LE, 3, dims, H5T_NATIVE_FLOAT, &nan));
  return CHI_OK;
}

chi_status chi_fit_file_labels(hid_t file, const chi_study *study, const chi_alignment *al,
                               chi_labelled *l)
{
  CHI_TRY(chi_labelled_begin(file, al->name, l));
  chi_labelled_dim(l, "feature_space", al->n_spaces);
  chi_labelled_dim(l, "site", al->n_sites);
  chi_labelled_dim(l, "time", al->n_times);
  chi_labelled_dim(l, "subject_index", al->n_datasets);
  CHI_TRY(put_space_labels(l, SPACE, al));
  CHI_TRY(chi_labelled_put_sites(l, SITE, study, al));
  CHI_TRY(chi_labelled_put_scale(l, TIME, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, al->time));
  CHI_TRY(chi_labelled_attribute(l, "time", "units", "s"));
  return put_features(l, (const int[]){SPACE, SUBJECT}, al);
}
