/* chiasm bootstrap: the fit's options from the run, this stage's from the line, then one call. */
#include "stage/bootstrap.h"

#include <string.h>

#include "base/agree.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "linalg/kernel.h"

/* The fit's options, as fit.h5 has them, if this run may be bootstrapped. Collective. */
static chi_status read_fit(const chi_cli *cli, const char *run, chi_run_mode mode, char **config,
                           chi_options **fit)
{
  chi_status s = cli->rank == 0 ? chi_store_look(run, &chi_bootstrap_schema, mode) : CHI_OK;
  if (s == CHI_OK && cli->rank == 0) s = chi_run_read_text(run, "config", config);
  CHI_TRY(chi_agree(cli->comm, s));
  s = chi_bcast_text(cli->comm, config);
  if (s == CHI_OK)
    s = chi_options_create(chi_option_table, chi_n_options, chi_command_named("fit"), fit);
  if (s == CHI_OK)
    s = chi_options_read_yaml(*fit, chi_command_table, chi_n_commands, *config, run, "");
  return chi_agree(cli->comm, s);
}

/* What the options of the fit and of this stage say. */
static chi_status set_options(const chi_cli *cli, const chi_options *fit,
                              chi_bootstrap_options *boot)
{
  const chi_options *o = cli->options;
  boot->stage.selection = chi_cli_selection(fit);
  boot->models = chi_opt_text(o, "models");
  boot->replicates = chi_opt_int(o, "replicates");
  boot->seed = (uint64_t)chi_opt_int(o, "seed");
  boot->layers = (chi_layer_selection)chi_opt_choice(o, "layer-selection");
  boot->keep = !chi_opt_flag(o, "no-keep-replicates");
  boot->stage.memory_per_rank = chi_opt_int(o, "memory-per-rank");
  boot->stage.blas_kernel = chi_blas_kernel();
  if (strcmp(chi_opt_text(o, "block"), "auto") != 0)
    CHI_TRY(
        chi_cli_count(o, "block", "auto or a number of events, 1 or more", &boot->block_length));
  return chi_cli_encode_options(cli, fit, &boot->stage.encode);
}

chi_status chi_cli_bootstrap_stage(chi_cli *cli, const char *run, chi_run_mode mode)
{
  chi_options *fit = NULL;
  chi_cli_texts texts = {0};
  char *config = NULL;
  int64_t failed = 0;
  chi_bootstrap_options boot = {.stage = {.run = run, .mode = mode}};
  chi_status s = read_fit(cli, run, mode, &config, &fit);
  if (s != CHI_OK) goto cleanup;
  s = set_options(cli, fit, &boot);
  if (s == CHI_OK) s = chi_cli_texts_make(cli->options, "bootstrap", &texts);
  s = chi_agree(cli->comm, s);
  if (s != CHI_OK) goto cleanup;
  boot.stage.fit_config = config;
  boot.stage.other_config = texts.config.s;
  boot.stage.libraries = texts.libraries.s;
  boot.stage.again = texts.again.s;
  s = chi_bootstrap_stage(cli->comm, &boot, &failed);
  if (s == CHI_OK && failed > 0) cli->exit_code = 1;
cleanup:
  chi_free((void *)boot.stage.encode.alphas);
  chi_options_destroy(&fit);
  chi_free(config);
  chi_cli_texts_free(&texts);
  return s;
}

chi_status chi_cli_bootstrap(chi_cli *cli)
{
  chi_run_mode mode;
  CHI_TRY(chi_cli_mode(cli->options, &mode));
  return chi_cli_bootstrap_stage(cli, chi_opt_argument(cli->options, 0), mode);
}
