/* The group of one alignment in fit.h5: its labels, as xarray and netCDF-4 tools want them, and the
 * empty tables of scores. */
#include <hdf5_hl.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "run/fit_file.h"

enum { DIM_SPACE, DIM_SITE, DIM_TIME, DIM_SUBJECT, N_DIMS };
static const char *const dim_names[N_DIMS] = {"feature_space", "site", "time", "subject_index"};

/* What the functions here share. */
typedef struct chi_group {
  hid_t group, creation, text; /* text: variable-length UTF-8 */
  hid_t scale[N_DIMS];
  hsize_t length[N_DIMS];
  const char **column; /* room for the labels of the longer of spaces and sites */
} chi_group;

/* Every failure of HDF5 here is told as one line by the caller, who knows the file. */
static chi_status io(herr_t result) { return result < 0 ? CHI_ERR_IO : CHI_OK; }

/* A dataset over some dimensions with their scales attached; `fill` NULL: to be written at once. */
static chi_status make(chi_group *g, const char *name, hid_t type, int rank, const int *dims,
                       hid_t fill_type, const void *fill, hid_t *out)
{
  hsize_t length[3];
  for (int d = 0; d < rank; d++) length[d] = g->length[dims[d]];
  const hid_t space = H5Screate_simple(rank, length, NULL), creation = H5Pcopy(g->creation);
  herr_t failed = 0;
  if (fill != NULL) {
    H5Pset_layout(creation, H5D_CONTIGUOUS);
    H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(creation, H5D_FILL_TIME_ALLOC);
    failed = H5Pset_fill_value(creation, fill_type, fill);
  }
  *out =
      failed < 0 ? -1 : H5Dcreate2(g->group, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  H5Pclose(creation);
  H5Sclose(space);
  CHI_TRY(io(*out < 0 ? -1 : 0));
  for (int d = 0; d < rank && failed >= 0; d++)
    if (g->scale[dims[d]] >= 0) failed = H5DSattach_scale(*out, g->scale[dims[d]], (unsigned)d);
  return io(failed);
}

static chi_status put(chi_group *g, const char *name, hid_t file_type, hid_t memory_type, int rank,
                      const int *dims, const void *data)
{
  hid_t dataset = -1;
  chi_status s = make(g, name, file_type, rank, dims, -1, NULL, &dataset);
  if (s == CHI_OK) s = io(H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data));
  if (dataset >= 0 && H5Dclose(dataset) < 0 && s == CHI_OK) s = CHI_ERR_IO;
  return s;
}

static chi_status put_column(chi_group *g, const char *name, int dim)
{
  return put(g, name, g->text, g->text, 1, &dim, g->column);
}

/* A dimension's own labels: the dataset that bears its name, made before any other along it. */
static chi_status put_scale(chi_group *g, int dim, hid_t file_type, hid_t memory_type,
                            const void *data)
{
  CHI_TRY(put(g, dim_names[dim], file_type, memory_type, 1, &dim, data));
  g->scale[dim] = H5Dopen2(g->group, dim_names[dim], H5P_DEFAULT);
  if (g->scale[dim] < 0) return CHI_ERR_IO;
  return io(H5DSset_scale(g->scale[dim], dim_names[dim]));
}

static chi_status put_text_attribute(hid_t group, const char *dataset, const char *name,
                                     const char *value)
{
  const hid_t object = H5Dopen2(group, dataset, H5P_DEFAULT);
  if (object < 0) return CHI_ERR_IO;
  const herr_t failed = chi_fit_file_attribute(object, name, value);
  return io(H5Dclose(object) < 0 ? -1 : failed);
}

/* Names made of two parts, one after the other in `pool`, as pointers in g->column. */
static chi_status point_into(chi_group *g, const chi_text *pool, int64_t n)
{
  if (pool->failed) return chi_fail(CHI_ERR_MEMORY, "fit.h5: no memory for its labels");
  const char *at = pool->s;
  for (int64_t i = 0; i < n; i++) {
    g->column[i] = at;
    at += strlen(at) + 1;
  }
  return CHI_OK;
}

