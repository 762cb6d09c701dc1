/* What several commands make of their options. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/statistics.h"
#include "base/threads.h"
#include "cli/cli.h"

chi_selection chi_cli_selection(const chi_options *o)
{
  return (chi_selection){chi_opt_text(o, "subjects"), chi_opt_text(o, "alignments"),
                         chi_opt_text(o, "models"), chi_opt_text(o, "layers"),
                         chi_opt_flag(o, "allow-missing")};
}

chi_status chi_cli_reals(const chi_options *options, const char *name, int n, const char *expected,
                         double *out)
{
  int given;
  const double *values = chi_opt_reals(options, name, &given);
  if (given != n)
    return chi_fail(CHI_ERR_USAGE, "--%s: expected %s, not %d", name, expected, given);
  memcpy(out, values, (size_t)n * sizeof *out);
  return CHI_OK;
}

int64_t chi_cli_min_bins(const chi_options *options)
{
  return chi_opt_has(options, "min-bins") ? chi_opt_int(options, "min-bins") : 0;
}

chi_status chi_cli_count(const chi_options *options, const char *name, const char *expected,
                         int64_t *out)
{
  const char *text = chi_opt_text(options, name);
  char *end;
  errno = 0;
  *out = strtoll(text, &end, 10);
  if (errno == 0 && *end == '\0' && end != text && *out >= 1 && *out <= INT32_MAX) return CHI_OK;
  return chi_fail(CHI_ERR_USAGE, "--%s %.80s: expected %s", name, text, expected);
}

/* The penalties ascending, each once. They are stored as float32, so they must differ as such. */
static chi_status sort_alphas(const chi_options *o, double **alphas, int32_t *n_alphas)
{
  int n;
  const double *given = chi_opt_reals(o, "alphas", &n);
  CHI_TRY(chi_alloc(n, sizeof **alphas, "alphas", alphas));
  memcpy(*alphas, given, (size_t)n * sizeof **alphas);
  qsort(*alphas, (size_t)n, sizeof **alphas, chi_compare_reals);
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
  const bool is_double =
      chi_opt_has(fit, "precision") && strcmp(chi_opt_text(fit, "precision"), "double") == 0;
  *encode = (chi_encode_options){
      .folds = (int32_t)chi_opt_int(fit, "folds"),
      .gap = chi_opt_has(fit, "gap") ? chi_opt_real(fit, "gap") : 0,
      .precision = is_double ? CHI_REAL64 : CHI_REAL32,
      .threads = chi_threads_choose(cli->comm, chi_opt_int(cli->options, "threads"))};
  const chi_status s = sort_alphas(fit, &alphas, &encode->n_alphas);
  encode->alphas = alphas;
  return s;
}

void chi_cli_write_again(const chi_options *options, chi_text *out)
{
  chi_text_add(out, "chiasm %s %s", chi_options_command(options)->name,
               chi_opt_argument(options, 0));
  if (chi_opt_has(options, "output")) chi_text_add(out, " -o %s", chi_opt_text(options, "output"));
  chi_text_add(out, " --resume");
}

const char *chi_cli_own_run(const chi_options *options)
{
  return chi_opt_has(options, "output") ? chi_opt_text(options, "output")
                                        : chi_opt_argument(options, 0);
}

chi_status chi_cli_mode(const chi_options *options, chi_run_mode *mode)
{
  const bool resume = chi_opt_flag(options, "resume");
  const bool overwrite = chi_opt_flag(options, "overwrite");
  if (resume && overwrite)
    return chi_fail(CHI_ERR_USAGE, "--resume and --overwrite exclude each other");
  *mode = resume ? CHI_RUN_RESUME : overwrite ? CHI_RUN_OVERWRITE : CHI_RUN_NEW;
  return CHI_OK;
}

chi_status chi_cli_print(const chi_cli *cli, chi_status status, chi_text *report)
{
  if (status == CHI_OK && cli->rank == 0) status = chi_text_print(report);
  chi_text_free(report);
  return status;
}

bool chi_cli_does(const chi_options *options, const char *stage)
{
  const chi_command *command = chi_options_command(options);
  const unsigned bit = chi_program_command(chi_options_program(options), stage)->bit;
  return ((command->bit | command->parts) & bit) != 0 && chi_cli_wants(options, stage);
}

bool chi_cli_wants(const chi_options *options, const char *stage)
{
  if (!chi_opt_has(options, "uncertainty")) return true;
  const char *chosen = chi_opt_text(options, "uncertainty");
  return (strcmp(stage, "influence") != 0 && strcmp(stage, "bootstrap") != 0) ||
         strcmp(chosen, "both") == 0 || strcmp(chosen, stage) == 0;
}
