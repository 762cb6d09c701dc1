/* Going on with a bootstrap.h5: whether it is the right one, and which of its blocks are whole. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#define XXH_STATIC_LINKING_ONLY /* the state on the stack */
#include <xxhash.h>

#include "base/agree.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "h5/h5.h"
#include "h5/whole.h"
#include "run/bootstrap_internal.h"
#include "run/bootstrap_read.h"
#include "run/fit_file.h"
#include "run/folder.h"
#include "run/stored.h"

enum { MAX_NAMED = 10 };

uint64_t chi_boot_checksum(int64_t n_values, const float *val_r, const float *test_r)
{
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  XXH3_64bits_update(&state, val_r, (size_t)n_values * sizeof *val_r);
  XXH3_64bits_update(&state, test_r, (size_t)n_values * sizeof *test_r);
  return XXH3_64bits_digest(&state);
}

static chi_status differs(const char *run, const char *alignment, const char *what)
{
  return chi_fail(CHI_ERR_USAGE,
                  "%s/bootstrap.h5: /%s: %s not what fit.h5 and the study give now; fit.h5 has "
                  "changed since: --overwrite the bootstrap",
                  run, alignment, what);
}

static chi_status check_table(const char *run, const chi_alignment *al,
                              const chi_bootstrap_content *content, const chi_bootstrap_rows *rows,
                              const chi_bootstrap_table *t)
{
  if (t->n_rows != rows->n_rows || t->by_space != content->by_space)
    return differs(run, al->name, "its models are");
  if (t->n_sites != al->n_sites || t->n_times != al->n_times ||
      t->n_replicates != content->n_replicates || t->n_subjects != al->n_datasets)
    return differs(run, al->name, "its sizes are");
  for (int64_t i = 0; i < rows->n_rows; i++)
    if (strcmp(t->model[i], al->space[rows->label[i]].model) != 0)
      return differs(run, al->name, "its models are");
  for (int64_t i = 0; i < rows->n_rows * al->n_sites; i++) {
    const int64_t space = rows->space[i];
    if (strcmp(t->layer[i], space < 0 ? "" : al->space[space].layer) != 0)
      return differs(run, al->name, "the layers chosen are");
  }
  for (int32_t d = 0; d < al->n_datasets; d++)
    if (t->block_length[d] != rows->block_length[d])
      return differs(run, al->name, "the lengths of its blocks of events are");
  return CHI_OK;
}

/* A table must be what chi_boot_create makes: of one size and type, and allocated as a whole. */
static chi_status check_shape(hid_t group, const char *where, int table,
                              const chi_bootstrap_table *t)
{
  const char *name = chi_boot_table_name(table);
  const bool numbers = table <= CHI_BOOT_TEST_R, summary = table >= CHI_BOOT_SUMMARY;
  const int64_t blocks = (t->n_replicates + CHI_REPLICATE_BLOCK - 1) / CHI_REPLICATE_BLOCK;
  const int64_t third = numbers ? t->n_replicates : summary ? t->n_times : blocks;
  const int64_t dims[] = {t->n_rows, t->n_sites, third, t->n_times};
  const int rank = numbers ? 4 : table == CHI_BOOT_SUMMARISED ? 2 : 3;
  const int64_t size = numbers || summary ? 4 : table == CHI_BOOT_CHECKSUM ? 8 : 1;
  chi_h5_dataset set;
  chi_status s = chi_h5_open_dataset(group, where, "", name, &set);
  bool fits = s == CHI_OK && set.rank == rank && set.type_size == size &&
              set.type_class == (numbers || summary ? H5T_FLOAT : H5T_INTEGER);
  for (int d = 0; d < rank && fits; d++) fits = set.dims[d] == dims[d];
  if (s == CHI_OK && !fits)
    s = chi_fail(CHI_ERR_INPUT, "%s: %s has not the shape or type that chiasm bootstrap gives it",
                 where, name);
  if (s == CHI_OK && set.count > 0 && H5Dget_offset(set.id) == HADDR_UNDEF)
    s = chi_fail(CHI_ERR_INPUT, "%s: %s is not one block of the file", where, name);
  chi_h5_close_dataset(&set);
  return s;
}

chi_status chi_boot_check_shapes(const char *run, const chi_bootstrap_table *tables, int32_t n)
{
  char path[PATH_MAX], where[PATH_MAX + 256];
  hid_t file = -1, group;
  CHI_TRY(chi_path_join(path, run, "bootstrap.h5"));
  chi_h5_lock();
  chi_status s = chi_h5_open_read(path, path, &file);
  for (int32_t a = 0; a < n && s == CHI_OK; a++) {
    snprintf(where, sizeof where, "%s: /%s", path, tables[a].alignment);
    s = chi_h5_open_group(file, path, tables[a].alignment, &group);
    if (s != CHI_OK) break;
    for (int t = 0; t < CHI_N_BOOT_TABLES && s == CHI_OK; t++)
      s = check_shape(group, where, t, &tables[a]);
    H5Gclose(group);
  }
  if (file >= 0) H5Fclose(file);
  chi_h5_unlock();
  return s;
}

