/* Options from files: rank 0 reads the text, all ranks understand it alike. */
#include <errno.h>
#include <unistd.h>

#include "base/agree.h"
#include "base/file.h"
#include "base/memory.h"
#include "chiasm/run.h"
#include "cli/cli.h"

/* The options that choose the files to be read, or say what becomes of RUN: a study must not set
 * them, and no file may name the next. */
static const char *const choosing[] = {"config", "output", "resume", "overwrite"};
enum { N_CHOOSING = sizeof choosing / sizeof *choosing };

/* A file that may set options. */
typedef struct source {
  const char *path;
  bool may_miss;      /* it then sets none */
  const char *others; /* its keys that are not ours */
  int n_refused;      /* how many of the choosing options it may not set */
} source;

/* The whole file as a string, on all ranks. */
static chi_status read_text(const chi_cli *cli, const source *from, char **text)
{
  chi_status s = CHI_OK;
  if (cli->rank == 0)
    s = from->may_miss && access(from->path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)
            ? chi_strdup("", text)
            : chi_text_read(from->path, from->path, text);
  CHI_TRY(chi_agree(cli->comm, s));
  return chi_bcast_text(cli->comm, text);
}

static chi_status take_text(chi_options *options, const source *from, const char *text)
{
  return chi_options_read_yaml(options, text, from->path, from->others);
}

/* Whether the text sets none of the refused options, even if something stronger has set them
 * already: read alone, it leaves them as they are. */
static chi_status check_alone(const chi_options *options, const source *from, const char *text)
{
  chi_options *alone = NULL;
  chi_status s =
      chi_options_create(chi_options_program(options), chi_options_command(options), &alone);
  if (s == CHI_OK) s = take_text(alone, from, text);
  for (int i = 0; s == CHI_OK && i < from->n_refused; i++)
    if (chi_opt_has(alone, choosing[i]) && chi_opt_given(alone, choosing[i]))
      s = chi_fail(CHI_ERR_INPUT, "%s: `%s` cannot be set here; give it on the command line",
                   from->path, choosing[i]);
  chi_options_destroy(&alone);
  return s;
}

static chi_status read_file(const chi_cli *cli, const source *from, chi_options *options)
{
  char *text = NULL;
  chi_status s = read_text(cli, from, &text);
  if (s == CHI_OK) s = check_alone(options, from, text);
  if (s == CHI_OK) s = take_text(options, from, text);
  chi_free(text);
  return s;
}

/* The study's folder: the command's argument, or what fit.h5 of its run says; "" where that cannot
 * be read, which the command itself tells better, and for plan --paper. */
static chi_status find_study(const chi_cli *cli, const chi_options *options, char **out)
{
  if (chi_opt_n_arguments(options) == 0) return chi_strdup("", out);
  const char *argument = chi_opt_argument(options, 0);
  if ((chi_options_command(options)->needs & CHI_CMD_OF_STUDY) != 0)
    return chi_strdup(argument, out);
  chi_status s = CHI_OK;
  if (cli->rank == 0 && chi_run_read_text(argument, "study", out) != CHI_OK)
    s = chi_strdup("", out);
  CHI_TRY(chi_agree(cli->comm, s));
  return chi_bcast_text(cli->comm, out);
}

static chi_status read_study_yaml(const chi_cli *cli, chi_options *options)
{
  char path[PATH_MAX], *study = NULL;
  const source from = {path, true, "title,contrasts", N_CHOOSING};
  chi_status s = find_study(cli, options, &study);
  if (s == CHI_OK && study[0] != '\0') {
    s = chi_path_join(path, study, "study.yaml");
    if (s == CHI_OK) s = read_file(cli, &from, options);
  }
  chi_free(study);
  return s;
}

chi_status chi_cli_read_files(const chi_cli *cli, chi_options *options)
{
  if (chi_opt_has(options, "config") &&
      chi_opt_given(options, "config")) { /* names no other file */
    const source from = {chi_opt_text(options, "config"), false, "", 1};
    CHI_TRY(read_file(cli, &from, options));
  }
  const bool resume = chi_opt_has(options, "resume") && chi_opt_flag(options, "resume");
  if (resume && chi_cli_own_run(options) != NULL) {
    char path[PATH_MAX];
    const source from = {path, true, "",
                         N_CHOOSING}; /* if it is missing, opening RUN says better */
    CHI_TRY(chi_path_join(path, chi_cli_own_run(options), "config.yaml"));
    CHI_TRY(read_file(cli, &from, options));
  }
  if ((chi_options_command(options)->needs & (CHI_CMD_OF_STUDY | CHI_CMD_OF_RUN)) == 0)
    return CHI_OK;
  return read_study_yaml(cli, options);
}
