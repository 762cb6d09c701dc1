/* A look at what a command is going to read, in a child process: HDF5 crashes or computes for ever
 * on some damaged files, and that must not take a job with it. */
#include "study/guard.h"

#include "base/memory.h"
#include "chiasm/run.h"
#include "cli/cli.h"
#include "h5/h5.h"
#include "store/aside.h"
#include "store/bootstrap_read.h"
#include "store/lock.h"
#include "store/sites_check.h"

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

/* The study of the first run, as far as it is found; runs that are joined are of one. */
static void look_at_study_of(const chi_options *options)
{
  char *study = NULL;
  if (chi_run_read_text(chi_opt_argument(options, 0), "study", &study) == CHI_OK)
    look_at_study(study, &(chi_selection){.allow_missing = true});
  chi_free(study);
}

void chi_look_study(chi_options *options)
{
  if (chi_opt_n_arguments(options) == 0) return; /* plan --paper */
  if (chi_cli_read_files(&(chi_cli){.comm = MPI_COMM_NULL}, options) != CHI_OK) return;
  const chi_selection selection = chi_cli_selection(options);
  look_at_study(chi_opt_argument(options, 0), &selection);
}

void chi_look_bootstrap(chi_options *options)
{
  look_at_fit(chi_opt_argument(options, 0));
  look_at_study_of(options);
}

void chi_look_merge(chi_options *options)
{
  for (int i = 0; i < chi_opt_n_arguments(options); i++) {
    look_at_fit(chi_opt_argument(options, i));
    look_at_bootstrap(chi_opt_argument(options, i));
  }
  look_at_study_of(options);
}

void chi_look_verify(chi_options *options)
{
  const char *run = chi_opt_argument(options, 0);
  chi_fit_table *tables = NULL;
  int32_t n = 0;
  int64_t rows;
  chi_look_merge(options);
  if (chi_run_read_tables(run, &tables, &n) == CHI_OK) chi_sites_check(run, tables, n, NULL, &rows);
  chi_fit_tables_free(&tables, n);
}

static int look(void *options)
{
  chi_options_command(options)->look(options);
  return 0;
}

static int look_at_own_fit(void *run)
{
  look_at_fit(run);
  return 0;
}

static int look_at_own_bootstrap(void *run)
{
  look_at_bootstrap(run);
  return 0;
}

/* The files that are to be gone on with: one on which HDF5 crashes is no reason to stop, it is put
 * aside and made again. Where another job holds the run, that is said later. */
static chi_status look_at_own(const chi_command *command, const char *run)
{
  static const struct {
    const chi_schema *schema;
    chi_guard_work *look;
  } own[] = {{&chi_fit_schema, look_at_own_fit}, {&chi_bootstrap_schema, look_at_own_bootstrap}};
  for (int i = 0; i < 2; i++) {
    int exit_code = 0, lock = -1;
    if (((command->bit | command->parts) & chi_command_named(own[i].schema->stage)->bit) == 0)
      continue;
    const chi_status s = chi_guard_run(own[i].look, (void *)run, &exit_code);
    if (s != CHI_OK && s != CHI_ERR_INPUT) return s;
    /* a child that was ended by what watches its memory has no signal to show */
    if (s == CHI_OK && exit_code == 0) continue;
    if (chi_lock_alone(run, 0, &lock) != CHI_OK) continue;
    chi_fail(CHI_ERR_INPUT, "%s/%s: is damaged: HDF5 does not survive reading it", run,
             own[i].schema->file);
    const chi_status aside = chi_put_aside(run, own[i].schema, NULL);
    chi_lock_release(&lock);
    CHI_TRY(aside);
  }
  return CHI_OK;
}

chi_status chi_cli_guard(chi_options *options)
{
  const chi_command *command = chi_options_command(options);
  int exit_code;
  if (command->look == NULL) return CHI_OK;
  const chi_status s = chi_guard_run(look, options, &exit_code);
  /* verify was asked whether files are damaged: that they are is no bad usage */
  if (s == CHI_ERR_INPUT && command->look == chi_look_verify)
    return chi_fail(CHI_ERR_IO, "%s", chi_message());
  if (s != CHI_OK || !chi_opt_has(options, "resume") || !chi_opt_flag(options, "resume") ||
      chi_cli_own_run(options) == NULL)
    return s;
  return look_at_own(command, chi_cli_own_run(options));
}
