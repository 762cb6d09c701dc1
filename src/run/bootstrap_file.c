/* Opening bootstrap.h5 on all ranks, writing into it and reading it back. */
#include "run/bootstrap_file.h"

#include <stdio.h>
#include <string.h>

#include "base/agree.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "h5/h5.h"
#include "h5/whole.h"
#include "run/bootstrap_internal.h"
#include "run/config.h"
#include "run/folder.h"
#include "run/lock.h"
#include "run/repair.h"

/* A killed job's ranks may live on for some seconds, and --resume often follows at once. */
static const double lock_wait_s = 30;

const char *chi_boot_table_name(int table)
{
  static const char *const names[] = {"val_r", "test_r", "checksum", "done", "summarised"};
  return table < CHI_BOOT_SUMMARY ? names[table] : chi_summary_names[table - CHI_BOOT_SUMMARY];
}

chi_status chi_bootstrap_check(const char *run, chi_run_mode mode)
{
  if (!chi_run_folder_has(run, "fit.h5"))
    return chi_fail(CHI_ERR_USAGE, "%s: holds no fit.h5; chiasm fit STUDY -o %s comes first", run,
                    run);
  if (mode == CHI_RUN_NEW && chi_run_folder_has(run, "bootstrap.h5"))
    return chi_fail(CHI_ERR_USAGE,
                    "%s: is bootstrapped already; --resume goes on with it, --overwrite starts it "
                    "again",
                    run);
  return CHI_OK;
}

/* What chi_repair asks. */
typedef struct chi_expected {
  const chi_bootstrap *b;
  const chi_study *study;
  const chi_provenance *provenance;
  const chi_bootstrap_content *content;
  bool dropped;
} chi_expected;

/* A file without replicates has no checksums of what it holds. */
static chi_status check_file(void *context, bool cut)
{
  chi_expected *e = context;
  CHI_TRY(chi_boot_check(e->b->folder, e->study, e->provenance, e->content, &e->dropped));
  if (!cut || !e->dropped) return CHI_OK;
  e->dropped = false;
  return chi_fail(CHI_ERR_INPUT, "%s: was cut short, and its replicates had been dropped",
                  e->b->path);
}

/* Take up the file that is there. */
static chi_status take_up(chi_bootstrap *b, const chi_study *study,
                          const chi_provenance *provenance, const chi_bootstrap_content *content,
                          bool *resumed)
{
  chi_expected expected = {b, study, provenance, content, false};
  bool renew = false;
  const char *tables[CHI_N_BOOT_TABLES];
  for (int t = 0; t < CHI_N_BOOT_TABLES; t++) tables[t] = chi_boot_table_name(t);
  const chi_repair_file file = {.name = "bootstrap.h5",
                                .stage = "bootstrap",
                                .section = provenance->later_config,
                                .table = tables,
                                .n_tables = CHI_N_BOOT_TABLES,
                                .most = chi_boot_bytes(study, provenance, content)};
  CHI_TRY(chi_repair(b->folder, &file, provenance, check_file, &expected, &renew));
  b->dropped = expected.dropped;
  *resumed = !renew;
  return CHI_OK;
}

/* Rank 0: make bootstrap.h5, or take up what is there, with the lock held alone. */
static chi_status prepare(chi_bootstrap *b, chi_run_mode mode, const chi_study *study,
                          const chi_provenance *provenance, const chi_bootstrap_content *content,
                          bool *resumed)
{
  CHI_TRY(chi_lock_alone(b->folder, mode == CHI_RUN_NEW ? 0 : lock_wait_s, &b->lock));
  CHI_TRY(chi_bootstrap_check(b->folder, mode)); /* another job may have been faster */
  chi_run_folder_clear_unfinished(b->folder);
  *resumed = mode == CHI_RUN_RESUME && chi_run_folder_has(b->folder, "bootstrap.h5");
  if (*resumed)
    CHI_TRY(take_up(b, study, provenance, content, resumed));
  else
    CHI_TRY(chi_run_folder_clear_later(b->folder));
  /* The options before the file: whoever finds one goes on with these. */
  CHI_TRY(chi_config_put(b->folder, "bootstrap", provenance->later_config));
  if (!*resumed) CHI_TRY(chi_boot_create(b->folder, study, provenance, content, b->size));
  return chi_lock_shared(b->folder, true, &b->lock);
}

chi_status chi_boot_open_tables(chi_bootstrap *b, int32_t a, const char *alignment)
{
  chi_bootstrap_group *g = &b->group[a];
  for (int t = 0; t < CHI_N_BOOT_TABLES; t++) {
    char name[512];
    snprintf(name, sizeof name, "%s/%s", alignment, chi_boot_table_name(t));
    g->table[t] = H5Dopen2(b->file, name, H5P_DEFAULT);
    if (g->table[t] < 0)
      return chi_fail(CHI_ERR_IO, "%s: /%s cannot be opened (%s)", b->path, name, chi_h5_reason());
  }
  return CHI_OK;
}

