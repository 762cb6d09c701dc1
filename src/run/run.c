/* Opening a run on all ranks, and writing into it. */
#include "chiasm/run.h"

#include <stdio.h>
#include <string.h>

#include "base/agree.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "h5/h5.h"
#include "h5/whole.h"
#include "run/fit_file.h"
#include "run/folder.h"
#include "run/internal.h"
#include "run/lock.h"
#include "run/repair.h"

static const char *const table_names[CHI_N_TABLES] = {"val_r", "test_r", "alpha", "checksum",
                                                      "done"};

/* A killed job's ranks may live on for some seconds, and --resume often follows at once. */
static const double lock_wait_s = 30;

/* Whether the folder is what the mode needs. */
static chi_status check_kind(const char *folder, chi_run_mode mode)
{
  chi_run_folder_kind kind;
  CHI_TRY(chi_run_folder_look(folder, &kind));
  if (kind == CHI_FOLDER_NO_FOLDER)
    return chi_fail(CHI_ERR_USAGE, "%s: is a file, expected a folder for the run", folder);
  if (mode == CHI_RUN_NEW && kind == CHI_FOLDER_RUN)
    return chi_fail(
        CHI_ERR_USAGE,
        "%s: holds a run already; --resume goes on with it, --overwrite starts it again", folder);
  if (kind == CHI_FOLDER_FOREIGN)
    return chi_fail(CHI_ERR_USAGE,
                    "%s: is a folder with other things in it, not a run of chiasm; choose another",
                    folder);
  /* A job that was killed before it made the folder is resumed too, by starting it. */
  return CHI_OK;
}

static chi_status write_config(const chi_run *run, const chi_provenance *provenance)
{
  chi_text text = {0};
  chi_text_add(&text, "%s%s", provenance->config,
               provenance->later_config == NULL ? "" : provenance->later_config);
  const chi_status s = text.failed ? chi_fail(CHI_ERR_MEMORY, "no memory for config.yaml")
                                   : chi_file_write(run->folder, "config.yaml", text.s, text.n);
  chi_text_free(&text);
  return s;
}

static chi_status make_fit_file(const chi_run *run, const chi_study *study,
                                const chi_provenance *provenance)
{
  CHI_TRY(chi_h5_check_space(run->folder, "fit.h5", chi_fit_file_bytes(study, provenance)));
  CHI_TRY(write_config(run, provenance));
  return chi_fit_file_create(run->folder, study, provenance, run->size);
}

/* What chi_repair asks. */
typedef struct chi_expected {
  const chi_run *run;
  const chi_study *study;
  const chi_provenance *provenance;
} chi_expected;

static chi_status check_fit_file(void *context, bool cut)
{
  (void)cut;
  const chi_expected *e = context;
  return chi_fit_file_check(e->run->folder, e->study, e->provenance);
}

static chi_status take_up(const chi_run *run, const chi_study *study,
                          const chi_provenance *provenance, bool *resumed)
{
  chi_expected expected = {run, study, provenance};
  const int64_t bytes = chi_fit_file_bytes(study, provenance);
  bool renew = false;
  chi_run_folder_clear_unfinished(run->folder);
  if (!chi_run_folder_has(run->folder, "fit.h5")) {
    chi_log(CHI_LOG_INFO, "%s: has no scores yet; the fit starts from nothing", run->folder);
    return make_fit_file(run, study, provenance);
  }
  const chi_repair_file file = {.name = "fit.h5",
                                .stage = "fit",
                                .section = provenance->config,
                                .table = table_names,
                                .n_tables = CHI_N_TABLES,
                                .most = bytes};
  CHI_TRY(chi_repair(run->folder, &file, provenance, check_fit_file, &expected, &renew));
  if (!chi_run_folder_has(run->folder, "config.yaml")) CHI_TRY(write_config(run, provenance));
  *resumed = !renew;
  if (!renew) return CHI_OK;
  /* config.yaml stays: it has the options of later stages, too */
  CHI_TRY(chi_h5_check_space(run->folder, "fit.h5", bytes));
  return chi_fit_file_create(run->folder, study, provenance, run->size);
}

/* Rank 0: make the folder and fit.h5, or take up what is there, with the lock held alone. */
static chi_status prepare(chi_run *run, chi_run_mode mode, const chi_study *study,
                          const chi_provenance *provenance, bool *resumed)
{
  char log[PATH_MAX];
  CHI_TRY(check_kind(run->folder, mode));
  /* An overwritten run gives its room back first; a new one leaves no trace where there is none. */
  if (mode == CHI_RUN_NEW)
    CHI_TRY(chi_h5_check_space(run->folder, "fit.h5", chi_fit_file_bytes(study, provenance)));
  CHI_TRY(chi_run_folder_make(run->folder));
  CHI_TRY(chi_lock_alone(run->folder, mode == CHI_RUN_NEW ? 0 : lock_wait_s, &run->lock));
  /* Another new run may have been faster between the look and the lock. */
  if (mode == CHI_RUN_NEW && chi_run_folder_has(run->folder, "config.yaml"))
    return check_kind(run->folder, mode);
  if (mode == CHI_RUN_OVERWRITE) CHI_TRY(chi_run_folder_clear(run->folder));
  if (mode == CHI_RUN_RESUME)
    CHI_TRY(take_up(run, study, provenance, resumed));
  else
    CHI_TRY(make_fit_file(run, study, provenance));
  CHI_TRY(chi_path_join(log, run->folder, "log.txt"));
  chi_log_set_file(log);
  return chi_lock_shared(run->folder, true, &run->lock);
}

