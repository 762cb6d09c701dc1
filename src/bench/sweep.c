#include <math.h>

#include "base/agree.h"
#include "base/json.h"
#include "base/memory.h"
#include "bench/bench.h"
#include "sweep/sweep.h"

/* As in a study of 26 models and 2 alignments. */
enum { GROUPS = 52, LAYERS = 1000 };

static chi_status no_work(void *context, int64_t i, int64_t next)
{
  (void)context, (void)i, (void)next;
  return CHI_OK;
}

static void write_report(int ranks, int64_t n, const chi_sweep_result *r, bool json, chi_text *out)
{
  const double wall = fmax(r->wall_s, 1e-9);
  const double message_s = r->served_s / (double)(r->messages > 0 ? r->messages : 1);
  if (json) {
    chi_json_add(out, json_pack("{s:I, s:i, s:f, s:f, s:I, s:f, s:f}", "units", n, "ranks", ranks,
                                "wall_s", r->wall_s, "units_per_s", (double)n / wall, "messages",
                                r->messages, "served_s", r->served_s, "message_s", message_s));
    return;
  }
  chi_text_add(out, "%lld units, ranks: %d, %.3f s: %.3g hand-outs/s\n", (long long)n, ranks,
               r->wall_s, (double)n / wall);
  chi_text_add(out, "%lld messages, of the coordinator's core %.2f us each with their answers\n",
               (long long)r->messages, 1e6 * message_s);
}

chi_status chi_bench_sweep(MPI_Comm comm, int64_t n, bool json, chi_text *report)
{
  int rank, ranks;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &ranks);
  chi_unit *units = NULL;
  chi_sweep_result result;
  const chi_sweep_stage stage = {.name = "bench sweep", .work = no_work};
  chi_status s = chi_agree(comm, chi_alloc(n, sizeof *units, "units", &units));
  if (s != CHI_OK) goto cleanup;
  for (int64_t i = 0; i < n; i++)
    units[i] = (chi_unit){.group = (int32_t)(i % GROUPS),
                          .layer = (int32_t)(i % ((int64_t)GROUPS * LAYERS)),
                          .cost = 1 + (double)(i % 7),
                          .models = 1};
  s = chi_sweep_run(comm, units, n, &stage, NULL, &result);
  if (s == CHI_OK && rank == 0) write_report(ranks, n, &result, json, report);
cleanup:
  chi_free(units);
  return s;
}
