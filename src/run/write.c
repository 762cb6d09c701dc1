/* Writing scores: independent of what other ranks do, raw data only. */
#include <math.h>
#include <stdio.h>
#define XXH_STATIC_LINKING_ONLY /* the state on the stack */
#include <xxhash.h>

#include "base/memory.h"
#include "h5/h5.h"
#include "h5/whole.h"
#include "run/internal.h"

uint64_t chi_run_checksum(int64_t n_times, const float *val_r, const float *test_r,
                          const float *alpha)
{
  const float *parts[] = {val_r, test_r, alpha};
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  for (int i = 0; i < 3; i++) XXH3_64bits_update(&state, parts[i], (size_t)n_times * sizeof(float));
  return XXH3_64bits_digest(&state);
}

herr_t chi_run_transfer(const chi_run_group *group, int table, bool write, int64_t space,
                        int64_t site0, int64_t n_sites, void *memory)
{
  const hid_t types[CHI_N_TABLES] = {H5T_NATIVE_FLOAT, H5T_NATIVE_FLOAT, H5T_NATIVE_FLOAT,
                                     H5T_NATIVE_UINT64, H5T_NATIVE_UINT8};
  const int rank = table <= CHI_TABLE_ALPHA ? 3 : 2;
  const hsize_t start[] = {(hsize_t)space, (hsize_t)site0, 0};
  const hsize_t count[] = {1, (hsize_t)n_sites, (hsize_t)group->n_times};
  const hid_t here = H5Screate_simple(rank, count, NULL);
  const hid_t there = H5Dget_space(group->table[table]);
  herr_t failed = here < 0 || there < 0 ? -1 : 0;
  if (failed >= 0) failed = H5Sselect_hyperslab(there, H5S_SELECT_SET, start, NULL, count, NULL);
  if (failed >= 0)
    failed = write ? H5Dwrite(group->table[table], types[table], here, there, H5P_DEFAULT, memory)
                   : H5Dread(group->table[table], types[table], here, there, H5P_DEFAULT, memory);
  const hid_t reasons = H5Eget_current_stack(); /* closing would forget them */
  if (here >= 0) H5Sclose(here);
  if (there >= 0) H5Sclose(there);
  H5Eset_current_stack(reasons);
  return failed;
}

/* The five tables in the order that makes a flag true only after its scores and checksum. */
static chi_status write_tables(const chi_run *run, const chi_run_group *g, int64_t space,
                               int64_t site0, int64_t n_sites, void *const *memory)
{
  static const char *const names[CHI_N_TABLES] = {"val_r", "test_r", "alpha", "checksum", "done"};
  chi_h5_lock();
  chi_status s = CHI_OK;
  for (int t = 0; t < CHI_N_TABLES && s == CHI_OK; t++)
    if (chi_run_transfer(g, t, true, space, site0, n_sites, memory[t]) < 0)
      s = chi_h5_failed(run->path, names[t]);
  chi_h5_unlock();
  return s;
}

static chi_status check_range(const chi_run *run, int32_t alignment, int64_t space, int64_t site0,
                              int64_t n_sites)
{
  if (alignment >= 0 && alignment < run->n_groups) {
    const chi_run_group *g = &run->group[alignment];
    if (space >= 0 && space < g->n_spaces && site0 >= 0 && n_sites >= 0 &&
        n_sites <= g->n_sites - site0)
      return CHI_OK;
  }
  return chi_fail(CHI_ERR_BUG, "%s: no sites %lld + %lld of feature space %lld, alignment %d",
                  run->path, (long long)site0, (long long)n_sites, (long long)space, alignment);
}

chi_status chi_run_write(chi_run *run, int32_t alignment, int64_t space, int64_t site0,
                         int64_t n_sites, const float *val_r, const float *test_r,
                         const float *alpha)
{
  CHI_TRY(check_range(run, alignment, space, site0, n_sites));
  if (n_sites == 0) return CHI_OK;
  const chi_run_group *g = &run->group[alignment];
  uint64_t *checksum = NULL;
  uint8_t *done = NULL;
  chi_status s = chi_alloc(n_sites, sizeof *checksum, "checksums", &checksum);
  if (s == CHI_OK) s = chi_alloc(n_sites, sizeof *done, "flags", &done);
  for (int64_t i = 0; i < n_sites && s == CHI_OK; i++) {
    const int64_t at = i * g->n_times;
    checksum[i] = chi_run_checksum(g->n_times, val_r + at, test_r + at, alpha + at);
    done[i] = CHI_DONE_WRITTEN;
  }
  /* HDF5 only reads them: the casts take const off for one function that also fills memory. */
  void *const memory[] = {(void *)val_r, (void *)test_r, (void *)alpha, checksum, done};
  if (s == CHI_OK) s = write_tables(run, g, space, site0, n_sites, memory);
  chi_free(checksum);
  chi_free(done);
  return s;
}

chi_status chi_run_fail(chi_run *run, int32_t alignment, int64_t space, int64_t site0,
                        int64_t n_sites)
{
  CHI_TRY(check_range(run, alignment, space, site0, n_sites));
  if (n_sites == 0) return CHI_OK;
  const chi_run_group *g = &run->group[alignment];
  float *nan = NULL;
  uint64_t *checksum = NULL;
  uint8_t *done = NULL;
  chi_status s = chi_alloc(n_sites * g->n_times, sizeof *nan, "scores", &nan);
  if (s == CHI_OK) s = chi_alloc(n_sites, sizeof *checksum, "checksums", &checksum);
  if (s == CHI_OK) s = chi_alloc(n_sites, sizeof *done, "flags", &done);
  /* An earlier job may have left a part of its scores there: a failed site has none. */
  for (int64_t i = 0; i < n_sites * g->n_times && s == CHI_OK; i++) nan[i] = NAN;
  for (int64_t i = 0; i < n_sites && s == CHI_OK; i++) done[i] = CHI_DONE_FAILED;
  void *const memory[] = {nan, nan, nan, checksum, done};
  if (s == CHI_OK) s = write_tables(run, g, space, site0, n_sites, memory);
  chi_free(nan);
  chi_free(checksum);
  chi_free(done);
  return s;
}