chi_status chi_boot_check(const char *run, const chi_study *study, const chi_provenance *provenance,
                          const chi_bootstrap_content *content, bool *dropped)
{
  chi_bootstrap_file *file = NULL;
  const chi_bootstrap_table *tables;
  int32_t n;
  chi_status s = chi_bootstrap_file_open(run, &file, &tables, &n);
  if (s == CHI_OK) s = chi_fit_file_check_texts(run, "bootstrap.h5", provenance);
  if (s == CHI_OK && n != study->n_alignments) s = differs(run, "", "its alignments are");
  for (int32_t a = 0; a < n && s == CHI_OK; a++)
    s = strcmp(tables[a].alignment, study->alignments[a].name) != 0
            ? differs(run, tables[a].alignment, "its alignments are")
            : check_table(run, &study->alignments[a], content, &content->rows[a], &tables[a]);
  if (s == CHI_OK) *dropped = !chi_bootstrap_file_keeps(file);
  if (s == CHI_OK && !*dropped) s = chi_boot_check_shapes(run, tables, n);
  chi_bootstrap_file_close(&file);
  return s;
}

/* One line per row of a table, for the first of them. */
static void name_torn(const chi_bootstrap *b, const char *alignment, const char *row,
                      const chi_bootstrap_group *g, const uint8_t *torn, int64_t *n_named)
{
  int64_t n = 0;
  for (int64_t i = 0; i < g->n_sites * b->n_blocks; i++) n += torn[i];
  if (n == 0 || ++*n_named > MAX_NAMED) return;
  chi_log(CHI_LOG_WARNING,
          "%s: %s %s: %lld blocks of replicates were cut short while they were written; they are "
          "calculated again",
          b->path, alignment, row, (long long)n);
}

/* Mark in `torn` the blocks of one row and site whose flag promises more than the file holds. */
static chi_status check_site(chi_bootstrap *b, int32_t a, int64_t row, int64_t site, float *numbers,
                             uint64_t *checksum, uint8_t *torn)
{
  const chi_bootstrap_group *g = &b->group[a];
  const uint8_t *done = g->done + (row * g->n_sites + site) * b->n_blocks;
  const int64_t n = b->n_replicates * g->n_times;
  if (memchr(done, CHI_DONE_WRITTEN, (size_t)b->n_blocks) == NULL) return CHI_OK;
  CHI_TRY(chi_bootstrap_read_blocks(b, a, row, site, numbers, numbers + n, checksum, torn));
  for (int64_t k = 0; k < b->n_blocks; k++) torn[k] = torn[k] != 0 && done[k] == CHI_DONE_WRITTEN;
  return CHI_OK;
}

chi_status chi_bootstrap_check_share(chi_bootstrap *b, int32_t a, uint8_t *torn)
{
  const chi_bootstrap_group *g = &b->group[a];
  float *numbers = NULL;
  uint64_t *checksum = NULL;
  chi_status s =
      chi_alloc(2 * b->n_replicates * g->n_times, sizeof *numbers, "replicates", &numbers);
  if (s == CHI_OK) s = chi_alloc(b->n_blocks, sizeof *checksum, "checksums", &checksum);
  for (int64_t i = b->rank; i < g->n_rows * g->n_sites && s == CHI_OK; i += b->size)
    s = check_site(b, a, i / g->n_sites, i % g->n_sites, numbers, checksum, torn + i * b->n_blocks);
  chi_free(numbers);
  chi_free(checksum);
  return s;
}

chi_status chi_boot_transfer_flags(const chi_bootstrap *b, const chi_bootstrap_group *g, int table,
                                   bool write, uint8_t *flags)
{
  chi_h5_lock();
  const herr_t failed =
      write ? H5Dwrite(g->table[table], H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, flags)
            : H5Dread(g->table[table], H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, flags);
  chi_status s = CHI_OK;
  if (failed < 0 && write) s = chi_h5_failed(b->path, "a flag");
  if (failed < 0 && !write)
    s = chi_fail(CHI_ERR_IO, "%s: flags cannot be read (%s)", b->path, chi_h5_reason());
  chi_h5_unlock();
  return s;
}