static chi_status put_space_labels(chi_group *g, const chi_alignment *al)
{
  static const struct {
    const char *name;
    size_t offset;
  } columns[] = {{"model", offsetof(chi_feature_space, model)},
                 {"network", offsetof(chi_feature_space, network)},
                 {"modality", offsetof(chi_feature_space, modality)},
                 {"training", offsetof(chi_feature_space, training)},
                 {"layer", offsetof(chi_feature_space, layer)}};
  chi_text pool = {0};
  for (int64_t f = 0; f < al->n_spaces; f++)
    chi_text_add(&pool, "%s/%s%c", al->space[f].model, al->space[f].layer, '\0');
  chi_status s = point_into(g, &pool, al->n_spaces);
  if (s == CHI_OK) s = put_scale(g, DIM_SPACE, g->text, g->text, g->column);
  chi_text_free(&pool);
  for (size_t c = 0; c < sizeof columns / sizeof *columns && s == CHI_OK; c++) {
    for (int64_t f = 0; f < al->n_spaces; f++)
      memcpy(&g->column[f], (const char *)&al->space[f] + columns[c].offset, sizeof(char *));
    s = put_column(g, columns[c].name, DIM_SPACE);
  }
  int32_t *depth = NULL;
  if (s == CHI_OK) s = chi_alloc(al->n_spaces, sizeof *depth, "depths", &depth);
  for (int64_t f = 0; f < al->n_spaces && s == CHI_OK; f++) depth[f] = al->space[f].depth;
  const int dim = DIM_SPACE;
  if (s == CHI_OK) s = put(g, "depth", H5T_STD_I32LE, H5T_NATIVE_INT32, 1, &dim, depth);
  chi_free(depth);
  return s;
}

/* The names of the sites: <subject>/<electrode>, and its parts. */
static chi_status put_site_labels(chi_group *g, const chi_study *study, const chi_alignment *al)
{
  chi_text pool = {0};
  for (int32_t d = 0; d < al->n_datasets; d++) {
    const chi_dataset *set = &study->datasets[al->dataset[d]];
    for (int64_t e = 0; e < set->n_electrodes; e++)
      chi_text_add(&pool, "%s/%s%c", set->subject, set->electrode[e], '\0');
  }
  chi_status s = point_into(g, &pool, al->n_sites);
  if (s == CHI_OK) s = put_scale(g, DIM_SITE, g->text, g->text, g->column);
  chi_text_free(&pool);
  static const char *const names[] = {"subject", "electrode", "region"};
  for (int c = 0; c < 3 && s == CHI_OK; c++) {
    const char **at = g->column;
    for (int32_t d = 0; d < al->n_datasets; d++) {
      const chi_dataset *set = &study->datasets[al->dataset[d]];
      for (int64_t e = 0; e < set->n_electrodes; e++)
        *at++ = c == 0 ? set->subject : c == 1 ? set->electrode[e] : set->region[e];
    }
    s = put_column(g, names[c], DIM_SITE);
  }
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

static chi_status put_coordinates(chi_group *g, const chi_study *study, const chi_alignment *al)
{
  static const char *const names[] = {"x", "y", "z"};
  const char *space = common_space(study, al);
  const int dim = DIM_SITE;
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
    s = put(g, names[c], H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 1, &dim, values);
    if (s == CHI_OK) s = put_text_attribute(g->group, names[c], "units", "mm");
    if (s == CHI_OK && space != NULL) s = put_text_attribute(g->group, names[c], "space", space);
  }
  chi_free(values);
  return s;
}

