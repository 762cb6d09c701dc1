#include "run/bootstrap_read.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "chiasm/run.h"
#include "h5/h5.h"
#include "run/bootstrap_file.h"
#include "run/folder.h"

enum { FORMAT = 1, N_SUMMARIES = 6 };
static const char *const summaries[N_SUMMARIES] = {"val_r_mean",  "val_r_lower",  "val_r_upper",
                                                   "test_r_mean", "test_r_lower", "test_r_upper"};

/* The datasets of one alignment, open while the file is. */
typedef struct group {
  chi_h5_dataset summary[N_SUMMARIES];
  chi_h5_dataset replicates[2]; /* val_r and test_r, or kept_val_r and kept_test_r */
  int64_t n_kept;               /* entries of the latter, and where each belongs */
  int32_t *kept_row, *kept_site, *kept_time;
} group;

struct chi_bootstrap_file {
  char path[PATH_MAX];
  hid_t file;
  char *checksum;
  bool keeps;
  int32_t n;
  chi_bootstrap_table *table;
  group *group;
};

/* ---- labels and flags ---- */

/* The length of a dimension, by its labels. */
static chi_status count(hid_t id, const char *where, const char *name, int64_t *n)
{
  double *values = NULL;
  const chi_status s = chi_h5_read_vector(id, where, name, false, H5T_NATIVE_DOUBLE, n, &values);
  chi_free(values);
  return s;
}

static chi_status read_block_length(hid_t id, const char *where, chi_bootstrap_table *t)
{
  hid_t attribute = -1, space = -1;
  hssize_t n = -1;
  if (H5Aexists(id, "block_length") > 0) attribute = H5Aopen(id, "block_length", H5P_DEFAULT);
  if (attribute >= 0) space = H5Aget_space(attribute);
  if (space >= 0) n = H5Sget_simple_extent_npoints(space);
  chi_status s = CHI_OK;
  if (n >= 0 && n <= INT32_MAX)
    s = chi_alloc(n, sizeof *t->block_length, "block lengths", &t->block_length);
  if (s == CHI_OK &&
      (t->block_length == NULL || H5Aread(attribute, H5T_NATIVE_INT32, t->block_length) < 0))
    s = chi_fail(CHI_ERR_INPUT, "%s: attribute block_length is missing or no list of integers",
                 where);
  if (s == CHI_OK) t->n_subjects = (int32_t)n;
  if (space >= 0) H5Sclose(space);
  if (attribute >= 0) H5Aclose(attribute);
  return s;
}

static chi_status read_labels(hid_t id, const char *where, chi_bootstrap_table *t)
{
  int64_t dims[2];
  t->by_space = chi_h5_has(id, "feature_space");
  CHI_TRY(chi_h5_read_strings(id, where, "model", &t->n_rows, &t->model));
  CHI_TRY(chi_h5_read_strings(id, where, "site", &t->n_sites, &t->site));
  CHI_TRY(count(id, where, "replicate", &t->n_replicates));
  CHI_TRY(count(id, where, "time", &t->n_times));
  CHI_TRY(chi_h5_read_string_table(id, where, "layer", dims, &t->layer));
  if (dims[0] == t->n_rows && dims[1] == t->n_sites) return read_block_length(id, where, t);
  chi_h5_free_strings(&t->layer, dims[0] * dims[1]);
  return chi_fail(CHI_ERR_INPUT, "%s: layer is not %s x site", where,
                  t->by_space ? "feature_space" : "model");
}

/* Open a dataset of a given class and shape; a length of -1 fits all. */
static chi_status open_shaped(hid_t id, const char *where, const char *name, H5T_class_t type_class,
                              int rank, const int64_t *dims, chi_h5_dataset *out)
{
  CHI_TRY(chi_h5_open_dataset(id, where, "", name, out));
  bool fits = out->rank == rank && out->type_class == type_class;
  for (int d = 0; d < rank && fits; d++) fits = dims[d] < 0 || dims[d] == out->dims[d];
  if (fits) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: %s has not the shape or type that chiasm bootstrap gives it",
                  where, name);
}

static chi_status read_flags(hid_t id, const char *where, const char *name, int rank,
                             const int64_t *dims, int64_t *n, uint8_t **out)
{
  chi_h5_dataset set;
  chi_status s = open_shaped(id, where, name, H5T_INTEGER, rank, dims, &set);
  *n = set.count;
  if (s == CHI_OK) s = chi_alloc(set.count, 1, "flags", out);
  if (s == CHI_OK && set.count > 0 &&
      H5Dread(set.id, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, *out) < 0)
    s = chi_fail(CHI_ERR_INPUT, "%s: %s cannot be read (%s)", where, name, chi_h5_reason());
  chi_h5_close_dataset(&set);
  return s;
}

