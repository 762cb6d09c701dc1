/* A look at what a command is going to read, in a child process: HDF5 crashes or computes for ever
 * on some damaged files, and that must not take a job with it. */
#include "study/guard.h"

#include "base/memory.h"
#include "chiasm/run.h"
#include "cli/cli.h"
#include "run/bootstrap_read.h"
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

static void look_at_files(const char *run)
{
  chi_fit_table *tables = NULL;
  chi_bootstrap_file *file = NULL;
  const chi_bootstrap_table *of_bootstrap;
  int32_t n = 0;
  if (chi_run_read_tables(run, &tables, &n) == CHI_OK) chi_fit_tables_free(&tables, n);
  if (chi_bootstrap_file_open(run, &file, &of_bootstrap, &n) == CHI_OK)
    chi_bootstrap_file_close(&file);
}

static void look_at_sites(const char *run)
{
  chi_fit_table *tables = NULL;
  int32_t n = 0;
  int64_t rows;
  if (chi_run_read_tables(run, &tables, &n) == CHI_OK) chi_sites_check(run, tables, n, NULL, &rows);
  chi_fit_tables_free(&tables, n);
}

static void look_at_run(const char *run)
{
  char *study = NULL;
  look_at_files(run);
  if (chi_run_read_text(run, "study", &study) == CHI_OK)
    look_at_study(study, &(chi_selection){.allow_missing = true});
  chi_free(study);
}

/* Whatever is wrong here is found and said again by the command itself. */
static int look_through(void *context)
{
  const look *l = context;
  if ((l->command->bit & (CHI_CMD_BOOTSTRAP | CHI_CMD_VERIFY)) != 0) {
    look_at_run(chi_opt_argument(l->options, 0));
    if (l->command->bit == CHI_CMD_VERIFY) look_at_sites(chi_opt_argument(l->options, 0));
  } else if (l->command->bit == CHI_CMD_MERGE) {
    for (int i = 1; i < chi_opt_n_arguments(l->options); i++)
      look_at_files(chi_opt_argument(l->options, i));
    look_at_run(chi_opt_argument(l->options, 0)); /* they are of one study */
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

chi_status chi_cli_guard(const chi_command *command, chi_options *options)
{
  look l = {command, options};
  int exit_code;
  const chi_status s = chi_guard_run(look_through, &l, &exit_code);
  /* verify was asked whether files are damaged: that they are is no bad usage */
  if (s == CHI_ERR_INPUT && command->bit == CHI_CMD_VERIFY)
    return chi_fail(CHI_ERR_IO, "%s", chi_message());
  return s;
}
