/* chiasm fit: the options checked together, then one call. */
#include "stage/fit.h"

#include "base/agree.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "linalg/kernel.h"

chi_status chi_cli_fit_stage(chi_cli *cli, chi_run_mode mode)
{
  const chi_options *o = cli->options;
  chi_cli_texts texts = {0};
  int64_t failed = 0;
  chi_fit_options fit = {.stage = {.run = chi_opt_text(o, "output"),
                                   .mode = mode,
                                   .selection = chi_cli_selection(o),
                                   .memory_per_rank = chi_opt_int(o, "memory-per-rank"),
                                   .blas_kernel = chi_blas_kernel()},
                         .study = chi_opt_argument(o, 0),
                         .electrode_block = chi_opt_int(o, "electrode-block")};
  chi_status s = chi_cli_encode_options(cli, o, &fit.stage.encode);
  if (s == CHI_OK) s = chi_cli_texts_make(o, "fit", &texts);
  s = chi_agree(cli->comm, s);
  if (s != CHI_OK) goto cleanup;
  fit.stage.fit_config = texts.config.s;
  fit.stage.other_config = texts.later.s;
  fit.stage.libraries = texts.libraries.s;
  fit.stage.again = texts.again.s;
  s = chi_fit(cli->comm, &fit, &failed);
  if (s == CHI_OK && failed > 0) cli->exit_code = 1;
cleanup:
  chi_free((void *)fit.stage.encode.alphas);
  chi_cli_texts_free(&texts);
  return s;
}

chi_status chi_cli_fit(chi_cli *cli)
{
  chi_run_mode mode;
  CHI_TRY(chi_cli_mode(cli->options, &mode));
  return chi_cli_fit_stage(cli, mode);
}
