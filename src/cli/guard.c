/* A look at what a command is going to read, in a child process: HDF5 crashes or computes for ever
 * on some damaged files, and that must not take a job with it. */
#include "study/guard.h"
#include "h5/h5.h"

#include "base/memory.h"
#include "chiasm/run.h"
#include "cli/cli.h"
#include "run/bootstrap_read.h"
#include "run/repair.h"
#include "run/sites_check.h"

typedef struct look {
  const chi_command *command;
  chi_options *options;
} look;

static void look_at_study(const char *path, const chi_selection *selection)
{
  chi_findings findings = {0};
  chi_study *study = NULL;
  chi_study_open(path, selection, &findings, &study);
  chi_study_destroy(&study);
  chi_findings_free(&findings);
}

static void look_at_texts(const char *run, const char *file)
{
  static const char *const names[] = {"config", "study_checksum", "run_blas_kernel"};
  for (int i = 0; i < 3; i++) {
    char *text = NULL;
    chi_run_read_file_text(run, file, names[i], &text);
    chi_free(text);
  }
}

static void look_at_fit(const char *run)
{
  chi_fit_table *tables = NULL;
  int32_t n = 0;
  if (chi_run_read_tables(run, &tables, &n) == CHI_OK) chi_fit_tables_free(&tables, n);
  look_at_texts(run, "fit.h5");
}

static void look_at_bootstrap(const char *run)
{
  chi_bootstrap_file *file = NULL;
  const chi_bootstrap_table *tables;
  int32_t n = 0;
  if (chi_bootstrap_file_open(run, &file, &tables, &n) == CHI_OK) chi_bootstrap_file_close(&file);
  look_at_texts(run, "bootstrap.h5");
}

static void look_at_sites(const char *run)
{
  chi_fit_table *tables = NULL;
  int32_t n = 0;
  int64_t rows;
  if (chi_run_read_tables(run, &tables, &n) == CHI_OK) chi_sites_check(run, tables, n, NULL, &rows);
  chi_fit_tables_free(&tables, n);
}

/* The study of a run, as far as it is found. */
static void look_at_study_of(const char *run)
{
  char *study = NULL;
  if (chi_run_read_text(run, "study", &study) == CHI_OK)
    look_at_study(study, &(chi_selection){.allow_missing = true});
  chi_free(study);
}

/* The runs that are read. */
static void look_at_runs(const look *l)
{
  for (int i = 0; i < chi_opt_n_arguments(l->options); i++) {
    const char *run = chi_opt_argument(l->options, i);
    look_at_fit(run);
    if (l->command->bit != CHI_CMD_BOOTSTRAP) look_at_bootstrap(run);
    if (l->command->bit == CHI_CMD_VERIFY) look_at_sites(run);
    if (i == 0) look_at_study_of(run); /* runs that are joined are of one study */
  }
}

/* Whatever is wrong here is found and said again by the command itself. */
static int look_through(void *context)
{
  const look *l = context;
  if ((l->command->bit & (CHI_CMD_BOOTSTRAP | CHI_CMD_VERIFY | CHI_CMD_MERGE)) != 0) {
    look_at_runs(l);
  } else if ((l->command->bit & (CHI_CMD_IMPORT_TREEBANK | CHI_CMD_IMPORT_EVENTS)) != 0) {
    chi_cli_import_look(l->command, l->options);
  } else if (l->command->bit == CHI_CMD_IMPORT_FEATURES) {
    chi_cli_import_features_look(l->options);
  } else if (chi_opt_n_arguments(l->options) == 0) {
    return 0; /* of plan --paper */
  } else if (chi_cli_read_files(MPI_COMM_NULL, 0, l->command, l->options) == CHI_OK) {
    const chi_selection selection = chi_cli_selection(l->options);
    look_at_study(chi_opt_argument(l->options, 0), &selection);
  }
  return 0;
}

static int look_at_own_fit(void *run)
{
  chi_h5_accept_cut(true);
  look_at_fit(run);
  return 0;
}

static int look_at_own_bootstrap(void *run)
{
  chi_h5_accept_cut(true);
  look_at_bootstrap(run);
  return 0;
}

/* The files that are to be gone on with: one on which HDF5 crashes is no reason to stop, it is made
 * again. */
static chi_status look_at_own(const chi_command *command, const chi_options *options)
{
  const char *run = command->bit == CHI_CMD_BOOTSTRAP ? chi_opt_argument(options, 0)
                                                      : chi_opt_text(options, "output");
  int exit_code = 0;
  if (run == NULL) return CHI_OK;
  for (int i = command->bit == CHI_CMD_BOOTSTRAP; i < (command->bit == CHI_CMD_FIT ? 1 : 2); i++) {
    const chi_status s =
        chi_guard_run(i == 0 ? look_at_own_fit : look_at_own_bootstrap, (void *)run, &exit_code);
    if (s != CHI_OK && s != CHI_ERR_INPUT) return s;
    /* a child that was ended by what watches its memory has no signal to show */
    if (s == CHI_ERR_INPUT || exit_code != 0) chi_repair_mark(i == 0 ? "fit.h5" : "bootstrap.h5");
  }
  return CHI_OK;
}

enum { RESUMES = CHI_CMD_FIT | CHI_CMD_BOOTSTRAP | CHI_CMD_RUN };

chi_status chi_cli_guard(const chi_command *command, chi_options *options)
{
  look l = {command, options};
  int exit_code;
  const chi_status s = chi_guard_run(look_through, &l, &exit_code);
  /* verify was asked whether files are damaged: that they are is no bad usage */
  if (s == CHI_ERR_INPUT && command->bit == CHI_CMD_VERIFY)
    return chi_fail(CHI_ERR_IO, "%s", chi_message());
  if (s != CHI_OK || (command->bit & RESUMES) == 0 || !chi_opt_flag(options, "resume")) return s;
  return look_at_own(command, options);
}
