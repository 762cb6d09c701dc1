/* Options from files: rank 0 reads the text, all ranks understand it alike. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/agree.h"
#include "base/memory.h"
#include "cli/cli.h"

enum { MAX_FILE = 1 << 20 }; /* far more than any file of options */

/* The whole file as a string. A missing one is an empty text if it `may_miss`. */
static chi_status read_text(const char *path, bool may_miss, char **text)
{
  CHI_TRY(chi_alloc(MAX_FILE + 1, 1, path, text));
  FILE *f = fopen(path, "r");
  if (f == NULL && may_miss && (errno == ENOENT || errno == ENOTDIR)) return CHI_OK;
  if (f == NULL) return chi_fail(CHI_ERR_INPUT, "%s: cannot be read: %s", path, strerror(errno));
  const size_t n = fread(*text, 1, MAX_FILE + 1, f);
  const bool failed = ferror(f) != 0;
  const int reason = errno;
  fclose(f);
  if (failed) return chi_fail(CHI_ERR_INPUT, "%s: cannot be read: %s", path, strerror(reason));
  if (n > MAX_FILE)
    return chi_fail(CHI_ERR_INPUT, "%s: over %d bytes; no file of options is so long", path,
                    MAX_FILE);
  (*text)[n] = '\0';
  if (strlen(*text) != n) return chi_fail(CHI_ERR_INPUT, "%s: holds a NUL byte", path);
  return CHI_OK;
}

static chi_status shared_text(MPI_Comm comm, int rank, const char *path, bool may_miss, char **text)
{
  chi_status s = CHI_OK;
  if (rank == 0) s = read_text(path, may_miss, text);
  if (comm == MPI_COMM_NULL) return s;
  CHI_TRY(chi_agree(comm, s));
  void *bytes = *text;
  int64_t n = rank == 0 ? (int64_t)strlen(*text) + 1 : 0;
  s = chi_bcast_bytes(comm, 0, &bytes, &n);
  *text = bytes;
  return s;
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

/* Read one file of options. The first `n_refused` of the choosing ones must not be in it. */
static chi_status read_file(MPI_Comm comm, int rank, const chi_command *command, const char *path,
                            bool may_miss, const char *others, int n_refused, chi_options *options)
{
  bool before[N_CHOOSING];
  for (int i = 0; i < n_refused; i++)
    before[i] = has(command, choosing[i]) && chi_opt_given(options, choosing[i]);
  char *text = NULL;
  chi_status s = shared_text(comm, rank, path, may_miss, &text);
  if (s == CHI_OK)
    s = chi_options_read_yaml(options, chi_command_table, chi_n_commands, text, path, others);
  for (int i = 0; s == CHI_OK && i < n_refused; i++)
    if (has(command, choosing[i]) && chi_opt_given(options, choosing[i]) != before[i])
      s = chi_fail(CHI_ERR_INPUT, "%s: `%s` cannot be set here; give it on the command line", path,
                   choosing[i]);
  chi_free(text);
  return s;
}

static chi_status path_of(chi_text *path, const char *folder, const char *name)
{
  chi_text_add(path, "%s/%s", folder, name);
  return path->failed ? chi_fail(CHI_ERR_MEMORY, "no memory for a path") : CHI_OK;
}

chi_status chi_cli_read_files(MPI_Comm comm, int rank, const chi_command *command,
                              chi_options *options)
{
  chi_text path = {0};
  chi_status s = CHI_OK;
  if (has(command, "config") && chi_opt_given(options, "config"))
    s = read_file(comm, rank, command, chi_opt_text(options, "config"), false, "", 0, options);
  if (s == CHI_OK && has(command, "resume") && chi_opt_flag(options, "resume") &&
      chi_opt_given(options, "output")) {
    /* where it is missing, opening the run says so better */
    s = path_of(&path, chi_opt_text(options, "output"), "config.yaml");
    if (s == CHI_OK) s = read_file(comm, rank, command, path.s, true, "", N_CHOOSING, options);
    chi_text_free(&path);
  }
  if (s == CHI_OK && (command->bit & (CHI_CMD_CHECK | CHI_CMD_FIT)) != 0) {
    s = path_of(&path, chi_opt_argument(options, 0), "study.yaml");
    if (s == CHI_OK)
      s = read_file(comm, rank, command, path.s, true, "title,contrasts", N_CHOOSING, options);
    chi_text_free(&path);
  }
  return s;
}
