/* chiasm fit: the options checked together, then one call. */
#include "stage/fit.h"

#include <string.h>

#include "base/agree.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "linalg/kernel.h"

chi_status chi_cli_fit_stage(const chi_cli *cli, chi_run_mode mode, int *exit_code)
{
  const chi_options *o = cli->options;
  const chi_command *command = chi_cli_command(CHI_CMD_FIT);
  chi_text config = {0}, later = {0}, libraries = {0}, again = {0};
  int64_t failed = 0;
  chi_fit_options fit = {.study = chi_opt_argument(o, 0),
                         .run = chi_opt_text(o, "output"),
                         .mode = mode,
                         .selection = chi_cli_selection(o),
                         .electrode_block = chi_opt_int(o, "electrode-block"),
                         .memory_per_rank = chi_opt_int(o, "memory-per-rank"),
                         .blas_kernel = chi_blas_kernel()};
  chi_status s = chi_cli_fit_options(cli, o, &fit.encode);
  chi_options_write_yaml(o, command, &config);
  chi_cli_write_parts(o, command, &later);
  chi_cli_versions(&libraries, ", ");
  chi_cli_write_again(o, &again);
  if (s == CHI_OK && (config.failed || later.failed || libraries.failed || again.failed))
    s = chi_fail(CHI_ERR_MEMORY, "no memory for the configuration's text");
  s = chi_agree(cli->comm, s);
  if (s != CHI_OK) goto cleanup;
  fit.config = config.s;
  fit.later_config = later.s;
  fit.libraries = libraries.s;
  fit.again = again.s;
  s = chi_fit(cli->comm, &fit, &failed);
  if (s == CHI_OK && failed > 0) *exit_code = 1;
cleanup:
  chi_free((void *)fit.encode.alphas);
  chi_text_free(&config);
  chi_text_free(&later);
  chi_text_free(&libraries);
  chi_text_free(&again);
  return s;
}

chi_status chi_cli_fit(const chi_cli *cli, int *exit_code)
{
  chi_run_mode mode;
  CHI_TRY(chi_agree(cli->comm, chi_cli_mode(cli->options, &mode)));
  return chi_cli_fit_stage(cli, mode, exit_code);
}
