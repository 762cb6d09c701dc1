/* chiasm bench, bench project and bench sweep: options, then one call, whose report is printed. */
#include "bench/bench.h"

#include "base/agree.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "linalg/kernel.h"

/* Events, features, targets; in the order of --shape's choices. */
static const int64_t shapes[][3] = {
    {3000, 1000, 5000}, {1500, 4000, 5000}, {6070, 768, 24974}, {6070, 7467, 24974}};

static int64_t size_of(const chi_options *o, const char *name, int dimension)
{
  return chi_opt_given(o, name) ? chi_opt_int(o, name)
                                : shapes[chi_opt_choice(o, "shape")][dimension];
}

chi_status chi_cli_bench(chi_cli *cli)
{
  const chi_options *o = cli->options;
  chi_bench_options bench = {.events = size_of(o, "events", 0),
                             .features = size_of(o, "features", 1),
                             .targets = size_of(o, "targets", 2),
                             .replicates = (int32_t)chi_opt_int(o, "replicates"),
                             .influence = chi_opt_flag(o, "influence"),
                             .residual = (chi_residual)chi_opt_choice(o, "residual"),
                             .blas_kernel = chi_blas_kernel(),
                             .json = chi_opt_flag(o, "json")};
  chi_text report = {0};
  chi_status s = chi_agree(cli->comm, chi_cli_encode_options(cli, o, &bench.encode));
  if (s == CHI_OK) s = chi_bench(cli->comm, &bench, &report);
  chi_free((void *)bench.encode.alphas);
  return chi_cli_print(cli, s, &report);
}

chi_status chi_cli_bench_project(chi_cli *cli)
{
  const chi_options *o = cli->options;
  const chi_bench_project_options options = {.events = chi_opt_int(o, "events"),
                                             .features = chi_opt_int(o, "features"),
                                             .eps = chi_opt_real(o, "eps"),
                                             .seed = (uint64_t)chi_opt_int(o, "seed"),
                                             .json = chi_opt_flag(o, "json")};
  chi_text report = {0};
  return chi_cli_print(cli, chi_bench_project(cli->comm, &options, &report), &report);
}

chi_status chi_cli_bench_sweep(chi_cli *cli)
{
  chi_text report = {0};
  return chi_cli_print(cli,
                       chi_bench_sweep(cli->comm, chi_opt_int(cli->options, "units"),
                                       chi_opt_flag(cli->options, "json"), &report),
                       &report);
}
