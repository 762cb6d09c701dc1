#include "bench/bench.h"

#include <math.h>

#include "base/agree.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/table.h"
#include "bench/made.h"
#include "linalg/dense.h"

typedef struct measured {
  double wall_s, cpu_s;
  chi_stages stages;
} measured;

/* \param[in]     replicate  -1: all the events
 * \param[in]     residual   of an influence pass; NULL: a fit
 * \param[in,out] m          added to */
static chi_status run(const chi_made *made, int64_t replicate, const chi_residual *residual,
                      measured *m)
{
  chi_rows rows;
  CHI_TRY(chi_made_rows(made, replicate, &rows));
  const double wall = chi_clock_now(), cpu = chi_clock_cpu();
  const chi_status s = residual == NULL ? chi_made_fit(made, &rows, &m->stages)
                                        : chi_made_influence(made, *residual, &rows, &m->stages);
  m->wall_s += chi_clock_now() - wall;
  m->cpu_s += chi_clock_cpu() - cpu;
  chi_rows_free(&rows);
  return s;
}

/* CPU seconds of the bare float32 products of a naive fit: folds x alphas of held-out x least x
 * targets, where least is the smaller of features and training events. One is timed, three times.
 */
static chi_status measure_bound(const chi_bench_options *o, double *seconds)
{
  const int64_t held_out = o->events / o->encode.folds, train = o->events - held_out;
  const int64_t k = train < o->features ? train : o->features;
  float *a = NULL, *b = NULL, *c = NULL;
  double best = INFINITY;
  chi_status s = chi_alloc(held_out * k, sizeof *a, "a product's matrix", &a);
  if (s == CHI_OK) s = chi_alloc(k * o->targets, sizeof *b, "a product's matrix", &b);
  if (s == CHI_OK) s = chi_alloc(held_out * o->targets, sizeof *c, "a product", &c);
  if (s != CHI_OK) goto cleanup;
  for (int64_t i = 0; i < held_out * k; i++) a[i] = (float)(i % 97);
  for (int64_t i = 0; i < k * o->targets; i++) b[i] = (float)(i % 89);
  for (int i = 0; i < 3; i++) {
    const double start = chi_clock_cpu();
    chi_sgemm((chi_smatrix){held_out, k, a, k, false},
              (chi_smatrix){k, o->targets, b, o->targets, false}, 0, c, o->targets);
    best = fmin(best, chi_clock_cpu() - start);
  }
  *seconds = fmax(best, 1e-9) * o->encode.folds * o->encode.n_alphas;
cleanup:
  chi_free(a);
  chi_free(b);
  chi_free(c);
  return s;
}

typedef struct results {
  measured plain, replicates, influence;
  double bound_s, together_s; /* together: wall seconds of the slowest of all ranks at once */
  int64_t peak;
  int ranks;
} results;

static json_t *stages_json(const measured *m, double fits)
{
  json_t *all = json_object();
  for (int i = 0; i < CHI_N_STAGES; i++)
    json_object_set_new(all, chi_stage_names[i],
                        json_pack("{s:f, s:f, s:f}", "wall_s", m->stages.wall_s[i] / fits, "cpu_s",
                                  m->stages.cpu_s[i] / fits, "flops", m->stages.flops[i] / fits));
  return all;
}

static void write_json(const chi_bench_options *o, const results *r, chi_text *out)
{
  json_t *all =
      json_pack("{s:I, s:I, s:I, s:i, s:i, s:i, s:i, s:s, s:f, s:f, s:f, s:f, s:I}", "events",
                o->events, "features", o->features, "targets", o->targets, "folds", o->encode.folds,
                "alphas", o->encode.n_alphas, "threads", o->encode.threads, "ranks", r->ranks,
                "kernel", o->blas_kernel, "wall_s", r->plain.wall_s, "cpu_s", r->plain.cpu_s,
                "bound_s", r->bound_s, "ratio", r->plain.cpu_s / r->bound_s, "peak_bytes", r->peak);
  if (r->ranks > 1)
    json_object_set_new(all, "efficiency", json_real(r->plain.wall_s / r->together_s));
  if (o->replicates > 0) {
    json_object_set_new(all, "replicate_cpu_s", json_real(r->replicates.cpu_s / o->replicates));
    json_object_set_new(all, "replicate_stages", stages_json(&r->replicates, o->replicates));
  }
  if (o->influence) {
    json_object_set_new(all, "influence_cpu_s", json_real(r->influence.cpu_s));
    json_object_set_new(all, "influence_stages", stages_json(&r->influence, 1));
  }
  json_object_set_new(all, "stages", stages_json(&r->plain, 1));
  chi_json_add(out, all);
}

