#include "bench/bench.h"

#include <stdlib.h>
#include <string.h>

#include "base/agree.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "linalg/dense.h"

/* Data of one rank, and what came of it. */
typedef struct bench {
  const chi_bench_options *options;
  float *x, *y;                  /* events x features, events x targets */
  uint8_t *missing;              /* targets */
  float *val_r, *test_r, *alpha; /* targets */
  int64_t *drawn;                /* events */
} bench;

typedef struct measured {
  double wall_s, cpu_s;
  chi_stages stages;
} measured;

static void bench_free(bench *b)
{
  chi_free(b->x);
  chi_free(b->y);
  chi_free(b->missing);
  chi_free(b->val_r);
  chi_free(b->test_r);
  chi_free(b->alpha);
  chi_free(b->drawn);
}

static chi_status bench_alloc(bench *b)
{
  const int64_t n = b->options->events, p = b->options->features, t = b->options->targets;
  int64_t elements;
  if (__builtin_mul_overflow(n, p, &elements) || __builtin_mul_overflow(n, t, &elements))
    return chi_fail(CHI_ERR_MEMORY, "--events x --features or --targets is beyond 2^63");
  CHI_TRY(chi_alloc(n * p, sizeof *b->x, "features", &b->x));
  CHI_TRY(chi_alloc(n * t, sizeof *b->y, "responses", &b->y));
  CHI_TRY(chi_alloc(t, 1, "flags", &b->missing));
  CHI_TRY(chi_alloc(t, sizeof *b->val_r, "scores", &b->val_r));
  CHI_TRY(chi_alloc(t, sizeof *b->test_r, "scores", &b->test_r));
  CHI_TRY(chi_alloc(t, sizeof *b->alpha, "scores", &b->alpha));
  return chi_alloc(n, sizeof *b->drawn, "drawn events", &b->drawn);
}

/* Uniform numbers: a dozen latent processes with falling weights, and noise of every feature and
 * target its own, so that targets differ in how well they are predicted and in the alpha they
 * choose. */
enum { LATENTS = 12 };

static chi_status make_data(bench *b, int rank)
{
  const int64_t n = b->options->events, p = b->options->features, t = b->options->targets;
  const int64_t widest = p > t ? p : t;
  const chi_random_key key = {(uint64_t)rank, 0};
  double *noise = NULL, latent[LATENTS];
  CHI_TRY(chi_alloc(widest, sizeof *noise, "noise", &noise));
  for (int64_t i = 0; i < n; i++) {
    chi_random_uniforms(key, 0, (uint64_t)i, 0, LATENTS, latent);
    chi_random_uniforms(key, 1, (uint64_t)i, 0, p, noise);
    for (int64_t j = 0; j < p; j++)
      b->x[i * p + j] = (float)(noise[j] + latent[j % LATENTS] * 0.5 / (double)(1 + j % LATENTS));
    chi_random_uniforms(key, 2, (uint64_t)i, 0, t, noise);
    for (int64_t j = 0; j < t; j++)
      b->y[i * t + j] = (float)(noise[j] + latent[j % LATENTS] * (double)(j % 7) / 7.0);
  }
  chi_free(noise);
  chi_responses_prepare(n, t, CHI_REAL32, b->options->encode.threads, b->y, b->missing);
  return CHI_OK;
}

static chi_status fit(bench *b, chi_encoder *encoder, const int64_t *drawn, measured *m)
{
  const int64_t n = b->options->events, t = b->options->targets;
  const chi_features x = {n, b->options->features, CHI_REAL32, b->x};
  const chi_responses y = {n, t, 1, CHI_REAL32, b->y, b->missing};
  const chi_encode_part part = {0, t, b->val_r, b->test_r, b->alpha};
  chi_rows rows;
  CHI_TRY(chi_rows_drawn(&b->options->encode, n, drawn, NULL, NULL, &rows));
  const double wall = chi_clock_now(), cpu = chi_clock_cpu();
  const chi_status s = chi_encode_fit(encoder, &rows, &x, &y, &part, &m->stages);
  m->wall_s += chi_clock_now() - wall;
  m->cpu_s += chi_clock_cpu() - cpu;
  chi_rows_free(&rows);
  return s;
}

