/* chiasm bench sweep: its options, then one call. */
#include "bench/sweep.h"
#include "cli/cli.h"

chi_status chi_cli_bench_sweep(const chi_cli *cli, int *exit_code)
{
  (void)exit_code;
  chi_text report = {0};
  chi_status s = chi_bench_sweep(cli->comm, chi_opt_int(cli->options, "units"),
                                 chi_opt_flag(cli->options, "json"), &report);
  if (s == CHI_OK && cli->rank == 0) s = chi_text_print(&report);
  chi_text_free(&report);
  return s;
}
