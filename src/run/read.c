/* Reading fit.h5, of a run that is finished or not. */
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "h5/h5.h"
#include "run/fit_file.h"
#include "run/folder.h"

static chi_status read_names(hid_t group, const char *where, const char *name, int64_t *n,
                             char ***out)
{
  int64_t found = 0;
  CHI_TRY(chi_h5_read_strings(group, where, name, &found, out));
  if (*n < 0) *n = found;
  if (found == *n) return CHI_OK;
  chi_h5_free_strings(out, found);
  return chi_fail(CHI_ERR_INPUT, "%s: %s has %lld labels, expected %lld", where, name,
                  (long long)found, (long long)*n);
}

static chi_status read_numbers(hid_t group, const char *where, const char *name, hid_t type,
                               int64_t n, void *out)
{
  int64_t found = 0;
  CHI_TRY(chi_h5_read_vector(group, where, name, type == H5T_NATIVE_INT32, type, &found, out));
  if (found == n) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: %s has %lld values, expected %lld", where, name,
                  (long long)found, (long long)n);
}

static chi_status read_labels(hid_t group, const char *where, chi_fit_table *t)
{
  t->n_spaces = t->n_sites = -1;
  CHI_TRY(read_names(group, where, "feature_space", &t->n_spaces, &t->space));
  CHI_TRY(read_names(group, where, "model", &t->n_spaces, &t->model));
  CHI_TRY(read_names(group, where, "network", &t->n_spaces, &t->network));
  CHI_TRY(read_names(group, where, "modality", &t->n_spaces, &t->modality));
  CHI_TRY(read_names(group, where, "training", &t->n_spaces, &t->training));
  CHI_TRY(read_names(group, where, "layer", &t->n_spaces, &t->layer));
  CHI_TRY(read_names(group, where, "site", &t->n_sites, &t->site));
  CHI_TRY(read_names(group, where, "subject", &t->n_sites, &t->subject));
  CHI_TRY(read_names(group, where, "electrode", &t->n_sites, &t->electrode));
  CHI_TRY(read_names(group, where, "region", &t->n_sites, &t->region));
  CHI_TRY(read_numbers(group, where, "depth", H5T_NATIVE_INT32, t->n_spaces, &t->depth));
  CHI_TRY(read_numbers(group, where, "x", H5T_NATIVE_FLOAT, t->n_sites, &t->x));
  CHI_TRY(read_numbers(group, where, "y", H5T_NATIVE_FLOAT, t->n_sites, &t->y));
  CHI_TRY(read_numbers(group, where, "z", H5T_NATIVE_FLOAT, t->n_sites, &t->z));
  return chi_h5_read_vector(group, where, "time", false, H5T_NATIVE_DOUBLE, &t->n_times, &t->time);
}

/* A table of fit.h5 must be what chi_fit_file_create makes: of one size, and allocated as a whole.
 */
static chi_status check_table(hid_t group, const char *where, const char *name, int rank,
                              const chi_fit_table *t)
{
  chi_h5_dataset set;
  chi_status s = chi_h5_open_dataset(group, where, "", name, &set);
  if (s == CHI_OK && (set.rank != rank || set.dims[0] != t->n_spaces || set.dims[1] != t->n_sites ||
                      (rank == 3 && set.dims[2] != t->n_times)))
    s = chi_fail(CHI_ERR_INPUT, "%s: %s is not feature_space x site%s", where, name,
                 rank == 3 ? " x time" : "");
  if (s == CHI_OK && set.count > 0 && H5Dget_offset(set.id) == HADDR_UNDEF)
    s = chi_fail(CHI_ERR_INPUT, "%s: %s is not one block of the file", where, name);
  chi_h5_close_dataset(&set);
  return s;
}

static chi_status read_done(hid_t group, const char *where, chi_fit_table *t)
{
  CHI_TRY(chi_alloc(t->n_spaces * t->n_sites, 1, "flags", &t->done));
  const hid_t set = H5Dopen2(group, "done", H5P_DEFAULT);
  const herr_t failed =
      set < 0 ? -1 : H5Dread(set, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, t->done);
  const chi_status s =
      failed < 0 ? chi_fail(CHI_ERR_INPUT, "%s: done cannot be read (%s)", where, chi_h5_reason())
                 : CHI_OK;
  if (set >= 0) H5Dclose(set);
  return s;
}

