/* Options from files: rank 0 reads the text, all ranks understand it alike. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/agree.h"
#include "base/memory.h"
#include "chiasm/run.h"
#include "cli/cli.h"
#include "study/guard.h"

/* The whole file as a string. A missing one is an empty text if it `may_miss`. */
static chi_status read_text(const char *path, bool may_miss, char **text)
{
  if (may_miss && access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
    return chi_strdup("", text);
  return chi_text_read(path, path, text);
}

static chi_status shared_text(MPI_Comm comm, int rank, const char *path, bool may_miss, char **text)
{
  chi_status s = CHI_OK;
  if (rank == 0) s = read_text(path, may_miss, text);
  if (comm == MPI_COMM_NULL) return s;
  CHI_TRY(chi_agree(comm, s));
  return chi_bcast_text(comm, text);
}

/* The options that choose the files to be read, or say what becomes of RUN: a study must not set
 * them, and no file may name the next. */
static const char *const choosing[] = {"config", "output", "resume", "overwrite"};
enum { N_CHOOSING = sizeof choosing / sizeof *choosing };

static bool has(const chi_command *command, const char *name)
{
  for (int i = 0; i < chi_n_options; i++)
    if ((chi_option_table[i].commands & command->bit) != 0 &&
        strcmp(chi_option_table[i].name, name) == 0)
      return true;
  return false;
}

/* Whether the text sets none of the first `n_refused` choosing options, even if something stronger
 * has set them already: read alone, it leaves them as they are. */
static chi_status check_alone(const chi_command *command, const char *text, const char *path,
                              const char *others, int n_refused)
{
  chi_options *alone = NULL;
  chi_status s = chi_options_create(chi_option_table, chi_n_options, command, &alone);
  if (s == CHI_OK)
    s = chi_options_read_yaml(alone, chi_command_table, chi_n_commands, text, path, others);
  for (int i = 0; s == CHI_OK && i < n_refused; i++)
    if (has(command, choosing[i]) && chi_opt_given(alone, choosing[i]))
      s = chi_fail(CHI_ERR_INPUT, "%s: `%s` cannot be set here; give it on the command line", path,
                   choosing[i]);
  chi_options_destroy(&alone);
  return s;
}

static chi_status read_file(MPI_Comm comm, int rank, const chi_command *command, const char *path,
                            bool may_miss, const char *others, int n_refused, chi_options *options)
{
  char *text = NULL;
  chi_status s = shared_text(comm, rank, path, may_miss, &text);
  if (s == CHI_OK) s = check_alone(command, text, path, others, n_refused);
  if (s == CHI_OK)
    s = chi_options_read_yaml(options, chi_command_table, chi_n_commands, text, path, others);
  chi_free(text);
  return s;
}

static chi_status path_of(chi_text *path, const char *folder, const char *name)
{
  chi_text_add(path, "%s/%s", folder, name);
  return path->failed ? chi_fail(CHI_ERR_MEMORY, "no memory for a path") : CHI_OK;
}

static int look_at_run(void *run)
{
  char *study = NULL;
  chi_run_read_text(run, "study", &study);
  chi_free(study);
  return 0;
}

/* What fit.h5 says of its study; "" where that cannot be read, which the command itself tells
 * better. Under MPI the run has been looked through before. */
static chi_status study_of_run(bool guard, const char *run, char **out)
{
  int exit_code;
  if (guard) CHI_TRY(chi_guard_run(look_at_run, (void *)run, &exit_code));
  return chi_run_read_text(run, "study", out) == CHI_OK ? CHI_OK : chi_strdup("", out);
}

/* The study's folder: the command's argument, or that of its run. */
static chi_status study_of(MPI_Comm comm, int rank, const chi_command *command,
                           const chi_options *options, char **out)
{
  if (chi_opt_n_arguments(options) == 0) return chi_strdup("", out); /* plan --paper */
  const char *argument = chi_opt_argument(options, 0);
  if ((command->bit & (CHI_CMD_BOOTSTRAP | CHI_CMD_SITES)) == 0) return chi_strdup(argument, out);
  chi_status s = rank == 0 ? study_of_run(comm == MPI_COMM_NULL, argument, out) : CHI_OK;
  if (comm == MPI_COMM_NULL) return s;
  CHI_TRY(chi_agree(comm, s));
  return chi_bcast_text(comm, out);
}

enum {
  READS_STUDY_YAML = CHI_CMD_CHECK | CHI_CMD_FIT | CHI_CMD_BOOTSTRAP | CHI_CMD_SITES | CHI_CMD_RUN |
                     CHI_CMD_IMPORT_FEATURES | CHI_CMD_IMPORT_CONCAT | CHI_CMD_PLAN
};

chi_status chi_cli_read_files(MPI_Comm comm, int rank, const chi_command *command,
                              chi_options *options)
{
  chi_text path = {0};
  chi_status s = CHI_OK;
  if (has(command, "config") && chi_opt_given(options, "config")) /* it names no other file */
    s = read_file(comm, rank, command, chi_opt_text(options, "config"), false, "", 1, options);
  const char *run = command->bit == CHI_CMD_BOOTSTRAP ? chi_opt_argument(options, 0)
                    : has(command, "output")          ? chi_opt_text(options, "output")
                                                      : NULL;
  if (s == CHI_OK && has(command, "resume") && chi_opt_flag(options, "resume") && run != NULL) {
    /* where it is missing, opening the run says so better */
    s = path_of(&path, run, "config.yaml");
    if (s == CHI_OK) s = read_file(comm, rank, command, path.s, true, "", N_CHOOSING, options);
    chi_text_free(&path);
  }
  if (s == CHI_OK && (command->bit & READS_STUDY_YAML) != 0) {
    char *study = NULL;
    s = study_of(comm, rank, command, options, &study);
    if (s == CHI_OK) s = path_of(&path, study, "study.yaml");
    if (s == CHI_OK && study[0] != '\0')
      s = read_file(comm, rank, command, path.s, true, "title,contrasts", N_CHOOSING, options);
    chi_text_free(&path);
    chi_free(study);
  }
  return s;
}
