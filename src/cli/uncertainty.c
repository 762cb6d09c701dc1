/* chiasm influence and chiasm bootstrap: their options, then one call. */
#include "stage/bootstrap.h"
#include "stage/influence.h"

#include <string.h>

#include "base/agree.h"
#include "cli/stage.h"

/* --block; 0: auto. */
static chi_status block_option(const chi_options *o, int64_t *length)
{
  *length = 0;
  if (strcmp(chi_opt_text(o, "block"), "auto") == 0) return CHI_OK;
  return chi_cli_count(o, "block", "auto or a number of events, 1 or more", length);
}

/* Look whether the run can have the stage's file, then begin. End in any case. */
static chi_status begin(const chi_cli *cli, const chi_schema *schema, const char *run,
                        chi_run_mode mode, chi_cli_stage *stage)
{
  CHI_TRY(chi_agree(cli->comm, cli->rank == 0 ? chi_store_look(run, schema, mode) : CHI_OK));
  return chi_cli_stage_begin(cli, schema->stage, run, mode, stage);
}

/* A stage as a command of its own. */
static chi_status on_argument(chi_cli *cli,
                              chi_status (*stage)(chi_cli *cli, const char *run, chi_run_mode mode))
{
  chi_run_mode mode;
  CHI_TRY(chi_cli_mode(cli->options, &mode));
  return stage(cli, chi_opt_argument(cli->options, 0), mode);
}

chi_status chi_cli_influence_stage(chi_cli *cli, const char *run, chi_run_mode mode)
{
  const chi_options *o = cli->options;
  chi_cli_stage stage = {0};
  chi_influence_options influence = {
      .models = chi_opt_text(o, "models"),
      .residual = (chi_residual)chi_opt_choice(o, "residual"),
      .layers = (chi_layer_selection)chi_opt_choice(o, "layer-selection"),
      .min_bins = chi_cli_min_bins(o)};
  int64_t failed = 0;
  CHI_TRY(block_option(o, &influence.block_length));
  chi_status s = begin(cli, &chi_influence_schema, run, mode, &stage);
  influence.stage = stage.options;
  if (s == CHI_OK) s = chi_influence_stage(cli->comm, &influence, &failed);
  return chi_cli_stage_end(cli, &stage, s, failed);
}

chi_status chi_cli_influence(chi_cli *cli) { return on_argument(cli, chi_cli_influence_stage); }

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
  CHI_TRY(block_option(o, &boot.block_length));
  chi_status s = begin(cli, &chi_bootstrap_schema, run, mode, &stage);
  boot.stage = stage.options;
  if (s == CHI_OK) s = chi_bootstrap_stage(cli->comm, &boot, &failed);
  return chi_cli_stage_end(cli, &stage, s, failed);
}

chi_status chi_cli_bootstrap(chi_cli *cli) { return on_argument(cli, chi_cli_bootstrap_stage); }