/* Every rank opens the file for raw data only: from here on its metadata never changes. */
static chi_status open_parallel(chi_bootstrap *b, const chi_study *study)
{
  chi_h5_lock();
  chi_status s = chi_h5_open_shared(b->comm, b->path, &b->file);
  for (int32_t a = 0; a < b->n_groups && s == CHI_OK; a++)
    s = chi_boot_open_tables(b, a, study->alignments[a].name);
  chi_h5_unlock();
  return s;
}

static chi_status create(const char *run, const chi_study *study,
                         const chi_bootstrap_content *content, chi_bootstrap *b)
{
  CHI_TRY(chi_path_join(b->path, run, "bootstrap.h5"));
  snprintf(b->folder, sizeof b->folder, "%s", run);
  b->n_replicates = content->n_replicates;
  b->n_blocks = (content->n_replicates + CHI_REPLICATE_BLOCK - 1) / CHI_REPLICATE_BLOCK;
  CHI_TRY(chi_alloc(study->n_alignments, sizeof *b->group, "bootstrap", &b->group));
  b->n_groups = study->n_alignments;
  for (int32_t a = 0; a < b->n_groups; a++) {
    const chi_alignment *al = &study->alignments[a];
    chi_bootstrap_group *g = &b->group[a];
    *g = (chi_bootstrap_group){
        .n_rows = content->rows[a].n_rows, .n_sites = al->n_sites, .n_times = al->n_times};
    for (int t = 0; t < CHI_N_BOOT_TABLES; t++) g->table[t] = -1;
    CHI_TRY(chi_alloc(g->n_rows * g->n_sites * b->n_blocks, 1, "flags", &g->done));
  }
  return CHI_OK;
}

static chi_status open_all(chi_bootstrap *b, chi_run_mode mode, const chi_study *study,
                           const chi_provenance *provenance, const chi_bootstrap_content *content)
{
  bool resumed = false;
  chi_status s = CHI_OK;
  if (b->rank == 0) s = prepare(b, mode, study, provenance, content, &resumed);
  CHI_TRY(chi_agree(b->comm, s));
  if (b->rank != 0) s = chi_lock_shared(b->folder, false, &b->lock);
  CHI_TRY(chi_agree(b->comm, s));
  MPI_Bcast(&resumed, 1, MPI_C_BOOL, 0, b->comm);
  MPI_Bcast(&b->dropped, 1, MPI_C_BOOL, 0, b->comm);
  if (b->dropped) return CHI_OK;
  CHI_TRY(chi_agree(b->comm, open_parallel(b, study)));
  return resumed ? chi_boot_verify(b, study, content) : CHI_OK;
}

chi_status chi_bootstrap_open(MPI_Comm comm, const char *run, chi_run_mode mode,
                              const chi_study *study, const chi_provenance *provenance,
                              const chi_bootstrap_content *content, chi_bootstrap **out)
{
  *out = NULL;
  chi_bootstrap *b = NULL;
  chi_status s = chi_alloc(1, sizeof *b, "bootstrap", &b);
  if (s == CHI_OK) {
    *b = (chi_bootstrap){.comm = MPI_COMM_NULL, .lock = -1, .file = -1};
    s = create(run, study, content, b);
  }
  s = chi_agree(comm, s);
  if (s == CHI_OK) {
    MPI_Comm_dup(comm, &b->comm);
    MPI_Comm_rank(comm, &b->rank);
    MPI_Comm_size(comm, &b->size);
    s = open_all(b, mode, study, provenance, content);
  }
  if (s == CHI_OK) {
    *out = b;
    return CHI_OK;
  }
  char message[CHI_MESSAGE_MAX];
  snprintf(message, sizeof message, "%s", chi_message());
  chi_bootstrap_close(&b);
  return chi_fail(s, "%s", message);
}

chi_status chi_bootstrap_close(chi_bootstrap **pointer)
{
  chi_bootstrap *b = *pointer;
  if (b == NULL) return CHI_OK;
  *pointer = NULL;
  chi_status s = CHI_OK;
  chi_h5_lock();
  for (int32_t a = 0; a < b->n_groups; a++)
    for (int t = 0; t < CHI_N_BOOT_TABLES; t++)
      if (b->group[a].table[t] >= 0) H5Dclose(b->group[a].table[t]);
  if (b->file >= 0 && H5Fclose(b->file) < 0)
    s = chi_fail(CHI_ERR_IO, "%s: cannot be closed (%s)", b->path, chi_h5_reason());
  chi_h5_unlock();
  chi_lock_release(&b->lock); /* first: who comes back from here finds it free */
  if (b->comm != MPI_COMM_NULL) {
    s = chi_agree(b->comm, s);
    MPI_Comm_free(&b->comm);
  }
  for (int32_t a = 0; a < b->n_groups; a++) chi_free(b->group[a].done);
  chi_free(b->group);
  chi_free(b);
  return s;
}

const uint8_t *chi_bootstrap_done(const chi_bootstrap *b, int32_t alignment)
{
  return b->group[alignment].done;
}

int64_t chi_bootstrap_torn(const chi_bootstrap *b) { return b->torn; }

bool chi_bootstrap_dropped(const chi_bootstrap *b) { return b->dropped; }

