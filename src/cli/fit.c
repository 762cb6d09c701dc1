/* chiasm fit: the options checked together, then one call. */
#include "fit/fit.h"

#include <stdlib.h>
#include <string.h>

#include "base/agree.h"
#include "base/memory.h"
#include "base/threads.h"
#include "cli/cli.h"
#include "linalg/kernel.h"
#include "study/guard.h"

static chi_status choose_mode(const chi_options *o, chi_run_mode *mode)
{
  const bool resume = chi_opt_flag(o, "resume"), overwrite = chi_opt_flag(o, "overwrite");
  if (resume && overwrite)
    return chi_fail(CHI_ERR_USAGE, "--resume and --overwrite exclude each other");
  if (chi_opt_text(o, "output") == NULL)
    return chi_fail(CHI_ERR_USAGE, "no folder to write; give -o RUN");
  *mode = resume ? CHI_RUN_RESUME : overwrite ? CHI_RUN_OVERWRITE : CHI_RUN_NEW;
  return CHI_OK;
}

typedef struct look {
  const chi_command *command;
  chi_options *options;
} look;

/* In a child process: whatever is wrong here is found and said again by the fit itself. */
static int look_through(void *context)
{
  const look *l = context;
  chi_findings findings = {0};
  chi_study *study = NULL;
  if (chi_cli_read_files(MPI_COMM_NULL, 0, l->command, l->options) == CHI_OK) {
    const chi_selection selection = chi_cli_selection(l->options);
    chi_study_open(chi_opt_argument(l->options, 0), &selection, &findings, &study);
  }
  chi_study_destroy(&study);
  chi_findings_free(&findings);
  return 0;
}

chi_status chi_cli_fit_guard(const chi_command *command, chi_options *options)
{
  look l = {command, options};
  int exit_code;
  return chi_guard_run(look_through, &l, &exit_code);
}

chi_status chi_cli_fit(const chi_cli *cli, int *exit_code)
{
  const chi_options *o = cli->options;
  chi_text config = {0}, libraries = {0};
  int64_t failed = 0;
  chi_fit_options fit = {.study = chi_opt_argument(o, 0),
                         .run = chi_opt_text(o, "output"),
                         .selection = chi_cli_selection(o),
                         .electrode_block = chi_opt_int(o, "electrode-block"),
                         .memory_per_rank = chi_opt_int(o, "memory-per-rank"),
                         .blas_kernel = chi_blas_kernel()};
  chi_status s = choose_mode(o, &fit.mode);
  if (s == CHI_OK) s = chi_cli_encode_options(cli, &fit.encode);
  chi_options_write_yaml(o, chi_cli_command(CHI_CMD_FIT), &config);
  chi_cli_versions(&libraries, ", ");
  if (s == CHI_OK && (config.failed || libraries.failed))
    s = chi_fail(CHI_ERR_MEMORY, "no memory for the configuration's text");
  s = chi_agree(cli->comm, s);
  if (s != CHI_OK) goto cleanup;
  fit.encode.precision =
      strcmp(chi_opt_text(o, "precision"), "double") == 0 ? CHI_REAL64 : CHI_REAL32;
  fit.encode.gap = chi_opt_real(o, "gap");
  fit.config = config.s;
  fit.libraries = libraries.s;
  s = chi_fit(cli->comm, &fit, &failed);
  if (s == CHI_OK && failed > 0) *exit_code = 1;
cleanup:
  chi_free((void *)fit.encode.alphas);
  chi_text_free(&config);
  chi_text_free(&libraries);
  return s;
}