static chi_status put_features(chi_group *g, const chi_alignment *al)
{
  int32_t *values = NULL;
  CHI_TRY(chi_alloc((al->n_spaces + 1) * al->n_datasets, sizeof *values, "sizes", &values));
  for (int32_t d = 0; d < al->n_datasets; d++) values[d] = d;
  chi_status s = put_scale(g, DIM_SUBJECT, H5T_STD_I32LE, H5T_NATIVE_INT32, values);
  for (int64_t f = 0; f < al->n_spaces; f++)
    for (int32_t d = 0; d < al->n_datasets; d++)
      values[f * al->n_datasets + d] = (int32_t)al->space[f].n_features[d];
  const int dims[] = {DIM_SPACE, DIM_SUBJECT};
  if (s == CHI_OK) s = put(g, "n_features", H5T_STD_I32LE, H5T_NATIVE_INT32, 2, dims, values);
  chi_free(values);
  return s;
}

static chi_status make_scores(chi_group *g)
{
  const float nan = NAN;
  const uint8_t not_yet = CHI_DONE_NOT_YET;
  const uint64_t none = 0;
  const struct {
    const char *name;
    hid_t type, memory_type;
    int rank;
    const void *fill;
  } tables[] = {{"val_r", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 3, &nan},
                {"test_r", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 3, &nan},
                {"alpha", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 3, &nan},
                {"checksum", H5T_STD_U64LE, H5T_NATIVE_UINT64, 2, &none},
                {"done", H5T_STD_U8LE, H5T_NATIVE_UINT8, 2, &not_yet}};
  static const int dims[] = {DIM_SPACE, DIM_SITE, DIM_TIME};
  chi_status s = CHI_OK;
  for (size_t t = 0; t < sizeof tables / sizeof *tables && s == CHI_OK; t++) {
    hid_t dataset = -1;
    s = make(g, tables[t].name, tables[t].type, tables[t].rank, dims, tables[t].memory_type,
             tables[t].fill, &dataset);
    if (dataset >= 0 && H5Dclose(dataset) < 0 && s == CHI_OK) s = CHI_ERR_IO;
  }
  return s;
}

chi_status chi_fit_file_alignment(hid_t file, const chi_study *study, const chi_alignment *al)
{
  chi_group g = {.scale = {-1, -1, -1, -1}};
  const int64_t length[N_DIMS] = {al->n_spaces, al->n_sites, al->n_times, al->n_datasets};
  for (int d = 0; d < N_DIMS; d++) g.length[d] = (hsize_t)length[d];
  const int64_t longest = al->n_spaces > al->n_sites ? al->n_spaces : al->n_sites;
  CHI_TRY(chi_alloc(longest, sizeof *g.column, "labels", &g.column));
  g.text = H5Tcopy(H5T_C_S1);
  H5Tset_size(g.text, H5T_VARIABLE);
  H5Tset_cset(g.text, H5T_CSET_UTF8);
  g.creation = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_obj_track_times(g.creation, false);
  g.group = H5Gcreate2(file, al->name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  chi_status s = io(g.group < 0 ? -1 : 0);
  if (s == CHI_OK) s = put_space_labels(&g, al);
  if (s == CHI_OK) s = put_site_labels(&g, study, al);
  if (s == CHI_OK) s = put_coordinates(&g, study, al);
  if (s == CHI_OK) s = put_scale(&g, DIM_TIME, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, al->time);
  if (s == CHI_OK) s = put_text_attribute(g.group, "time", "units", "s");
  if (s == CHI_OK) s = put_features(&g, al);
  if (s == CHI_OK) s = make_scores(&g);
  for (int d = 0; d < N_DIMS; d++)
    if (g.scale[d] >= 0 && H5Dclose(g.scale[d]) < 0 && s == CHI_OK) s = CHI_ERR_IO;
  if (g.group >= 0 && H5Gclose(g.group) < 0 && s == CHI_OK) s = CHI_ERR_IO;
  H5Pclose(g.creation);
  H5Tclose(g.text);
  chi_free(g.column);
  return s;
}
