/* chiasm bootstrap: its options, then one call. */
#include "stage/bootstrap.h"

#include <string.h>

#include "base/agree.h"
#include "cli/stage.h"

chi_status chi_cli_bootstrap_stage(chi_cli *cli, const char *run, chi_run_mode mode)
{
  const chi_options *o = cli->options;
  chi_cli_stage stage = {0};
  chi_bootstrap_options boot = {.models = chi_opt_text(o, "models"),
                                .replicates = chi_opt_int(o, "replicates"),
                                .seed = (uint64_t)chi_opt_int(o, "seed"),
                                .layers = (chi_layer_selection)chi_opt_choice(o, "layer-selection"),
                                .min_bins = chi_cli_min_bins(o),
                                .keep = !chi_opt_flag(o, "no-keep-replicates")};
  int64_t failed = 0;
  if (strcmp(chi_opt_text(o, "block"), "auto") != 0)
    CHI_TRY(chi_cli_count(o, "block", "auto or a number of events, 1 or more", &boot.block_length));
  CHI_TRY(chi_agree(cli->comm,
                    cli->rank == 0 ? chi_store_look(run, &chi_bootstrap_schema, mode) : CHI_OK));
  chi_status s = chi_cli_stage_begin(cli, "bootstrap", run, mode, &stage);
  boot.stage = stage.options;
  if (s == CHI_OK) s = chi_bootstrap_stage(cli->comm, &boot, &failed);
  return chi_cli_stage_end(cli, &stage, s, failed);
}

chi_status chi_cli_bootstrap(chi_cli *cli)
{
  chi_run_mode mode;
  CHI_TRY(chi_cli_mode(cli->options, &mode));
  return chi_cli_bootstrap_stage(cli, chi_opt_argument(cli->options, 0), mode);
}
