#include "simulate/simulate.h"

#include "cli/cli.h"

/* "lowest,highest", or one number for both. */
static chi_status get_range(const chi_options *options, const char *name, double *low, double *high)
{
  int n;
  const double *values = chi_opt_reals(options, name, &n);
  if (n > 2)
    return chi_fail(CHI_ERR_USAGE, "--%s: expected lowest,highest, not %d numbers", name, n);
  *low = values[0];
  *high = values[n - 1];
  return CHI_OK;
}

chi_status chi_cli_simulate(chi_cli *cli)
{
  const chi_options *o = cli->options;
  chi_simulate_options options = {.subjects = chi_opt_int(o, "subjects"),
                                  .electrodes = chi_opt_int(o, "electrodes"),
                                  .events = chi_opt_int(o, "events"),
                                  .bins = chi_opt_int(o, "bins"),
                                  .sessions = chi_opt_int(o, "sessions"),
                                  .networks = chi_opt_int(o, "networks"),
                                  .layers = chi_opt_int(o, "layers"),
                                  .features = chi_opt_int(o, "features"),
                                  .seed = (uint64_t)chi_opt_int(o, "seed"),
                                  .alignments = chi_opt_text(o, "alignments"),
                                  .autocorrelation = chi_opt_real(o, "autocorrelation"),
                                  .overwrite = chi_opt_flag(o, "overwrite"),
                                  .block_bytes = 16 << 20};
  CHI_TRY(get_range(o, "effects", &options.effect_min, &options.effect_max));
  CHI_TRY(get_range(o, "noise-autocorrelation", &options.noise_min, &options.noise_max));
  CHI_TRY(chi_cli_reals(o, "kinds", CHI_N_KINDS,
                        "five shares (none, vision, language, both, integration)", options.shares));
  return chi_simulate(chi_opt_argument(o, 0), &options);
}
