/* A look at what a command is going to read, in a child process: HDF5 crashes or computes for ever
 * on some damaged files, and that must not take a job with it. */
#include "study/guard.h"

#include "base/memory.h"
#include "chiasm/run.h"
#include "cli/cli.h"
#include "store/aside.h"
#include "store/lock.h"
#include "store/sites_check.h"
#include "store/store.h"

static void look_at_study(const char *path, const chi_selection *selection)
{
  chi_study *study = NULL;
  chi_study_open(path, selection, NULL, &study);
  chi_study_destroy(&study);
}

/* What a file of a run says of itself, and all its flags. */
static void look_at_file(const char *run, const chi_schema *schema)
{
  chi_store *store = NULL;
  chi_content labels;
  if (chi_store_open_read(run, schema, &store, &labels) == CHI_OK) chi_content_free(&labels);
  chi_store_finish(&store, CHI_OK);
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

void chi_look_run(chi_options *options)
{
  look_at_file(chi_opt_argument(options, 0), &chi_fit_schema);
  look_at_study_of(options);
}

void chi_look_merge(chi_options *options)
{
  for (int i = 0; i < chi_opt_n_arguments(options); i++)
    for (int file = 0; file < CHI_N_RESULTS; file++)
      look_at_file(chi_opt_argument(options, i), chi_results[file]);
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

/* A file that is to be gone on with. */
typedef struct own_file {
  const char *run;
  const chi_schema *schema;
} own_file;

static int look_at_own(void *context)
{
  const own_file *own = context;
  look_at_file(own->run, own->schema);
  return 0;
}

/* One on which HDF5 crashes is no reason to stop, it is put aside and made again. Where another job
 * holds the run, that is said later. */
static chi_status guard_own(const char *run, const chi_schema *schema)
{
  int exit_code = 0, lock = -1;
  const chi_status s = chi_guard_run(look_at_own, &(own_file){run, schema}, &exit_code);
  /* a child that was ended by what watches its memory has no signal to show */
  if (s == CHI_OK && exit_code == 0) return CHI_OK;
  if (s != CHI_OK && s != CHI_ERR_INPUT) return s;
  if (chi_lock_alone(run, 0, &lock) != CHI_OK) return CHI_OK;
  chi_fail(CHI_ERR_INPUT, "%s/%s: is damaged: HDF5 does not survive reading it", run, schema->file);
  const chi_status aside = chi_put_aside(run, schema, NULL);
  chi_lock_release(&lock);
  return aside;
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
  CHI_TRY(s);
  const bool resume = chi_opt_has(options, "resume") && chi_opt_flag(options, "resume");
  const char *run = resume ? chi_cli_own_run(options) : NULL;
  for (int file = 0; file < CHI_N_RESULTS && run != NULL; file++)
    if (chi_cli_does(options, chi_results[file]->stage)) CHI_TRY(guard_own(run, chi_results[file]));
  return CHI_OK;
}
