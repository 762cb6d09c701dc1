/* chiasm fit: its options, then one call. */
#include "stage/fit.h"

#include "cli/stage.h"

chi_status chi_cli_fit_stage(chi_cli *cli, chi_run_mode mode)
{
  const chi_options *o = cli->options;
  chi_cli_stage stage = {0};
  int64_t failed = 0;
  chi_status s = chi_cli_stage_begin(cli, "fit", chi_opt_text(o, "output"), mode, &stage);
  const chi_fit_options fit = {.stage = stage.options,
                               .study = chi_opt_argument(o, 0),
                               .electrode_block = chi_opt_int(o, "electrode-block"),
                               .min_bins = chi_cli_min_bins(o)};
  if (s == CHI_OK) s = chi_fit(cli->comm, &fit, &failed);
  return chi_cli_stage_end(cli, &stage, s, failed);
}

chi_status chi_cli_fit(chi_cli *cli)
{
  chi_run_mode mode;
  CHI_TRY(chi_cli_mode(cli->options, &mode));
  return chi_cli_fit_stage(cli, mode);
}
