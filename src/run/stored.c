#include "run/stored.h"

#include <stdio.h>

#include "base/file.h"
#include "base/memory.h"
#include "h5/h5.h"
#include "run/bootstrap_internal.h"
#include "run/folder.h"
#include "run/internal.h"

static chi_status open_fit(const char *path, const chi_fit_table *tables, int32_t n, chi_run *run)
{
  snprintf(run->folder, sizeof run->folder, "%s", path);
  CHI_TRY(chi_path_join(run->path, path, "fit.h5"));
  CHI_TRY(chi_alloc(n, sizeof *run->group, "run", &run->group));
  chi_h5_lock();
  chi_status s = chi_h5_open_read(run->path, run->path, &run->file);
  for (int32_t a = 0; a < n && s == CHI_OK; a++) {
    run->group[a] = (chi_run_group){.n_spaces = tables[a].n_spaces,
                                    .n_sites = tables[a].n_sites,
                                    .n_times = tables[a].n_times,
                                    .table = {-1, -1, -1, -1, -1}};
    run->n_groups = a + 1;
    s = chi_run_open_tables(run, a, tables[a].alignment);
  }
  chi_h5_unlock();
  for (int32_t a = 0; a < n && s == CHI_OK; a++)
    s = chi_run_transfer_flags(run, &run->group[a], false);
  return s;
}

chi_status chi_run_open_read(const char *path, const chi_fit_table *tables, int32_t n, int rank,
                             int size, chi_run **out)
{
  CHI_TRY(chi_alloc(1, sizeof **out, "run", out));
  **out = (chi_run){.comm = MPI_COMM_NULL, .rank = rank, .size = size, .lock = -1, .file = -1};
  const chi_status s = open_fit(path, tables, n, *out);
  if (s != CHI_OK) chi_run_close(out);
  return s;
}

chi_status chi_run_read_sites(const chi_run *run, int32_t alignment, int64_t space, int64_t site0,
                              int64_t n, float *const score[3], uint64_t *checksum)
{
  const chi_run_group *g = &run->group[alignment];
  herr_t failed = 0;
  chi_h5_lock();
  for (int t = 0; t < 3 && failed >= 0; t++)
    failed = chi_run_transfer(g, CHI_TABLE_VAL_R + t, false, space, site0, n, score[t]);
  if (failed >= 0)
    failed = chi_run_transfer(g, CHI_TABLE_CHECKSUM, false, space, site0, n, checksum);
  const chi_status s = failed < 0 ? chi_fail(CHI_ERR_IO, "%s: scores cannot be read (%s)",
                                             run->path, chi_h5_reason())
                                  : CHI_OK;
  chi_h5_unlock();
  return s;
}

static chi_status open_bootstrap(const char *run, const chi_bootstrap_table *tables, int32_t n,
                                 chi_bootstrap *b)
{
  snprintf(b->folder, sizeof b->folder, "%s", run);
  CHI_TRY(chi_path_join(b->path, run, "bootstrap.h5"));
  CHI_TRY(chi_alloc(n, sizeof *b->group, "bootstrap", &b->group));
  b->n_replicates = n > 0 ? tables[0].n_replicates : 0;
  b->n_blocks = (b->n_replicates + CHI_REPLICATE_BLOCK - 1) / CHI_REPLICATE_BLOCK;
  chi_h5_lock();
  chi_status s = chi_h5_open_read(b->path, b->path, &b->file);
  for (int32_t a = 0; a < n && s == CHI_OK; a++) {
    chi_bootstrap_group *g = &b->group[a];
    *g = (chi_bootstrap_group){
        .n_rows = tables[a].n_rows, .n_sites = tables[a].n_sites, .n_times = tables[a].n_times};
    for (int t = 0; t < CHI_N_BOOT_TABLES; t++) g->table[t] = -1;
    b->n_groups = a + 1;
    s = chi_alloc(g->n_rows * g->n_sites * b->n_blocks, 1, "flags", &g->done);
    if (s == CHI_OK) s = chi_boot_open_tables(b, a, tables[a].alignment);
  }
  chi_h5_unlock();
  for (int32_t a = 0; a < n && s == CHI_OK; a++)
    s = chi_boot_transfer_flags(b, &b->group[a], CHI_BOOT_DONE, false, b->group[a].done);
  return s;
}

chi_status chi_bootstrap_open_read(const char *run, const chi_bootstrap_table *tables, int32_t n,
                                   int rank, int size, chi_bootstrap **out)
{
  CHI_TRY(chi_boot_check_shapes(run, tables, n));
  CHI_TRY(chi_alloc(1, sizeof **out, "bootstrap", out));
  **out =
      (chi_bootstrap){.comm = MPI_COMM_NULL, .rank = rank, .size = size, .lock = -1, .file = -1};
  const chi_status s = open_bootstrap(run, tables, n, *out);
  if (s != CHI_OK) chi_bootstrap_close(out);
  return s;
}

chi_status chi_bootstrap_read_blocks(chi_bootstrap *b, int32_t alignment, int64_t row, int64_t site,
                                     float *val_r, float *test_r, uint64_t *checksum, uint8_t *torn)
{
  const chi_bootstrap_group *g = &b->group[alignment];
  CHI_TRY(chi_bootstrap_read(b, alignment, row, site, val_r, test_r));
  chi_h5_lock();
  const herr_t failed =
      chi_boot_transfer(g, CHI_BOOT_CHECKSUM, false, row, site, 0, b->n_blocks, checksum);
  chi_h5_unlock();
  if (failed < 0) return chi_fail(CHI_ERR_IO, "%s: checksums cannot be read", b->path);
  for (int64_t k = 0; k < b->n_blocks; k++) {
    const int64_t at = k * CHI_REPLICATE_BLOCK * g->n_times;
    torn[k] = checksum[k] !=
              chi_boot_checksum(chi_boot_block_size(b, k) * g->n_times, val_r + at, test_r + at);
  }
  return CHI_OK;
}
