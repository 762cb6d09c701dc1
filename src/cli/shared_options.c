/* The options that several commands share. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "cli/cli.h"

chi_selection chi_cli_selection(const chi_options *o)
{
  return (chi_selection){chi_opt_text(o, "subjects"), chi_opt_text(o, "alignments"),
                         chi_opt_text(o, "models"), chi_opt_text(o, "layers"),
                         chi_opt_flag(o, "allow-missing")};
}

static int compare_reals(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The penalties ascending, each once. They are stored as float32, so they must differ as such. */
static chi_status sort_alphas(const chi_options *o, double **alphas, int32_t *n_alphas)
{
  int n;
  const double *given = chi_opt_reals(o, "alphas", &n);
  CHI_TRY(chi_alloc(n, sizeof **alphas, "alphas", alphas));
  memcpy(*alphas, given, (size_t)n * sizeof **alphas);
  qsort(*alphas, (size_t)n, sizeof **alphas, compare_reals);
  for (int i = 1; i < n; i++)
    if ((float)(*alphas)[i] == (float)(*alphas)[i - 1])
      return chi_fail(CHI_ERR_USAGE, "--alphas: %g is given twice", (*alphas)[i]);
  *n_alphas = n;
  return CHI_OK;
}

chi_status chi_cli_encode_options(const chi_cli *cli, const chi_options *fit,
                                  chi_encode_options *encode)
{
  double *alphas = NULL;
  *encode = (chi_encode_options){
      .folds = (int32_t)chi_opt_int(fit, "folds"),
      .precision = CHI_REAL32,
      .threads = chi_threads_choose(cli->comm, chi_opt_int(cli->options, "threads"))};
  const chi_status s = sort_alphas(fit, &alphas, &encode->n_alphas);
  encode->alphas = alphas;
  return s;
}

chi_status chi_cli_fit_options(const chi_cli *cli, const chi_options *fit,
                               chi_encode_options *encode)
{
  CHI_TRY(chi_cli_encode_options(cli, fit, encode));
  if (strcmp(chi_opt_text(fit, "precision"), "double") == 0) encode->precision = CHI_REAL64;
  encode->gap = chi_opt_real(fit, "gap");
  return CHI_OK;
}

void chi_cli_write_parts(const chi_options *options, const chi_command *but, chi_text *out)
{
  const unsigned parts = chi_options_command(options)->parts;
  for (int i = 0; i < chi_n_commands; i++)
    if ((chi_command_table[i].bit & parts) != 0 && &chi_command_table[i] != but)
      chi_options_write_yaml(options, &chi_command_table[i], out);
}

void chi_cli_write_again(const chi_options *options, chi_text *out)
{
  chi_text_add(out, "chiasm %s %s", chi_options_command(options)->name,
               chi_opt_argument(options, 0));
  if (chi_opt_has(options, "output")) chi_text_add(out, " -o %s", chi_opt_text(options, "output"));
  chi_text_add(out, " --resume");
}

chi_status chi_cli_mode(const chi_options *options, chi_run_mode *mode)
{
  const bool resume = chi_opt_flag(options, "resume");
  const bool overwrite = chi_opt_flag(options, "overwrite");
  if (resume && overwrite)
    return chi_fail(CHI_ERR_USAGE, "--resume and --overwrite exclude each other");
  if (chi_opt_has(options, "output") && chi_opt_text(options, "output") == NULL)
    return chi_fail(CHI_ERR_USAGE, "no folder to write; give -o RUN");
  *mode = resume ? CHI_RUN_RESUME : overwrite ? CHI_RUN_OVERWRITE : CHI_RUN_NEW;
  return CHI_OK;
}