/* Take the flags of one row and site into the counts. */
static void count_blocks(const uint8_t *done, int64_t n_blocks, chi_bootstrap_table *t)
{
  int64_t failed = 0;
  for (int64_t b = 0; b < n_blocks; b++) {
    const int64_t left = t->n_replicates - b * CHI_REPLICATE_BLOCK;
    const int64_t size = left < CHI_REPLICATE_BLOCK ? left : CHI_REPLICATE_BLOCK;
    failed += done[b] == CHI_DONE_FAILED;
    *(done[b] == CHI_DONE_WRITTEN  ? &t->done
      : done[b] == CHI_DONE_FAILED ? &t->failed
                                   : &t->left) += size * t->n_times;
  }
  t->n_failed += failed > 0;
}

/* Count what is left and what failed. */
static chi_status read_progress(hid_t id, const char *where, chi_bootstrap_table *t)
{
  const int64_t dims[] = {t->n_rows, t->n_sites, -1}, n = t->n_rows * t->n_sites;
  int64_t n_done = 0, n_summarised = 0;
  uint8_t *done = NULL, *summarised = NULL;
  chi_status s = read_flags(id, where, "done", 3, dims, &n_done, &done);
  if (s == CHI_OK) s = read_flags(id, where, "summarised", 2, dims, &n_summarised, &summarised);
  for (int64_t i = 0; i < n && s == CHI_OK; i++) {
    if (t->layer[i][0] == '\0') continue;
    count_blocks(done + i * (n_done / n), n_done / n, t);
    t->n_left += summarised[i] == 0;
  }
  chi_free(done);
  chi_free(summarised);
  return s;
}

/* ---- the numbers ---- */

/* kept_test_r's entries must be sorted, so that those of a row and site stand together. */
static chi_status check_kept(const char *where, const chi_bootstrap_table *t, const group *g)
{
  int64_t last = -1;
  for (int64_t i = 0; i < g->n_kept; i++) {
    const int64_t row = g->kept_row[i], site = g->kept_site[i], time = g->kept_time[i];
    const bool inside = row >= 0 && row < t->n_rows && site >= 0 && site < t->n_sites &&
                        time >= 0 && time < t->n_times;
    const int64_t at = inside ? (row * t->n_sites + site) * t->n_times + time : -1;
    if (at <= last)
      return chi_fail(CHI_ERR_INPUT,
                      "%s: entry %lld of kept_test_r is out of range or out of order", where,
                      (long long)i);
    last = at;
  }
  return CHI_OK;
}

static chi_status open_kept(hid_t id, const char *where, const chi_bootstrap_table *t, group *g)
{
  const struct {
    const char *name;
    int32_t **values;
  } index[] = {
      {"kept_row", &g->kept_row}, {"kept_site", &g->kept_site}, {"kept_time", &g->kept_time}};
  const int64_t dims[] = {-1, t->n_replicates};
  CHI_TRY(open_shaped(id, where, "kept_val_r", H5T_FLOAT, 2, dims, &g->replicates[0]));
  g->n_kept = g->replicates[0].dims[0];
  const int64_t same[] = {g->n_kept, t->n_replicates};
  CHI_TRY(open_shaped(id, where, "kept_test_r", H5T_FLOAT, 2, same, &g->replicates[1]));
  for (int i = 0; i < 3; i++) {
    int64_t n;
    CHI_TRY(
        chi_h5_read_vector(id, where, index[i].name, true, H5T_NATIVE_INT32, &n, index[i].values));
    if (n != g->n_kept)
      return chi_fail(CHI_ERR_INPUT, "%s: %s has %lld values, expected %lld", where, index[i].name,
                      (long long)n, (long long)g->n_kept);
  }
  return check_kept(where, t, g);
}

