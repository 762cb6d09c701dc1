/* chiasm verify RUN. */
#include "store/verify.h"

#include "cli/cli.h"

chi_status chi_cli_verify(chi_cli *cli)
{
  chi_verify_result result;
  CHI_TRY(chi_verify(cli->comm, chi_opt_argument(cli->options, 0), &result));
  cli->exit_code = result.problems > 0 ? 1 : result.unfinished ? 3 : 0;
  return CHI_OK;
}
