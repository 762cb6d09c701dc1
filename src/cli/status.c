/* chiasm status RUN. */
#include "store/status.h"

#include "cli/cli.h"

chi_status chi_cli_status(chi_cli *cli)
{
  return chi_run_status(chi_opt_argument(cli->options, 0), &cli->exit_code);
}
