/* chiasm sites RUN: options, then one call. */
#include "sites/sites.h"

#include "base/agree.h"
#include "base/threads.h"
#include "cli/cli.h"

chi_status chi_cli_sites_stage(const chi_cli *cli, const char *run)
{
  const chi_options *o = cli->options;
  chi_text config = {0};
  chi_status s = CHI_OK;
  chi_options_write_yaml(o, chi_program_command(chi_options_program(o), "sites"), &config);
  if (config.failed) s = chi_fail(CHI_ERR_MEMORY, "no memory for the configuration's text");
  const chi_sites_options sites = {
      .run = run,
      .test = (chi_sites_test)chi_opt_choice(o, "test"),
      .selection = (chi_sites_selection)chi_opt_choice(o, "selection"),
      .min_bins = chi_opt_int(o, "min-bins"),
      .fdr = chi_opt_real(o, "fdr"),
      .seed = (uint64_t)chi_opt_int(o, "seed"),
      .threads = chi_threads_choose(cli->comm, chi_opt_int(o, "threads")),
      .config = config.s};
  if (s == CHI_OK && cli->rank == 0) s = chi_sites(&sites);
  chi_text_free(&config);
  return chi_agree(cli->comm, s);
}

chi_status chi_cli_sites(chi_cli *cli)
{
  return chi_cli_sites_stage(cli, chi_opt_argument(cli->options, 0));
}