int64_t chi_boot_block_size(const chi_bootstrap *b, int64_t block)
{
  const int64_t left = b->n_replicates - block * CHI_REPLICATE_BLOCK;
  return left < CHI_REPLICATE_BLOCK ? left : CHI_REPLICATE_BLOCK;
}

herr_t chi_boot_transfer(const chi_bootstrap_group *group, int table, bool write, int64_t row,
                         int64_t site, int64_t first, int64_t n, void *memory)
{
  const bool numbers = table <= CHI_BOOT_TEST_R, summary = table >= CHI_BOOT_SUMMARY;
  const hid_t type = numbers || summary           ? H5T_NATIVE_FLOAT
                     : table == CHI_BOOT_CHECKSUM ? H5T_NATIVE_UINT64
                                                  : H5T_NATIVE_UINT8;
  const int rank = numbers ? 4 : table == CHI_BOOT_SUMMARISED ? 2 : 3;
  const hsize_t third = summary ? (hsize_t)group->n_times : (hsize_t)n;
  const hsize_t start[] = {(hsize_t)row, (hsize_t)site, summary ? 0 : (hsize_t)first, 0};
  const hsize_t count[] = {1, 1, third, (hsize_t)group->n_times};
  const hid_t here = H5Screate_simple(rank, count, NULL);
  const hid_t there = H5Dget_space(group->table[table]);
  herr_t failed = here < 0 || there < 0 ? -1 : 0;
  if (failed >= 0) failed = H5Sselect_hyperslab(there, H5S_SELECT_SET, start, NULL, count, NULL);
  if (failed >= 0)
    failed = write ? H5Dwrite(group->table[table], type, here, there, H5P_DEFAULT, memory)
                   : H5Dread(group->table[table], type, here, there, H5P_DEFAULT, memory);
  const hid_t reasons = H5Eget_current_stack(); /* closing would forget them */
  if (here >= 0) H5Sclose(here);
  if (there >= 0) H5Sclose(there);
  H5Eset_current_stack(reasons);
  return failed;
}

chi_status chi_bootstrap_write(chi_bootstrap *b, int32_t alignment, int64_t row, int64_t site,
                               int64_t block, uint8_t done, const float *val_r, const float *test_r)
{
  const chi_bootstrap_group *g = &b->group[alignment];
  const int64_t first = block * CHI_REPLICATE_BLOCK, n = chi_boot_block_size(b, block);
  uint64_t checksum = chi_boot_checksum(n * g->n_times, val_r, test_r);
  /* The flag is true only after its replicates and checksum. HDF5 only reads what is cast. */
  const struct {
    int table;
    int64_t first, n;
    void *memory;
  } parts[] = {{CHI_BOOT_VAL_R, first, n, (void *)val_r},
               {CHI_BOOT_TEST_R, first, n, (void *)test_r},
               {CHI_BOOT_CHECKSUM, block, 1, &checksum},
               {CHI_BOOT_DONE, block, 1, &done}};
  chi_h5_lock();
  chi_status s = CHI_OK;
  for (size_t i = 0; i < sizeof parts / sizeof *parts && s == CHI_OK; i++)
    if (chi_boot_transfer(g, parts[i].table, true, row, site, parts[i].first, parts[i].n,
                          parts[i].memory) < 0)
      s = chi_h5_failed(b->path, chi_boot_table_name(parts[i].table));
  chi_h5_unlock();
  return s;
}

chi_status chi_bootstrap_read(chi_bootstrap *b, int32_t alignment, int64_t row, int64_t site,
                              float *val_r, float *test_r)
{
  const chi_bootstrap_group *g = &b->group[alignment];
  chi_h5_lock();
  herr_t failed = chi_boot_transfer(g, CHI_BOOT_VAL_R, false, row, site, 0, b->n_replicates, val_r);
  if (failed >= 0)
    failed = chi_boot_transfer(g, CHI_BOOT_TEST_R, false, row, site, 0, b->n_replicates, test_r);
  const chi_status s = failed < 0 ? chi_fail(CHI_ERR_IO, "%s: replicates cannot be read (%s)",
                                             b->path, chi_h5_reason())
                                  : CHI_OK;
  chi_h5_unlock();
  return s;
}

chi_status chi_bootstrap_write_summary(chi_bootstrap *b, int32_t alignment, int64_t row,
                                       int64_t site, const float *summary)
{
  const chi_bootstrap_group *g = &b->group[alignment];
  uint8_t yes = 1;
  chi_h5_lock();
  herr_t failed = 0;
  for (int i = 0; i < CHI_N_SUMMARIES && failed >= 0; i++)
    failed = chi_boot_transfer(g, CHI_BOOT_SUMMARY + i, true, row, site, 0, 0,
                               (void *)(summary + i * g->n_times));
  if (failed >= 0) failed = chi_boot_transfer(g, CHI_BOOT_SUMMARISED, true, row, site, 0, 0, &yes);
  const chi_status s = failed < 0 ? chi_h5_failed(b->path, "a summary") : CHI_OK;
  chi_h5_unlock();
  return s;
}