/* Rank 0: say what is torn, and set it and the summaries back in the file. */
static chi_status reset(chi_bootstrap *b, const chi_study *study,
                        const chi_bootstrap_content *content, int32_t a, uint8_t *torn,
                        int64_t *n_named)
{
  const chi_bootstrap_group *g = &b->group[a];
  const chi_alignment *al = &study->alignments[a];
  for (int64_t i = 0; i < g->n_rows; i++) {
    const chi_feature_space *s = &al->space[content->rows[a].label[i]];
    name_torn(b, al->name, s->model, g, torn + i * g->n_sites * b->n_blocks, n_named);
  }
  CHI_TRY(chi_boot_transfer_flags(b, g, CHI_BOOT_DONE, true, g->done));
  memset(torn, 0, (size_t)(g->n_rows * g->n_sites)); /* as the summaries' flags */
  return chi_boot_transfer_flags(b, g, CHI_BOOT_SUMMARISED, true, torn);
}

/* Make n numbers of a table NaN that are not. The caller holds chi_h5_lock. */
static herr_t clear_numbers(const chi_bootstrap *b, const chi_bootstrap_group *g, int table,
                            int64_t row, int64_t site, int64_t n, float *numbers)
{
  bool clear = true;
  const herr_t failed = chi_boot_transfer(g, table, false, row, site, 0, b->n_replicates, numbers);
  for (int64_t i = 0; i < n && failed >= 0; i++) {
    clear = clear && isnan(numbers[i]);
    numbers[i] = NAN;
  }
  if (failed < 0 || clear) return failed;
  return chi_boot_transfer(g, table, true, row, site, 0, b->n_replicates, numbers);
}

/* Where there is no layer nothing is ever written: NaN again, should a file that was cut short have
 * got its length back. */
static chi_status clear_missing(const chi_bootstrap *b, int32_t a, const chi_bootstrap_rows *rows)
{
  const chi_bootstrap_group *g = &b->group[a];
  const int64_t n = b->n_replicates * g->n_times;
  float *numbers = NULL;
  herr_t failed = 0;
  CHI_TRY(chi_alloc(n, sizeof *numbers, "replicates", &numbers));
  chi_h5_lock();
  for (int64_t i = b->rank; i < g->n_rows * g->n_sites && failed >= 0; i += b->size)
    for (int t = 0; t < CHI_N_BOOT_TABLES && failed >= 0 && rows->space[i] < 0; t++)
      if (t <= CHI_BOOT_TEST_R || t >= CHI_BOOT_SUMMARY)
        failed = clear_numbers(b, g, t, i / g->n_sites, i % g->n_sites,
                               t <= CHI_BOOT_TEST_R ? n : g->n_times, numbers);
  const chi_status s = failed < 0 ? chi_h5_failed(b->path, "replicates") : CHI_OK;
  chi_h5_unlock();
  chi_free(numbers);
  return s;
}

static chi_status verify_group(chi_bootstrap *b, const chi_study *study,
                               const chi_bootstrap_content *content, int32_t a, int64_t *n_named)
{
  chi_bootstrap_group *g = &b->group[a];
  const int64_t n = g->n_rows * g->n_sites * b->n_blocks, piece = 1 << 30;
  uint8_t *torn = NULL;
  chi_status s = chi_alloc(n, 1, "flags", &torn);
  if (s == CHI_OK) s = chi_boot_transfer_flags(b, g, CHI_BOOT_DONE, false, g->done);
  if (s == CHI_OK) s = chi_bootstrap_check_share(b, a, torn);
  if (s == CHI_OK) s = clear_missing(b, a, &content->rows[a]);
  s = chi_agree(b->comm, s);
  for (int64_t at = 0; at < n && s == CHI_OK; at += piece)
    MPI_Allreduce(MPI_IN_PLACE, torn + at, chi_int_cast(n - at < piece ? n - at : piece),
                  MPI_UINT8_T, MPI_MAX, b->comm);
  for (int64_t i = 0; i < n && s == CHI_OK; i++) {
    b->torn += torn[i];
    if (g->done[i] != CHI_DONE_WRITTEN || torn[i] != 0) g->done[i] = CHI_DONE_NOT_YET;
  }
  if (s == CHI_OK && b->rank == 0 && n > 0) s = reset(b, study, content, a, torn, n_named);
  chi_free(torn);
  return chi_agree(b->comm, s);
}

chi_status chi_boot_verify(chi_bootstrap *b, const chi_study *study,
                           const chi_bootstrap_content *content)
{
  int64_t n_named = 0;
  for (int32_t a = 0; a < b->n_groups; a++) CHI_TRY(verify_group(b, study, content, a, &n_named));
  if (b->rank == 0 && n_named > MAX_NAMED)
    chi_log(CHI_LOG_WARNING, "%s: and blocks of %lld more models", b->path,
            (long long)(n_named - MAX_NAMED));
  return CHI_OK;
}