static chi_status open_numbers(hid_t id, const char *where, bool keeps,
                               const chi_bootstrap_table *t, group *g)
{
  const int64_t by_site[] = {t->n_rows, t->n_sites, t->n_times};
  const int64_t by_replicate[] = {t->n_rows, t->n_sites, t->n_replicates, t->n_times};
  for (int i = 0; i < N_SUMMARIES; i++)
    CHI_TRY(open_shaped(id, where, summaries[i], H5T_FLOAT, 3, by_site, &g->summary[i]));
  if (!keeps) return open_kept(id, where, t, g);
  CHI_TRY(open_shaped(id, where, "val_r", H5T_FLOAT, 4, by_replicate, &g->replicates[0]));
  return open_shaped(id, where, "test_r", H5T_FLOAT, 4, by_replicate, &g->replicates[1]);
}

/* ---- opening and closing ---- */

static chi_status open_table(chi_bootstrap_file *f, int32_t i)
{
  char where[PATH_MAX + 256];
  chi_bootstrap_table *t = &f->table[i];
  hid_t id;
  snprintf(where, sizeof where, "%s: /%s", f->path, t->alignment);
  CHI_TRY(chi_h5_open_group(f->file, f->path, t->alignment, &id));
  if (i == 0) f->keeps = chi_h5_has(id, "test_r") || !chi_h5_has(id, "kept_test_r");
  chi_status s = read_labels(id, where, t);
  if (s == CHI_OK) s = read_progress(id, where, t);
  /* Replicates that are not kept are removed at the end: before that there is none of the two. */
  if (s == CHI_OK && t->n_left == 0) s = open_numbers(id, where, f->keeps, t, &f->group[i]);
  H5Gclose(id);
  return s;
}

static chi_status check_root(chi_bootstrap_file *f)
{
  bool found = false;
  double format = 0;
  CHI_TRY(chi_h5_attribute_number(f->file, f->path, "/", "chiasm_format", &found, &format));
  if (!found) return chi_fail(CHI_ERR_INPUT, "%s: is no result of chiasm bootstrap", f->path);
  if (format != FORMAT)
    return chi_fail(CHI_ERR_INPUT, "%s: is of format %g, this chiasm reads format %d", f->path,
                    format, FORMAT);
  CHI_TRY(chi_h5_attribute_text(f->file, f->path, "/", "study_checksum", &f->checksum));
  if (f->checksum != NULL) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: does not say of which study it is", f->path);
}

static chi_status open_all(chi_bootstrap_file *f)
{
  CHI_TRY(chi_h5_open_read(f->path, f->path, &f->file));
  CHI_TRY(check_root(f));
  H5G_info_t info;
  if (H5Gget_info(f->file, &info) < 0 || info.nlinks > 10000)
    return chi_fail(CHI_ERR_INPUT, "%s: cannot be listed", f->path);
  CHI_TRY(chi_alloc((int64_t)info.nlinks, sizeof *f->table, "tables", &f->table));
  CHI_TRY(chi_alloc((int64_t)info.nlinks, sizeof *f->group, "tables", &f->group));
  for (hsize_t i = 0; i < info.nlinks; i++) {
    char name[256];
    if (H5Lget_name_by_idx(f->file, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name,
                           H5P_DEFAULT) < 0)
      return chi_fail(CHI_ERR_INPUT, "%s: cannot be listed (%s)", f->path, chi_h5_reason());
    f->n = (int32_t)i + 1;
    CHI_TRY(chi_strdup(name, &f->table[i].alignment));
    CHI_TRY(open_table(f, (int32_t)i));
  }
  return CHI_OK;
}

chi_status chi_bootstrap_file_open(const char *run, chi_bootstrap_file **file,
                                   const chi_bootstrap_table **tables, int32_t *n)
{
  chi_bootstrap_file *f = NULL;
  *file = NULL;
  CHI_TRY(chi_alloc(1, sizeof *f, "bootstrap.h5", &f));
  f->file = -1;
  chi_status s = chi_path_join(f->path, run, "bootstrap.h5");
  if (s == CHI_OK) {
    chi_h5_lock();
    s = open_all(f);
    chi_h5_unlock();
  }
  *file = f;
  *tables = f->table;
  *n = f->n;
  if (s != CHI_OK) chi_bootstrap_file_close(file);
  return s;
}

void chi_bootstrap_file_close(chi_bootstrap_file **file)
{
  chi_bootstrap_file *f = *file;
  if (f == NULL) return;
  chi_h5_lock();
  if (f->file >= 0) H5Fclose(f->file); /* and everything in it */
  chi_h5_unlock();
  for (int32_t i = 0; i < f->n; i++) {
    chi_bootstrap_table *t = &f->table[i];
    chi_free(t->alignment);
    chi_h5_free_strings(&t->model, t->n_rows);
    chi_h5_free_strings(&t->site, t->n_sites);
    chi_h5_free_strings(&t->layer, t->n_rows * t->n_sites);
    chi_free(t->block_length);
    chi_free(f->group[i].kept_row);
    chi_free(f->group[i].kept_site);
    chi_free(f->group[i].kept_time);
  }
  chi_free(f->table);
  chi_free(f->group);
  chi_free(f->checksum);
  chi_free(f);
  *file = NULL;
}