static int compare_events(const void *a, const void *b)
{
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static chi_status fit_replicates(bench *b, chi_encoder *encoder, measured *m)
{
  const int64_t n = b->options->events;
  for (int32_t r = 0; r < b->options->replicates; r++) {
    for (int64_t i = 0; i < n; i++) {
      uint64_t bits[4];
      chi_random_bits((chi_random_key){1, 0}, (uint64_t)i, (uint64_t)r, 0, 0, bits);
      b->drawn[i] = (int64_t)chi_random_below(bits[0], (uint64_t)n);
    }
    qsort(b->drawn, (size_t)n, sizeof *b->drawn, compare_events);
    CHI_TRY(fit(b, encoder, b->drawn, m));
  }
  return CHI_OK;
}

/* CPU seconds of the bare float32 products of a naive fit: folds x alphas of held-out x least x
 * targets, where least is the smaller of features and training events. One is timed, three times.
 */
static chi_status measure_bound(const bench *b, double *seconds)
{
  const chi_bench_options *o = b->options;
  const int64_t held_out = o->events / o->encode.folds, train = o->events - held_out;
  const int64_t k = train < o->features ? train : o->features;
  float *a = NULL, *c = NULL;
  double best = 0;
  chi_status s = chi_alloc(held_out * k, sizeof *a, "a product's matrix", &a);
  if (s == CHI_OK) s = chi_alloc(held_out * o->targets, sizeof *c, "a product", &c);
  if (s != CHI_OK) goto cleanup;
  for (int64_t i = 0; i < held_out * k; i++) a[i] = b->x[i % (o->events * o->features)];
  for (int i = 0; i < 3; i++) {
    const double start = chi_clock_cpu();
    chi_sgemm((chi_smatrix){held_out, k, a, k, false},
              (chi_smatrix){k, o->targets, b->y, o->targets, false}, 0, c, o->targets);
    const double took = chi_clock_cpu() - start;
    if (i == 0 || took < best) best = took;
  }
  *seconds = best * o->encode.folds * o->encode.n_alphas;
cleanup:
  chi_free(a);
  chi_free(c);
  return s;
}

typedef struct results {
  measured plain, replicates;
  double bound_s, together_s; /* together: wall seconds of the slowest of all ranks at once */
  int64_t peak;
  int ranks;
} results;

static void write_stages(const char *name, const measured *m, double fits, chi_text *out)
{
  chi_text_add(out, "\"%s\": {", name);
  for (int i = 0; i < CHI_N_STAGES; i++)
    chi_text_add(out, "%s\"%s\": {\"wall_s\": %.5f, \"cpu_s\": %.5f, \"flops\": %.6g}",
                 i == 0 ? "" : ", ", chi_stage_names[i], m->stages.wall_s[i] / fits,
                 m->stages.cpu_s[i] / fits, m->stages.flops[i] / fits);
  chi_text_add(out, "}");
}

static void write_json(const chi_bench_options *o, const results *r, chi_text *out)
{
  chi_text_add(out, "{\"events\": %lld, \"features\": %lld, \"targets\": %lld, \"folds\": %d, ",
               (long long)o->events, (long long)o->features, (long long)o->targets,
               (int)o->encode.folds);
  chi_text_add(out, "\"alphas\": %d, \"threads\": %d, \"ranks\": %d, \"kernel\": ",
               (int)o->encode.n_alphas, (int)o->encode.threads, r->ranks);
  chi_text_add_quoted(out, o->blas_kernel);
  chi_text_add(out, ", \"wall_s\": %.4f, \"cpu_s\": %.4f, \"bound_s\": %.4f, \"ratio\": %.4f, ",
               r->plain.wall_s, r->plain.cpu_s, r->bound_s, r->plain.cpu_s / r->bound_s);
  chi_text_add(out, "\"peak_bytes\": %lld, ", (long long)r->peak);
  if (r->ranks > 1) chi_text_add(out, "\"efficiency\": %.4f, ", r->plain.wall_s / r->together_s);
  if (o->replicates > 0) {
    chi_text_add(out, "\"replicate_cpu_s\": %.5f, ", r->replicates.cpu_s / o->replicates);
    write_stages("replicate_stages", &r->replicates, o->replicates, out);
    chi_text_add(out, ", ");
  }
  write_stages("stages", &r->plain, 1, out);
  chi_text_add(out, "}\n");
}

static void write_table(const chi_bench_options *o, const results *r, chi_text *out)
{
  chi_text_add(
      out, "%lld events x %lld features x %lld targets, %d folds, %d alphas, %d thread%s\n",
      (long long)o->events, (long long)o->features, (long long)o->targets, (int)o->encode.folds,
      (int)o->encode.n_alphas, (int)o->encode.threads, o->encode.threads == 1 ? "" : "s");
  chi_text_add(out, "BLAS kernel %s\n\n%-12s %9s %9s %10s %9s\n", o->blas_kernel, "stage", "wall s",
               "CPU s", "Gflop", "Gflop/s");
  for (int i = 0; i < CHI_N_STAGES; i++) {
    const double cpu = r->plain.stages.cpu_s[i], flops = r->plain.stages.flops[i];
    chi_text_add(out, "%-12s %9.3f %9.3f %10.1f %9.1f\n", chi_stage_names[i],
                 r->plain.stages.wall_s[i], cpu, flops / 1e9, cpu > 0 ? flops / cpu / 1e9 : 0);
  }
  chi_text_add(out, "%-12s %9.3f %9.3f\n\n", "fit", r->plain.wall_s, r->plain.cpu_s);
  chi_text_add(out, "fit / bound  %.2f   (bound: %.2f CPU s of bare float32 products)\n",
               r->plain.cpu_s / r->bound_s, r->bound_s);
  chi_text_add(out, "peak memory  %.0f MB\n", (double)r->peak / 1e6);
  if (o->replicates > 0)
    chi_text_add(out, "replicate    %.3f CPU s, %.2f of the plain fit (mean of %d)\n",
                 r->replicates.cpu_s / o->replicates,
                 r->replicates.cpu_s / o->replicates / r->plain.cpu_s, (int)o->replicates);
  if (r->ranks > 1)
    chi_text_add(out, "%d ranks      %.3f s for a layer each: efficiency %.2f\n", r->ranks,
                 r->together_s, r->plain.wall_s / r->together_s);
}

/* Rank 0 alone, then all at once; what can fail is agreed on between the phases. */
static chi_status measure(MPI_Comm comm, bench *b, chi_encoder *encoder, results *r)
{
  int rank;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &r->ranks);
  chi_status s = CHI_OK;
  if (rank == 0) {
    s = fit(b, encoder, NULL, &r->plain);
    r->peak = chi_memory_peak();
    if (s == CHI_OK) s = fit_replicates(b, encoder, &r->replicates);
    if (s == CHI_OK) s = measure_bound(b, &r->bound_s);
  }
  CHI_TRY(chi_agree(comm, s));
  if (r->ranks == 1) return CHI_OK;
  measured mine = {0};
  s = chi_agree(comm, fit(b, encoder, NULL, &mine));
  MPI_Reduce(&mine.wall_s, &r->together_s, 1, MPI_DOUBLE, MPI_MAX, 0, comm);
  return s;
}

chi_status chi_bench(MPI_Comm comm, const chi_bench_options *options, chi_text *report)
{
  int rank;
  MPI_Comm_rank(comm, &rank);
  bench b = {.options = options};
  results r = {0};
  chi_encoder *encoder = NULL;
  chi_status s = bench_alloc(&b);
  if (s == CHI_OK) s = make_data(&b, rank);
  if (s == CHI_OK) s = chi_encoder_create(&options->encode, &encoder);
  if (s == CHI_OK)
    s = chi_encoder_reserve(encoder, chi_encode_make_plan(&options->encode, options->events,
                                                          options->features, options->targets, 1)
                                         .bytes);
  if ((s = chi_agree(comm, s)) == CHI_OK) s = measure(comm, &b, encoder, &r);
  if (s == CHI_OK && rank == 0) {
    if (options->json)
      write_json(options, &r, report);
    else
      write_table(options, &r, report);
  }
  chi_encoder_destroy(&encoder);
  bench_free(&b);
  return s;
}