/* Which layers a site's subject has. Sites of a subject stand together, subjects in the order of
 * n_features' columns. */
static chi_status read_present(hid_t group, const char *where, chi_fit_table *t)
{
  int64_t subjects = 0;
  for (int64_t i = 0; i < t->n_sites; i++)
    subjects += i == 0 || strcmp(t->subject[i], t->subject[i - 1]) != 0;
  CHI_TRY(chi_alloc(t->n_spaces * t->n_sites, 1, "flags", &t->present));
  int32_t *n_features = NULL;
  chi_h5_dataset set;
  chi_status s = chi_h5_open_dataset(group, where, "", "n_features", &set);
  if (s == CHI_OK && (set.rank != 2 || set.dims[0] != t->n_spaces || set.dims[1] != subjects))
    s = chi_fail(CHI_ERR_INPUT, "%s: n_features is not feature_space x subject_index", where);
  if (s == CHI_OK)
    s = chi_alloc(t->n_spaces * subjects, sizeof *n_features, "numbers of features", &n_features);
  if (s == CHI_OK &&
      H5Dread(set.id, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, n_features) < 0)
    s = chi_fail(CHI_ERR_INPUT, "%s: n_features cannot be read (%s)", where, chi_h5_reason());
  for (int64_t f = 0; s == CHI_OK && f < t->n_spaces; f++)
    for (int64_t i = 0, subject = 0; i < t->n_sites; i++) {
      if (i > 0 && strcmp(t->subject[i], t->subject[i - 1]) != 0) subject++;
      t->present[f * t->n_sites + i] = n_features[f * subjects + subject] > 0;
    }
  chi_free(n_features);
  chi_h5_close_dataset(&set);
  return s;
}

static chi_status read_table(hid_t file, const char *path, chi_fit_table *t)
{
  char where[PATH_MAX + 256];
  snprintf(where, sizeof where, "%s: /%s", path, t->alignment);
  hid_t group;
  CHI_TRY(chi_h5_open_group(file, path, t->alignment, &group));
  chi_status s = read_labels(group, where, t);
  static const char *const scores[] = {"val_r", "test_r", "alpha"};
  for (int i = 0; i < 3 && s == CHI_OK; i++) s = check_table(group, where, scores[i], 3, t);
  if (s == CHI_OK) s = check_table(group, where, "checksum", 2, t);
  if (s == CHI_OK) s = check_table(group, where, "done", 2, t);
  if (s == CHI_OK) s = read_done(group, where, t);
  if (s == CHI_OK) s = read_present(group, where, t);
  H5Gclose(group);
  return s;
}

static chi_status check_format(hid_t file, const char *path)
{
  bool found = false;
  double format = 0;
  CHI_TRY(chi_h5_attribute_number(file, path, "/", "chiasm_format", &found, &format));
  if (!found) return chi_fail(CHI_ERR_INPUT, "%s: is no result of chiasm fit", path);
  if (format == CHI_FIT_FORMAT) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: is of format %g, this chiasm reads format %d", path, format,
                  CHI_FIT_FORMAT);
}

static chi_status read_tables(hid_t file, const char *path, chi_fit_table **tables, int32_t *n)
{
  CHI_TRY(check_format(file, path));
  H5G_info_t info;
  if (H5Gget_info(file, &info) < 0 || info.nlinks > 10000)
    return chi_fail(CHI_ERR_INPUT, "%s: cannot be listed", path);
  CHI_TRY(chi_alloc((int64_t)info.nlinks, sizeof **tables, "tables", tables));
  for (hsize_t i = 0; i < info.nlinks; i++) {
    char name[256];
    if (H5Lget_name_by_idx(file, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name,
                           H5P_DEFAULT) < 0)
      return chi_fail(CHI_ERR_INPUT, "%s: cannot be listed (%s)", path, chi_h5_reason());
    *n = (int32_t)i + 1;
    CHI_TRY(chi_strdup(name, &(*tables)[i].alignment));
    CHI_TRY(read_table(file, path, &(*tables)[i]));
  }
  return CHI_OK;
}

/* What is read of a file of a run while it is open, with chi_h5_lock held. */
typedef chi_status reading(hid_t file, const char *path, void *context);