const char *chi_bootstrap_file_checksum(const chi_bootstrap_file *file) { return file->checksum; }

bool chi_bootstrap_file_keeps(const chi_bootstrap_file *file) { return file->keeps; }

/* ---- reading ---- */

/* Read a part of a dataset, a box of `size` from `start`. */
static chi_status read_box(const chi_bootstrap_file *f, const chi_h5_dataset *set,
                           const hsize_t *start, const hsize_t *size, float *out)
{
  chi_h5_lock();
  const hid_t here = H5Screate_simple(set->rank, size, NULL), there = H5Dget_space(set->id);
  herr_t failed = here < 0 || there < 0 ? -1 : 0;
  if (failed >= 0) failed = H5Sselect_hyperslab(there, H5S_SELECT_SET, start, NULL, size, NULL);
  if (failed >= 0) failed = H5Dread(set->id, H5T_NATIVE_FLOAT, here, there, H5P_DEFAULT, out);
  const chi_status s = failed < 0 ? chi_fail(CHI_ERR_INPUT, "%s: row %lld cannot be read (%s)",
                                             f->path, (long long)start[0], chi_h5_reason())
                                  : CHI_OK;
  if (here >= 0) H5Sclose(here);
  if (there >= 0) H5Sclose(there);
  chi_h5_unlock();
  return s;
}

chi_status chi_bootstrap_read_summary(chi_bootstrap_file *file, int32_t table, const char *name,
                                      int64_t row, float *out)
{
  const chi_bootstrap_table *t = &file->table[table];
  const hsize_t start[] = {(hsize_t)row, 0, 0};
  const hsize_t size[] = {1, (hsize_t)t->n_sites, (hsize_t)t->n_times};
  for (int i = 0; i < N_SUMMARIES; i++)
    if (strcmp(summaries[i], name) == 0)
      return read_box(file, &file->group[table].summary[i], start, size, out);
  return chi_fail(CHI_ERR_BUG, "%s: there is no summary %s", file->path, name);
}

/* The first kept entry that does not stand before (row, site). */
static int64_t find_kept(const group *g, int64_t row, int64_t site)
{
  int64_t low = 0, high = g->n_kept;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (g->kept_row[middle] < row || (g->kept_row[middle] == row && g->kept_site[middle] < site))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static chi_status read_kept(chi_bootstrap_file *file, int32_t table, int half, int64_t row,
                            int64_t site, float *out)
{
  const chi_bootstrap_table *t = &file->table[table];
  const group *g = &file->group[table];
  const int64_t first = find_kept(g, row, site), n = find_kept(g, row, site + 1) - first;
  float *entries = NULL;
  for (int64_t i = 0; i < t->n_replicates * t->n_times; i++) out[i] = NAN;
  if (n == 0 || t->n_replicates == 0) return CHI_OK;
  const hsize_t start[] = {(hsize_t)first, 0}, size[] = {(hsize_t)n, (hsize_t)t->n_replicates};
  CHI_TRY(chi_alloc(n * t->n_replicates, sizeof *entries, "replicates", &entries));
  const chi_status s = read_box(file, &g->replicates[half], start, size, entries);
  for (int64_t i = 0; i < n && s == CHI_OK; i++)
    for (int64_t r = 0; r < t->n_replicates; r++)
      out[r * t->n_times + g->kept_time[first + i]] = entries[i * t->n_replicates + r];
  chi_free(entries);
  return s;
}

chi_status chi_bootstrap_read_replicates(chi_bootstrap_file *file, int32_t table, int half,
                                         int64_t row, int64_t site, float *out)
{
  const chi_bootstrap_table *t = &file->table[table];
  if (!file->keeps) return read_kept(file, table, half, row, site, out);
  const hsize_t start[] = {(hsize_t)row, (hsize_t)site, 0, 0};
  const hsize_t size[] = {1, 1, (hsize_t)t->n_replicates, (hsize_t)t->n_times};
  return read_box(file, &file->group[table].replicates[half], start, size, out);
}
