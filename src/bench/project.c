#include <math.h>

#include "base/agree.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/random.h"
#include "bench/bench.h"
#include "linalg/projection.h"

/* Features to components: the matrix, and its products. */
enum { BLOCK_BYTES = 64 << 20 };

typedef struct results {
  int ranks;
  int64_t components, nonzeros;
  double matrix_s, project_s, peak; /* the largest of the ranks */
} results;

static chi_status time_products(const chi_bench_project_options *o, chi_random_key key,
                                int64_t n_mine, int64_t k, chi_projection *projection, double *s)
{
  double *rows = NULL, *out = NULL;
  int64_t block = BLOCK_BYTES / 8 / (o->features > k ? o->features : k);
  if (block < 1) block = 1;
  chi_status status = chi_alloc(block * o->features, sizeof *rows, "features", &rows);
  if (status == CHI_OK) status = chi_alloc(block * k, sizeof *out, "projected features", &out);
  if (status == CHI_OK) chi_random_uniforms(key, 0, 0, 1, block * o->features, rows);
  const double start = chi_clock_now();
  for (int64_t row = 0; status == CHI_OK && row < n_mine; row += block)
    status =
        chi_projection_apply(projection, n_mine - row < block ? n_mine - row : block, rows, out);
  *s = chi_clock_now() - start;
  chi_free(rows);
  chi_free(out);
  return status;
}

static void write_report(const chi_bench_project_options *o, const results *r, chi_text *out)
{
  const double rate = (double)o->events / fmax(r->project_s, 1e-9);
  if (o->json) {
    chi_json_add(out,
                 json_pack("{s:I, s:I, s:I, s:I, s:i, s:f, s:f, s:f, s:I}", "events", o->events,
                           "features", o->features, "components", r->components, "nonzeros",
                           r->nonzeros, "ranks", r->ranks, "matrix_s", r->matrix_s, "project_s",
                           r->project_s, "rows_per_s", rate, "peak_bytes", (int64_t)r->peak));
    return;
  }
  chi_text_add(out, "projection   %lld features -> %lld, %lld entries\n", (long long)o->features,
               (long long)r->components, (long long)r->nonzeros);
  chi_text_add(out, "matrix       %.3f s\n", r->matrix_s);
  chi_text_add(out, "rows         %lld in %.3f s by %d rank%s: %.0f rows/s, %.0f per rank\n",
               (long long)o->events, r->project_s, r->ranks, r->ranks == 1 ? "" : "s", rate,
               rate / r->ranks);
  chi_text_add(out, "peak memory  %.0f MB per rank\n", r->peak / 1e6);
}

/* Between PETSc's start and its end. */
static chi_status measure(MPI_Comm comm, const chi_bench_project_options *o, int rank, results *r)
{
  const int64_t n_mine = o->events * (rank + 1) / r->ranks - o->events * rank / r->ranks;
  const chi_random_key key = chi_random_make_key(o->seed, "bench/project");
  chi_projection *projection;
  double mine[3] = {0}, worst[3] = {0};
  const double start = chi_clock_now();
  CHI_TRY(chi_projection_create(comm, key, o->features, r->components, &projection));
  mine[0] = chi_clock_now() - start;
  r->nonzeros = chi_projection_nonzeros(projection);
  const chi_status s =
      chi_agree(comm, time_products(o, key, n_mine, r->components, projection, &mine[1]));
  mine[2] = (double)chi_memory_peak();
  MPI_Reduce(mine, worst, 3, MPI_DOUBLE, MPI_MAX, 0, comm);
  r->matrix_s = worst[0];
  r->project_s = worst[1];
  r->peak = worst[2];
  chi_projection_destroy(&projection);
  return s;
}

chi_status chi_bench_project(MPI_Comm comm, const chi_bench_project_options *options,
                             chi_text *report)
{
  int rank;
  results r = {.components = chi_projection_dimension(options->events, options->eps)};
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &r.ranks);
  CHI_TRY(chi_agree(comm, chi_projection_start(comm)));
  const chi_status s = measure(comm, options, rank, &r);
  chi_projection_stop();
  if (s == CHI_OK && rank == 0) write_report(options, &r, report);
  return s;
}
