#include <stdio.h>

#include "bench/project.h"
#include "cli/cli.h"

chi_status chi_cli_bench_project(const chi_cli *cli, int *exit_code)
{
  (void)exit_code;
  const chi_options *o = cli->options;
  const chi_bench_project_options options = {.events = chi_opt_int(o, "events"),
                                             .features = chi_opt_int(o, "features"),
                                             .eps = chi_opt_real(o, "eps"),
                                             .seed = (uint64_t)chi_opt_int(o, "seed"),
                                             .json = chi_opt_flag(o, "json")};
  chi_text report = {0};
  const chi_status s = chi_bench_project(cli->comm, &options, &report);
  if (s == CHI_OK && cli->rank == 0) fputs(report.s, stdout);
  chi_text_free(&report);
  return s;
}
