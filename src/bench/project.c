#include "base/agree.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/random.h"
#include "bench/bench.h"
#include "linalg/projection.h"

/* Features to components: the matrix, and its products. */
enum { BLOCK_BYTES = 64 << 20 };

/* Largest over the ranks. */
typedef struct measured {
  double matrix_s, project_s, peak;
} measured;

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

static void write_report(const chi_bench_project_options *o, int size, int64_t k, int64_t nonzeros,
                         const measured *m, chi_text *out)
{
  const double rate = (double)o->events / m->project_s;
  if (o->json) {
    chi_json_add(out, json_pack("{s:I, s:I, s:I, s:I, s:i, s:f, s:f, s:f, s:I}", "events",
                                o->events, "features", o->features, "components", k, "nonzeros",
                                nonzeros, "ranks", size, "matrix_s", m->matrix_s, "project_s",
                                m->project_s, "rows_per_s", rate, "peak_bytes", (int64_t)m->peak));
    return;
  }
  chi_text_add(out, "projection   %lld features -> %lld, %lld entries\n", (long long)o->features,
               (long long)k, (long long)nonzeros);
  chi_text_add(out, "matrix       %.3f s\n", m->matrix_s);
  chi_text_add(out, "rows         %lld in %.3f s by %d rank%s: %.0f rows/s, %.0f per rank\n",
               (long long)o->events, m->project_s, size, size == 1 ? "" : "s", rate, rate / size);
  chi_text_add(out, "peak memory  %.0f MB per rank\n", m->peak / 1e6);
}

/* From PETSc's start to its end. */
static chi_status measure(MPI_Comm comm, const chi_bench_project_options *o, int64_t k,
                          int64_t *nonzeros, measured *worst)
{
  int rank, size;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  const int64_t n_mine = o->events * (rank + 1) / size - o->events * rank / size;
  const chi_random_key key = chi_random_make_key(o->seed, "bench/project");
  chi_projection *projection;
  measured mine = {0};
  const double start = chi_clock_now();
  chi_status s = chi_projection_create(comm, key, o->features, k, &projection);
  mine.matrix_s = chi_clock_now() - start;
  if (s != CHI_OK) return s;
  *nonzeros = chi_projection_nonzeros(projection);
  s = chi_agree(comm, time_products(o, key, n_mine, k, projection, &mine.project_s));
  mine.peak = (double)chi_memory_peak();
  MPI_Reduce(&mine, worst, 3, MPI_DOUBLE, MPI_MAX, 0, comm);
  chi_projection_destroy(&projection);
  return s;
}

chi_status chi_bench_project(MPI_Comm comm, const chi_bench_project_options *options,
                             chi_text *report)
{
  int rank, size;
  int64_t nonzeros = 0;
  measured worst = {0};
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  const int64_t k = chi_projection_dimension(options->events, options->eps);
  CHI_TRY(chi_agree(comm, chi_projection_start(comm)));
  const chi_status s = measure(comm, options, k, &nonzeros, &worst);
  chi_projection_stop();
  CHI_TRY(s);
  if (rank == 0) write_report(options, size, k, nonzeros, &worst, report);
  return CHI_OK;
}
