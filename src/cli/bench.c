#include <stdio.h>
#include <string.h>

#include "base/agree.h"
#include "base/memory.h"
#include "bench/bench.h"
#include "cli/cli.h"
#include "linalg/kernel.h"

typedef struct shape {
  const char *name;
  int64_t events, features, targets;
} shape;

static const shape shapes[] = {{"small", 3000, 1000, 5000},
                               {"wide", 1500, 4000, 5000},
                               {"paper-final", 6070, 768, 24974},
                               {"paper-srp", 6070, 7467, 24974}};

chi_status chi_cli_bench(const chi_cli *cli, int *exit_code)
{
  (void)exit_code;
  const chi_options *o = cli->options;
  shape s = shapes[0];
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
    if (strcmp(shapes[i].name, chi_opt_text(o, "shape")) == 0) s = shapes[i];
  chi_bench_options b = {
      .events = chi_opt_given(o, "events") ? chi_opt_int(o, "events") : s.events,
      .features = chi_opt_given(o, "features") ? chi_opt_int(o, "features") : s.features,
      .targets = chi_opt_given(o, "targets") ? chi_opt_int(o, "targets") : s.targets,
      .replicates = (int32_t)chi_opt_int(o, "replicates"),
      .blas_kernel = chi_blas_kernel(),
      .json = chi_opt_flag(o, "json")};
  chi_text report = {0};
  chi_status status = chi_agree(cli->comm, chi_cli_encode_options(cli, cli->options, &b.encode));
  if (status == CHI_OK) status = chi_bench(cli->comm, &b, &report);
  if (status == CHI_OK && cli->rank == 0 && report.s != NULL) fputs(report.s, stdout);
  chi_text_free(&report);
  chi_free((void *)b.encode.alphas);
  return status;
}
