/* chiasm run: the stages one after the other. */
#include "base/agree.h"
#include "cli/cli.h"

chi_status chi_cli_run(const chi_cli *cli, int *exit_code)
{
  const char *run = chi_opt_text(cli->options, "output");
  chi_run_mode mode;
  CHI_TRY(chi_agree(cli->comm, chi_cli_mode(cli->options, &mode)));
  CHI_TRY(chi_cli_fit_stage(cli, mode, exit_code));
  CHI_TRY(chi_cli_bootstrap_stage(cli, run, mode, exit_code));
  return chi_cli_sites_stage(cli, run);
}
