#include "run/bootstrap_drop.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "h5/h5.h"
#include "run/bootstrap_internal.h"
#include "run/folder.h"
#include "run/lock.h"

/* What the functions below share. */
typedef struct drop {
  hid_t old; /* the file with the replicates */
  int64_t n_replicates;
  chi_boot_group *g;
  uint8_t *kept; /* (site, time): some row keeps the bin */
  int64_t n_entries;
} drop;

static hid_t open_old(const drop *d, const char *name)
{
  char path[512];
  snprintf(path, sizeof path, "%s/%s", d->g->al->name, name);
  return H5Dopen2(d->old, path, H5P_DEFAULT);
}

/* Read or write a part of an open dataset, from or to memory without gaps. */
static herr_t transfer(hid_t set, bool write, hid_t type, int rank, const hsize_t *start,
                       const hsize_t *count, void *memory)
{
  const hid_t here = H5Screate_simple(rank, count, NULL), there = H5Dget_space(set);
  herr_t failed = H5Sselect_hyperslab(there, H5S_SELECT_SET, start, NULL, count, NULL);
  if (failed >= 0)
    failed = write ? H5Dwrite(set, type, here, there, H5P_DEFAULT, memory)
                   : H5Dread(set, type, here, there, H5P_DEFAULT, memory);
  H5Sclose(here);
  H5Sclose(there);
  return failed;
}

/* Copy a table that stays as it is, row by row. */
static chi_status copy_table(drop *d, const char *name, hid_t file_type, hid_t memory_type,
                             int64_t size, int rank, const int *dims)
{
  hsize_t start[3] = {0}, count[3] = {1, 1, 1};
  for (int i = 1; i < rank; i++) count[i] = d->g->l.length[dims[i]];
  void *data = NULL;
  CHI_TRY(chi_alloc((int64_t)(count[1] * count[2]), size, name, &data));
  chi_status s = chi_labelled_make(&d->g->l, name, file_type, rank, dims, memory_type, NULL);
  const hid_t from = open_old(d, name);
  const hid_t to = s == CHI_OK ? H5Dopen2(d->g->l.group, name, H5P_DEFAULT) : -1;
  if (from < 0 || to < 0) s = CHI_ERR_IO;
  for (; s == CHI_OK && start[0] < d->g->l.length[dims[0]]; start[0]++)
    if (transfer(from, false, memory_type, rank, start, count, data) < 0 ||
        transfer(to, true, memory_type, rank, start, count, data) < 0)
      s = CHI_ERR_IO;
  if (from >= 0) H5Dclose(from);
  if (to >= 0 && H5Dclose(to) < 0 && s == CHI_OK) s = CHI_ERR_IO;
  chi_free(data);
  return s;
}

static chi_status copy_tables(drop *d)
{
  const chi_boot_group *g = d->g;
  const int blocks[] = {g->row, g->site, g->block}, times[] = {g->row, g->site, g->time};
  for (int i = 0; i < CHI_N_SUMMARIES; i++)
    CHI_TRY(copy_table(d, chi_summary_names[i], H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 4, 3, times));
  CHI_TRY(copy_table(d, "checksum", H5T_STD_U64LE, H5T_NATIVE_UINT64, 8, 3, blocks));
  CHI_TRY(copy_table(d, "done", H5T_STD_U8LE, H5T_NATIVE_UINT8, 1, 3, blocks));
  return copy_table(d, "summarised", H5T_STD_U8LE, H5T_NATIVE_UINT8, 1, 2, times);
}

/* Mark the bins that some row keeps at a site, and count the entries of all rows with a layer. */
static chi_status find_kept(drop *d)
{
  const int64_t sites = d->g->al->n_sites, times = d->g->al->n_times, rows = d->g->rows->n_rows;
  const hsize_t count[] = {1, (hsize_t)sites, (hsize_t)times};
  hsize_t start[3] = {0};
  float *lower = NULL;
  CHI_TRY(chi_alloc(sites * times, 1, "kept bins", &d->kept));
  CHI_TRY(chi_alloc(sites * times, sizeof *lower, "summaries", &lower));
  const hid_t from = open_old(d, "val_r_lower");
  bool failed = from < 0;
  for (; !failed && start[0] < (hsize_t)rows; start[0]++) {
    failed = transfer(from, false, H5T_NATIVE_FLOAT, 3, start, count, lower) < 0;
    for (int64_t i = 0; i < sites * times && !failed; i++)
      if (lower[i] > 0) d->kept[i] = 1;
  }
  if (from >= 0) H5Dclose(from);
  chi_free(lower);
  d->n_entries = 0;
  for (int64_t i = 0; i < rows * sites; i++)
    for (int64_t b = 0; b < times && d->g->rows->space[i] >= 0; b++)
      d->n_entries += d->kept[i % sites * times + b];
  return failed ? CHI_ERR_IO : CHI_OK;
}