static chi_status with_file(const char *run, const char *name, reading *read, void *context)
{
  char path[PATH_MAX];
  hid_t file;
  CHI_TRY(chi_path_join(path, run, name));
  chi_h5_lock();
  chi_status s = chi_h5_open_read(path, path, &file);
  if (s == CHI_OK) {
    s = read(file, path, context);
    H5Fclose(file);
  }
  chi_h5_unlock();
  return s;
}

typedef struct all_tables {
  chi_fit_table **tables;
  int32_t *n;
} all_tables;

static chi_status read_all_tables(hid_t file, const char *path, void *context)
{
  const all_tables *all = context;
  return read_tables(file, path, all->tables, all->n);
}

chi_status chi_run_read_tables(const char *run_path, chi_fit_table **tables, int32_t *n)
{
  *tables = NULL;
  *n = 0;
  all_tables all = {tables, n};
  const chi_status s = with_file(run_path, "fit.h5", read_all_tables, &all);
  if (s != CHI_OK) chi_fit_tables_free(tables, *n);
  return s;
}

void chi_fit_tables_free(chi_fit_table **tables, int32_t n)
{
  if (*tables == NULL) return;
  for (int32_t i = 0; i < n; i++) {
    chi_fit_table *t = &(*tables)[i];
    char ***by_space[] = {&t->space, &t->model, &t->network, &t->modality, &t->training, &t->layer};
    char ***by_site[] = {&t->site, &t->subject, &t->electrode, &t->region};
    void *numbers[] = {t->alignment, t->time, t->depth, t->x, t->y, t->z, t->done, t->present};
    for (size_t k = 0; k < sizeof by_space / sizeof *by_space; k++)
      chi_h5_free_strings(by_space[k], t->n_spaces);
    for (size_t k = 0; k < sizeof by_site / sizeof *by_site; k++)
      chi_h5_free_strings(by_site[k], t->n_sites);
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) chi_free(numbers[k]);
  }
  chi_free(*tables);
  *tables = NULL;
}

/* One space of a score. */
typedef struct score {
  const chi_fit_table *table;
  const char *name;
  int64_t space;
  float *out;
} score;

static chi_status read_score(hid_t file, const char *path, void *context)
{
  const score *c = context;
  char dataset[256];
  snprintf(dataset, sizeof dataset, "%s/%s", c->table->alignment, c->name);
  const hsize_t start[] = {(hsize_t)c->space, 0, 0};
  const hsize_t count[] = {1, (hsize_t)c->table->n_sites, (hsize_t)c->table->n_times};
  /* First, since each call of HDF5 forgets why the last one failed. */
  const hid_t here = H5Screate_simple(3, count, NULL);
  const hid_t set = H5Dopen2(file, dataset, H5P_DEFAULT);
  const hid_t there = set < 0 ? -1 : H5Dget_space(set);
  herr_t failed = there < 0 || H5Sget_simple_extent_ndims(there) != 3 ? -1 : 0;
  if (failed >= 0) failed = H5Sselect_hyperslab(there, H5S_SELECT_SET, start, NULL, count, NULL);
  if (failed >= 0) failed = H5Dread(set, H5T_NATIVE_FLOAT, here, there, H5P_DEFAULT, c->out);
  chi_status s = CHI_OK;
  if (failed < 0)
    s = chi_fail(CHI_ERR_INPUT, "%s: /%s: row %lld cannot be read (%s)", path, dataset,
                 (long long)c->space, chi_h5_reason());
  H5Sclose(here);
  if (there >= 0) H5Sclose(there);
  if (set >= 0) H5Dclose(set);
  return s;
}

chi_status chi_run_read_score(const char *run_path, const chi_fit_table *table, const char *name,
                              int64_t space, float *out)
{
  score c = {table, name, space, out};
  return with_file(run_path, "fit.h5", read_score, &c);
}

typedef struct attribute {
  const char *name;
  char **out;
} attribute;

static chi_status read_attribute(hid_t file, const char *path, void *context)
{
  const attribute *c = context;
  CHI_TRY(chi_h5_attribute_text(file, path, "/", c->name, c->out));
  if (*c->out != NULL) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: has no attribute %s, which chiasm writes", path, c->name);
}

chi_status chi_run_read_file_text(const char *run_path, const char *file, const char *name,
                                  char **out)
{
  attribute c = {name, out};
  *out = NULL;
  return with_file(run_path, file, read_attribute, &c);
}

chi_status chi_run_read_text(const char *run_path, const char *name, char **out)
{
  return chi_run_read_file_text(run_path, "fit.h5", name, out);
}