static void write_table(const chi_bench_options *o, const results *r, chi_text *out)
{
  chi_text_add(
      out, "%lld events x %lld features x %lld targets, %d folds, %d alphas, %d thread%s\n",
      (long long)o->events, (long long)o->features, (long long)o->targets, (int)o->encode.folds,
      (int)o->encode.n_alphas, (int)o->encode.threads, o->encode.threads == 1 ? "" : "s");
  chi_text_add(out, "BLAS kernel %s\n\n", o->blas_kernel);
  chi_table t;
  chi_table_begin(&t, "stage\t>wall s\t>CPU s\t>Gflop\t>Gflop/s");
  for (int i = 0; i < CHI_N_STAGES; i++) {
    const double cpu = r->plain.stages.cpu_s[i], flops = r->plain.stages.flops[i];
    chi_table_row(&t, "%s\t%.3f\t%.3f\t%.1f\t%.1f", chi_stage_names[i], r->plain.stages.wall_s[i],
                  cpu, flops / 1e9, cpu > 0 ? flops / cpu / 1e9 : 0);
  }
  chi_table_row(&t, "fit\t%.3f\t%.3f", r->plain.wall_s, r->plain.cpu_s);
  chi_table_end(&t, out);
  chi_text_add(out, "\n");
  chi_text_add(out, "fit / bound  %.2f   (bound: %.2f CPU s of bare float32 products)\n",
               r->plain.cpu_s / r->bound_s, r->bound_s);
  chi_text_add(out, "peak memory  %.0f MB\n", (double)r->peak / 1e6);
  if (o->replicates > 0)
    chi_text_add(out, "replicate    %.3f CPU s, %.2f of the plain fit (mean of %d)\n",
                 r->replicates.cpu_s / o->replicates,
                 r->replicates.cpu_s / o->replicates / r->plain.cpu_s, (int)o->replicates);
  if (o->influence)
    chi_text_add(out, "influences   %.3f CPU s, %.2f of the plain fit\n", r->influence.cpu_s,
                 r->influence.cpu_s / r->plain.cpu_s);
  if (r->ranks > 1)
    chi_text_add(out, "%d ranks      %.3f s for a layer each: efficiency %.2f\n", r->ranks,
                 r->together_s, r->plain.wall_s / r->together_s);
}

/* Rank 0 alone, then all at once; what can fail is agreed on between the phases. */
static chi_status measure(MPI_Comm comm, const chi_bench_options *o, chi_made *made, results *r)
{
  int rank;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &r->ranks);
  chi_status s = CHI_OK;
  if (rank == 0) {
    s = run(made, -1, NULL, &r->plain);
    r->peak = chi_memory_peak();
    if (s == CHI_OK && o->influence) s = chi_made_reserve_influence(made, o->residual);
    if (s == CHI_OK && o->influence) s = run(made, -1, &o->residual, &r->influence);
    for (int32_t i = 0; i < o->replicates && s == CHI_OK; i++)
      s = run(made, i, NULL, &r->replicates);
    if (s == CHI_OK) s = measure_bound(o, &r->bound_s);
  }
  CHI_TRY(chi_agree(comm, s));
  if (r->ranks == 1) return CHI_OK;
  measured mine = {0};
  s = chi_agree(comm, run(made, -1, NULL, &mine));
  MPI_Reduce(&mine.wall_s, &r->together_s, 1, MPI_DOUBLE, MPI_MAX, 0, comm);
  return s;
}

chi_status chi_bench(MPI_Comm comm, const chi_bench_options *o, chi_text *report)
{
  int rank;
  MPI_Comm_rank(comm, &rank);
  chi_made made;
  results r = {0};
  chi_status s =
      chi_agree(comm, chi_made_create(&o->encode, o->events, o->features, o->targets, &made));
  if (s == CHI_OK) s = measure(comm, o, &made, &r);
  if (s == CHI_OK && rank == 0) {
    if (o->json)
      write_json(o, &r, report);
    else
      write_table(o, &r, report);
  }
  chi_made_free(&made);
  return s;
}