static chi_status put_places(drop *d, int entry)
{
  static const char *const names[] = {"kept_row", "kept_site", "kept_time"};
  const int64_t sites = d->g->al->n_sites, times = d->g->al->n_times;
  int32_t *place = NULL;
  CHI_TRY(chi_alloc(d->n_entries, sizeof *place, "kept bins", &place));
  chi_status s = CHI_OK;
  for (int c = 0; c < 3 && s == CHI_OK; c++) {
    int64_t at = 0;
    for (int64_t i = 0; i < d->g->rows->n_rows * sites; i++)
      for (int64_t b = 0; b < times && d->g->rows->space[i] >= 0; b++)
        if (d->kept[i % sites * times + b])
          place[at++] = (int32_t)(c == 0 ? i / sites : c == 1 ? i % sites : b);
    s = chi_labelled_put(&d->g->l, names[c], H5T_STD_I32LE, H5T_NATIVE_INT32, 1, &entry, place);
  }
  chi_free(place);
  return s;
}

/* The kept bins of row and site number i, turned to (bin, replicate). */
static chi_status copy_site(drop *d, hid_t from, hid_t to, int64_t i, float *all, float *kept,
                            int64_t *at)
{
  const int64_t sites = d->g->al->n_sites, times = d->g->al->n_times, n = d->n_replicates;
  const hsize_t start[] = {(hsize_t)(i / sites), (hsize_t)(i % sites), 0, 0};
  const hsize_t count[] = {1, 1, (hsize_t)n, (hsize_t)times};
  int64_t bins = 0;
  for (int64_t b = 0; b < times; b++) bins += d->kept[i % sites * times + b];
  if (bins == 0) return CHI_OK;
  if (transfer(from, false, H5T_NATIVE_FLOAT, 4, start, count, all) < 0) return CHI_ERR_IO;
  bins = 0;
  for (int64_t b = 0; b < times; b++) {
    if (!d->kept[i % sites * times + b]) continue;
    for (int64_t r = 0; r < n; r++) kept[bins * n + r] = all[r * times + b];
    bins++;
  }
  const hsize_t there[] = {(hsize_t)*at, 0}, size[] = {(hsize_t)bins, (hsize_t)n};
  *at += bins;
  return transfer(to, true, H5T_NATIVE_FLOAT, 2, there, size, kept) < 0 ? CHI_ERR_IO : CHI_OK;
}

static chi_status copy_replicates(drop *d, const char *old_name, const char *new_name)
{
  const int64_t sites = d->g->al->n_sites, n = d->n_replicates * d->g->al->n_times;
  float *all = NULL, *kept = NULL;
  int64_t at = 0;
  const hid_t from = open_old(d, old_name);
  const hid_t to = H5Dopen2(d->g->l.group, new_name, H5P_DEFAULT);
  chi_status s = from < 0 || to < 0 ? CHI_ERR_IO : chi_alloc(n, sizeof *all, "replicates", &all);
  if (s == CHI_OK) s = chi_alloc(n, sizeof *kept, "replicates", &kept);
  for (int64_t i = 0; i < d->g->rows->n_rows * sites && s == CHI_OK; i++)
    if (d->g->rows->space[i] >= 0) s = copy_site(d, from, to, i, all, kept, &at);
  if (from >= 0) H5Dclose(from);
  if (to >= 0 && H5Dclose(to) < 0 && s == CHI_OK) s = CHI_ERR_IO;
  chi_free(all);
  chi_free(kept);
  return s;
}

static chi_status make_tables(chi_boot_group *g, void *context)
{
  drop *d = context;
  d->g = g;
  chi_status s = copy_tables(d);
  if (s == CHI_OK) s = find_kept(d);
  const int entry = chi_labelled_dim(&g->l, "entry", d->n_entries);
  const int dims[] = {entry, g->replicate};
  if (s == CHI_OK) s = chi_labelled_put_count(&g->l, entry);
  if (s == CHI_OK) s = put_places(d, entry);
  for (int half = 0; half < 2 && s == CHI_OK; half++) {
    const char *name = half == 0 ? "kept_val_r" : "kept_test_r";
    s = chi_labelled_make(&g->l, name, H5T_IEEE_F32LE, 2, dims, H5T_NATIVE_FLOAT, NULL);
    if (s == CHI_OK) s = copy_replicates(d, half == 0 ? "val_r" : "test_r", name);
  }
  chi_free(d->kept);
  d->kept = NULL;
  return s;
}

static chi_status rewrite(const char *run, const chi_study *study, const chi_provenance *provenance,
                          const chi_bootstrap_content *content, int ranks)
{
  char path[PATH_MAX];
  drop d = {.n_replicates = content->n_replicates};
  CHI_TRY(chi_path_join(path, run, "bootstrap.h5"));
  chi_h5_lock();
  chi_status s = chi_h5_open_read(path, path, &d.old);
  chi_h5_unlock();
  CHI_TRY(s);
  /* Its room is taken as it grows: how much is kept is not known before. */
  s = chi_boot_write(run, study, provenance, content, ranks, 0, make_tables, &d);
  chi_h5_lock();
  H5Fclose(d.old);
  chi_h5_unlock();
  return s;
}

chi_status chi_bootstrap_drop(const char *run, const chi_study *study,
                              const chi_provenance *provenance,
                              const chi_bootstrap_content *content, int ranks)
{
  int lock = -1;
  CHI_TRY(chi_lock_alone(run, 30, &lock));
  const chi_status s = rewrite(run, study, provenance, content, ranks);
  chi_lock_release(&lock);
  return s;
}