chi_status chi_run_check(const char *path, chi_run_mode mode) { return check_kind(path, mode); }

chi_status chi_run_open_tables(chi_run *run, int32_t a, const char *alignment)
{
  chi_run_group *g = &run->group[a];
  CHI_TRY(chi_alloc(g->n_spaces * g->n_sites, 1, "flags", &g->done));
  for (int t = 0; t < CHI_N_TABLES; t++) {
    char name[512];
    snprintf(name, sizeof name, "%s/%s", alignment, table_names[t]);
    g->table[t] = H5Dopen2(run->file, name, H5P_DEFAULT);
    if (g->table[t] < 0)
      return chi_fail(CHI_ERR_IO, "%s: /%s cannot be opened (%s)", run->path, name,
                      chi_h5_reason());
  }
  return CHI_OK;
}

/* Every rank opens the file for raw data only: from here on its metadata never changes. */
static chi_status open_parallel(chi_run *run, const chi_study *study)
{
  chi_h5_lock();
  chi_status s = chi_h5_open_shared(run->comm, run->path, &run->file);
  for (int32_t a = 0; a < run->n_groups && s == CHI_OK; a++)
    s = chi_run_open_tables(run, a, study->alignments[a].name);
  chi_h5_unlock();
  return s;
}

static chi_status create(MPI_Comm comm, const char *path, const chi_study *study, chi_run **out)
{
  chi_run *run = NULL;
  CHI_TRY(chi_alloc(1, sizeof *run, "run", &run));
  *out = run;
  run->lock = -1;
  run->file = -1;
  run->comm = comm;
  MPI_Comm_rank(comm, &run->rank);
  MPI_Comm_size(comm, &run->size);
  CHI_TRY(chi_path_join(run->path, path, "fit.h5"));
  snprintf(run->folder, sizeof run->folder, "%s", path);
  CHI_TRY(chi_alloc(study->n_alignments, sizeof *run->group, "run", &run->group));
  run->n_groups = study->n_alignments;
  for (int32_t a = 0; a < run->n_groups; a++) {
    const chi_alignment *al = &study->alignments[a];
    run->group[a] = (chi_run_group){.n_spaces = al->n_spaces,
                                    .n_sites = al->n_sites,
                                    .n_times = al->n_times,
                                    .table = {-1, -1, -1, -1, -1}};
  }
  return CHI_OK;
}

static chi_status open_all(chi_run *run, chi_run_mode mode, const chi_study *study,
                           const chi_provenance *provenance)
{
  bool resumed = false;
  chi_status s = CHI_OK;
  if (run->rank == 0) s = prepare(run, mode, study, provenance, &resumed);
  CHI_TRY(chi_agree(run->comm, s));
  if (run->rank != 0) s = chi_lock_shared(run->folder, false, &run->lock);
  CHI_TRY(chi_agree(run->comm, s));
  CHI_TRY(chi_agree(run->comm, open_parallel(run, study)));
  MPI_Bcast(&resumed, 1, MPI_C_BOOL, 0, run->comm);
  return resumed ? chi_run_verify(run, study) : CHI_OK;
}

chi_status chi_run_open(MPI_Comm comm, const char *path, chi_run_mode mode, const chi_study *study,
                        const chi_provenance *provenance, chi_run **out)
{
  *out = NULL;
  chi_run *run = NULL;
  chi_status s = chi_agree(comm, create(comm, path, study, &run));
  if (s == CHI_OK) {
    MPI_Comm_dup(comm, &run->comm);
    s = open_all(run, mode, study, provenance);
  } else if (run != NULL) {
    run->comm = MPI_COMM_NULL;
  }
  if (s == CHI_OK) {
    *out = run;
    return CHI_OK;
  }
  char message[CHI_MESSAGE_MAX];
  snprintf(message, sizeof message, "%s", chi_message());
  chi_run_close(&run);
  return chi_fail(s, "%s", message);
}

chi_status chi_run_close(chi_run **pointer)
{
  chi_run *run = *pointer;
  if (run == NULL) return CHI_OK;
  *pointer = NULL;
  chi_status s = CHI_OK;
  chi_h5_lock();
  for (int32_t a = 0; a < run->n_groups; a++)
    for (int t = 0; t < CHI_N_TABLES; t++)
      if (run->group[a].table[t] >= 0) H5Dclose(run->group[a].table[t]);
  if (run->file >= 0 && H5Fclose(run->file) < 0)
    s = chi_fail(CHI_ERR_IO, "%s: cannot be closed (%s)", run->path, chi_h5_reason());
  chi_h5_unlock();
  if (run->comm != MPI_COMM_NULL) {
    s = chi_agree(run->comm, s);
    MPI_Comm_free(&run->comm);
  }
  chi_lock_release(&run->lock);
  for (int32_t a = 0; a < run->n_groups; a++) chi_free(run->group[a].done);
  chi_free(run->group);
  chi_free(run);
  return s;
}

const uint8_t *chi_run_done(const chi_run *run, int32_t alignment)
{
  return run->group[alignment].done;
}

int64_t chi_run_torn(const chi_run *run) { return run->torn; }
