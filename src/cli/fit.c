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
  chi_fit_options fit = {.study = chi_opt_argument(o, 0),
                         .run = chi_opt_text(o, "output"),
                         .mode = mode,
                         .selection = chi_cli_selection(o),
                         .electrode_block = chi_opt_int(o, "electrode-block"),
                         .memory_per_rank = chi_opt_int(o, "memory-per-rank"),
                         .blas_kernel = chi_blas_kernel()};
  chi_status s = chi_cli_encode_options(cli, o, &fit.encode);
  if (s == CHI_OK) s = chi_cli_texts_make(o, "fit", &texts);
  s = chi_agree(cli->comm, s);
  if (s != CHI_OK) goto cleanup;
  fit.config = texts.config.s;
  fit.later_config = texts.later.s;
  fit.libraries = texts.libraries.s;
  fit.again = texts.again.s;
  s = chi_fit(cli->comm, &fit, &failed);
  if (s == CHI_OK && failed > 0) cli->exit_code = 1;
cleanup:
  chi_free((void *)fit.encode.alphas);
  chi_cli_texts_free(&texts);
  return s;
}

chi_status chi_cli_fit(chi_cli *cli)
{
  chi_run_mode mode;
  CHI_TRY(chi_cli_mode(cli->options, &mode));
  return chi_cli_fit_stage(cli, mode);
}
