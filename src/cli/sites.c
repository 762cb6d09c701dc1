/* chiasm sites RUN: options, then one call. */
#include <string.h>

#include "base/agree.h"
#include "base/log.h"
#include "base/threads.h"
#include "cli/cli.h"
#include "sites/sites.h"
#include "study/guard.h"

static int compare_in_child(void *context)
{
  const chi_status s = chi_sites(context);
  if (s == CHI_OK) return 0;
  chi_log(s == CHI_STOPPED ? CHI_LOG_WARNING : CHI_LOG_ERROR, "%s", chi_message());
  return chi_exit_code(s);
}

static chi_sites_test test_of(const char *name)
{
  int test = CHI_SITES_EVENTS;
  while (strcmp(chi_sites_test_names[test], name) != 0) test++;
  return (chi_sites_test)test;
}

static chi_status read_options(const chi_cli *cli, const char *run, chi_text *config,
                               chi_sites_options *sites)
{
  const chi_options *o = cli->options;
  chi_options_write_yaml(o, chi_cli_command(CHI_CMD_SITES), config);
  if (config->failed) return chi_fail(CHI_ERR_MEMORY, "no memory for the configuration's text");
  *sites = (chi_sites_options){.run = run,
                               .test = test_of(chi_opt_text(o, "test")),
                               .min_bins = chi_opt_int(o, "min-bins"),
                               .fdr = chi_opt_real(o, "fdr"),
                               .seed = (uint64_t)chi_opt_int(o, "seed"),
                               .threads = chi_threads_choose(cli->comm, chi_opt_int(o, "threads")),
                               .config = config->s};
  return CHI_OK;
}

chi_status chi_cli_sites_stage(const chi_cli *cli, const char *run)
{
  chi_text config = {0};
  chi_sites_options sites;
  chi_status s = read_options(cli, run, &config, &sites);
  if (s == CHI_OK && cli->rank == 0) s = chi_sites(&sites);
  chi_text_free(&config);
  return chi_agree(cli->comm, s);
}

chi_status chi_cli_sites(const chi_cli *cli, int *exit_code)
{
  chi_text config = {0};
  chi_sites_options sites;
  chi_status s = read_options(cli, chi_opt_argument(cli->options, 0), &config, &sites);
  if (s == CHI_OK) s = chi_guard_run(compare_in_child, &sites, exit_code);
  chi_text_free(&config);
  return s;
}
