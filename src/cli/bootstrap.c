/* chiasm bootstrap: the fit's options from the run, this stage's from the line, then one call. */
#include "stage/bootstrap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/agree.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "linalg/kernel.h"

/* --block auto (0 here) or a number of events. */
static chi_status read_block(const char *text, int64_t *length)
{
  *length = 0;
  if (strcmp(text, "auto") == 0) return CHI_OK;
  char *end;
  errno = 0;
  *length = strtoll(text, &end, 10);
  if (errno == 0 && *end == '\0' && end != text && *length >= 1 && *length <= INT32_MAX)
    return CHI_OK;
  return chi_fail(CHI_ERR_USAGE, "--block %.40s: expected auto or a number of events, 1 or more",
                  text);
}

chi_layer_selection chi_cli_layer_selection(const chi_options *options)
{
  const char *text = chi_opt_text(options, "layer-selection");
  return strcmp(text, "all") == 0     ? CHI_LAYERS_ALL
         : strcmp(text, "final") == 0 ? CHI_LAYERS_FINAL
                                      : CHI_LAYERS_SITE;
}

/* The fit's options, as fit.h5 has them, if this run may be bootstrapped. Collective. */
static chi_status read_fit(const chi_cli *cli, const char *run, chi_run_mode mode, char **config,
                           chi_options **fit)
{
  chi_status s = cli->rank == 0 ? chi_bootstrap_check(run, mode) : CHI_OK;
  if (s == CHI_OK && cli->rank == 0) s = chi_run_read_text(run, "config", config);
  CHI_TRY(chi_agree(cli->comm, s));
  s = chi_bcast_text(cli->comm, config);
  if (s == CHI_OK)
    s = chi_options_create(chi_option_table, chi_n_options, chi_cli_command(CHI_CMD_FIT), fit);
  if (s == CHI_OK)
    s = chi_options_read_yaml(*fit, chi_command_table, chi_n_commands, *config, run, "");
  return chi_agree(cli->comm, s);
}

chi_status chi_cli_bootstrap_stage(const chi_cli *cli, const char *run, chi_run_mode mode,
                                   int *exit_code)
{
  const chi_options *o = cli->options;
  chi_options *fit = NULL;
  chi_text section = {0}, libraries = {0}, again = {0};
  char *config = NULL;
  int64_t failed = 0;
  chi_bootstrap_options boot = {.run = run,
                                .mode = mode,
                                .models = chi_opt_text(o, "models"),
                                .replicates = chi_opt_int(o, "replicates"),
                                .seed = (uint64_t)chi_opt_int(o, "seed"),
                                .layers = chi_cli_layer_selection(o),
                                .keep = !chi_opt_flag(o, "no-keep-replicates"),
                                .memory_per_rank = chi_opt_int(o, "memory-per-rank"),
                                .blas_kernel = chi_blas_kernel()};
  chi_status s = read_fit(cli, run, mode, &config, &fit);
  if (s != CHI_OK) goto cleanup;
  boot.selection = chi_cli_selection(fit);
  s = read_block(chi_opt_text(o, "block"), &boot.block_length);
  if (s == CHI_OK) s = chi_cli_fit_options(cli, fit, &boot.encode);
  chi_options_write_yaml(o, chi_cli_command(CHI_CMD_BOOTSTRAP), &section);
  chi_cli_versions(&libraries, ", ");
  chi_cli_write_again(o, &again);
  if (s == CHI_OK && (section.failed || libraries.failed || again.failed))
    s = chi_fail(CHI_ERR_MEMORY, "no memory for the configuration's text");
  s = chi_agree(cli->comm, s);
  if (s != CHI_OK) goto cleanup;
  boot.fit_config = config;
  boot.section = section.s;
  boot.libraries = libraries.s;
  boot.again = again.s;
  s = chi_bootstrap_stage(cli->comm, &boot, &failed);
  if (s == CHI_OK && failed > 0) *exit_code = 1;
cleanup:
  chi_free((void *)boot.encode.alphas);
  chi_options_destroy(&fit);
  chi_free(config);
  chi_text_free(&section);
  chi_text_free(&libraries);
  chi_text_free(&again);
  return s;
}

chi_status chi_cli_bootstrap(const chi_cli *cli, int *exit_code)
{
  chi_run_mode mode;
  CHI_TRY(chi_agree(cli->comm, chi_cli_mode(cli->options, &mode)));
  return chi_cli_bootstrap_stage(cli, chi_opt_argument(cli->options, 0), mode, exit_code);
}
