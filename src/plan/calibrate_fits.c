/* How fast fits are, by shape, on data made in memory. */
#include <math.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "bootstrap/draws.h"
#include "bootstrap/summary.h"
#include "plan/calibrate.h"
#include "plan/children.h"
#include "plan/cost.h"

/* Which part of a fit's time targets share is told by its stages; where these do not tell, in the
 * banded ways, by fits of two numbers of targets. Those are few, as theirs is the way of few. */
typedef struct shape {
  int64_t events, features, few, many; /* few: 0 for the first kind */
} shape;
static const shape shapes[] = {
    {400, 48, 0, 2048},    {800, 96, 0, 2048},   {800, 192, 0, 2048},   {1200, 256, 0, 2048},
    {2000, 512, 0, 2048},  {200, 400, 0, 2048},  {400, 700, 0, 2048},   {800, 1200, 0, 2048},
    {500, 96, 0, 256},     {500, 192, 128, 512}, {1200, 384, 128, 512}, {1600, 640, 128, 512},
    {600, 1000, 128, 384},
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes, N_MEASURED = N_SHAPES + 1 };
static const shape svd_shape = {300, 450, 0, 1024};
static const double alphas[] = {0.1, 1, 10, 100, 1e3, 1e4, 1e5};

static chi_encode_options options_of(chi_real precision, int32_t threads)
{
  return (chi_encode_options){.folds = 5,
                              .n_alphas = sizeof alphas / sizeof *alphas,
                              .alphas = alphas,
                              .precision = precision,
                              .threads = threads};
}

/* Data of one shape. */
typedef struct data {
  int64_t events, features, targets;
  chi_real real; /* of the responses */
  float *x, *scores;
  void *y;
  uint8_t *missing;
  chi_encoder *encoder;
} data;

static void data_free(data *d)
{
  chi_free(d->x);
  chi_free(d->y);
  chi_free(d->missing);
  chi_free(d->scores);
  chi_encoder_destroy(&d->encoder);
}

/* Noise from 0 to 1, quickly (splitmix64). */
static double noise(uint64_t *state)
{
  uint64_t z = *state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

enum { LATENTS = 12 };

/* Noise, and in each event a few latent processes that features and targets share, so that targets
 * differ in the alpha they choose. */
static void fill(data *d)
{
  uint64_t state = 1;
  double latent[LATENTS];
  for (int64_t i = 0; i < d->events; i++) {
    for (int k = 0; k < LATENTS; k++) latent[k] = noise(&state);
    for (int64_t j = 0; j < d->features; j++)
      d->x[i * d->features + j] =
          (float)(noise(&state) + latent[j % LATENTS] / (double)(2 + j % LATENTS));
    for (int64_t j = 0; j < d->targets; j++) {
      const double y = noise(&state) + latent[j % LATENTS] * (double)(j % 7) / 7;
      if (d->real == CHI_REAL64)
        ((double *)d->y)[i * d->targets + j] = y;
      else
        ((float *)d->y)[i * d->targets + j] = (float)y;
    }
  }
}

static chi_status data_make(const chi_encode_options *encode, int64_t targets, data *d)
{
  const int64_t n = d->events, p = d->features;
  d->targets = targets;
  d->real = encode->precision;
  CHI_TRY(chi_alloc(n * p, sizeof *d->x, "features", &d->x));
  CHI_TRY(chi_alloc(n * targets, d->real, "responses", &d->y));
  CHI_TRY(chi_alloc(targets, 1, "flags", &d->missing));
  CHI_TRY(chi_alloc(3 * targets, sizeof *d->scores, "scores", &d->scores));
  CHI_TRY(chi_encoder_create(encode, &d->encoder));
  fill(d);
  chi_responses_prepare(n, targets, d->real, 1, d->y, d->missing);
  return CHI_OK;
}

static chi_status fit(const data *d, const chi_rows *rows, chi_stages *stages)
{
  const chi_responses y = {d->events, d->targets, 1, d->real, d->y, d->missing};
  return chi_encode_fit(d->encoder, rows, &y, d->x, CHI_REAL32, d->features, 0, d->targets,
                        d->scores, d->scores + d->targets, d->scores + 2 * d->targets, stages);
}

/* The quickest of plain fits: CPU seconds, with several threads wall seconds. */
typedef struct timing {
  double seconds;
  chi_stages stages; /* of that fit */
} timing;

/* What slows a machine down for a moment must not fall on one shape: every shape has its turn in
 * each of several passes, for this long or for one fit if that is longer; a fit so long that it
 * spans such moments itself has one. */
static const double turn_s = 0.05, long_s = 0.4;
enum { PASSES = 3 };

static chi_status time_fit(const chi_encode_options *encode, const data *d, timing *best)
{
  chi_rows rows;
  CHI_TRY(chi_rows_plain(encode, d->events, NULL, NULL, &rows));
  chi_status s = CHI_OK;
  double spent = 0;
  while (spent < turn_s && s == CHI_OK) {
    timing one = {0};
    const double start = encode->threads > 1 ? chi_clock_now() : chi_clock_cpu();
    s = fit(d, &rows, &one.stages);
    one.seconds = (encode->threads > 1 ? chi_clock_now() : chi_clock_cpu()) - start;
    spent += one.seconds;
    if (one.seconds < best->seconds) *best = one;
  }
  chi_rows_free(&rows);
  return s;
}

static chi_status time_shape(const chi_encode_options *encode, const shape *sh, int64_t targets,
                             timing *best)
{
  data d = {.events = sh->events, .features = sh->features};
  if (best->seconds > long_s && isfinite(best->seconds)) return CHI_OK;
  chi_status s = data_make(encode, targets, &d);
  if (s == CHI_OK) s = time_fit(encode, &d, best);
  data_free(&d);
  return s;
}

/* Seconds of the shared part of a fit: all stages but product and score; of the Gram matrices'
 * those of X'X, as the primal way makes X'Y there too. */
static double shared_seconds(const chi_encode_plan *plan, const shape *sh, const timing *t)
{
  const double squares = 6 * (double)sh->features; /* flops of X'X and X'Y over events x features */
  const double with_targets = plan->dual ? 0 : 4 * (double)sh->many;
  const double *cpu_s = t->stages.cpu_s;
  const double targets = cpu_s[CHI_STAGE_PRODUCT] + cpu_s[CHI_STAGE_SCORE] +
                         cpu_s[CHI_STAGE_GRAM] * with_targets / (squares + with_targets);
  return t->seconds - targets;
}

static double between(double speed, double middle)
{
  return fmin(4 * middle, fmax(middle / 4, speed));
}

/* Flops per second of one shape: of the shared part, of the targets'. */
static void find_speeds(const chi_encode_options *encode, const shape *sh, const timing *few,
                        const timing *many, double speed[2])
{
  const chi_encode_plan plan = chi_encode_make_plan(encode, sh->events, sh->features, sh->many, 1);
  double shared = shared_seconds(&plan, sh, many);
  if (sh->few > 0)
    shared = few->seconds -
             (many->seconds - few->seconds) * (double)sh->few / (double)(sh->many - sh->few);
  /* what a busy machine makes of a difference may be all noise: the speeds are of one order */
  const double flops_targets = plan.flops_target * (double)sh->many;
  const double middle = (plan.flops_shared + flops_targets) / many->seconds;
  speed[0] = between(plan.flops_shared / fmax(shared, 1e-12), middle);
  speed[1] = between(flops_targets / fmax(many->seconds - shared, 1e-12), middle);
}

/* The last shape is fitted by singular values, in double precision. */
static const shape *shape_of(int i) { return i < N_SHAPES ? &shapes[i] : &svd_shape; }
static chi_encode_options encode_of(int i)
{
  return options_of(i < N_SHAPES ? CHI_REAL32 : CHI_REAL64, 1);
}

static chi_status measure_shapes(void *context, double *value)
{
  (void)context;
  timing few[N_MEASURED], many[N_MEASURED];
  for (int i = 0; i < N_MEASURED; i++) few[i].seconds = many[i].seconds = INFINITY;
  for (int pass = 0; pass < PASSES; pass++)
    for (int i = 0; i < N_MEASURED; i++) {
      const chi_encode_options encode = encode_of(i);
      const shape *sh = shape_of(i);
      CHI_TRY(time_shape(&encode, sh, sh->many, &many[i]));
      if (sh->few > 0) CHI_TRY(time_shape(&encode, sh, sh->few, &few[i]));
    }
  for (int i = 0; i < N_MEASURED; i++) {
    const chi_encode_options encode = encode_of(i);
    find_speeds(&encode, shape_of(i), &few[i], &many[i], value + 2 * (ptrdiff_t)i);
  }
  return CHI_OK;
}

/* \param[in,out] seconds  of the quickest replicate so far */
static chi_status time_replicates(const chi_encode_options *encode, const data *d, double *seconds)
{
  enum { REPLICATES = 4 };
  int64_t *event = NULL;
  int32_t *session = NULL;
  char subject[] = "calibration";
  chi_draws draws = {0};
  chi_status s = chi_alloc(d->events, sizeof *event, "events", &event);
  if (s == CHI_OK) s = chi_alloc(d->events, sizeof *session, "sessions", &session);
  const chi_dataset of = {.subject = subject, .n_events = d->events, .session = session};
  if (s == CHI_OK) s = chi_draws_create(&of, "language", 0, 10, &draws);
  for (int r = 0; r < REPLICATES && s == CHI_OK; r++) {
    chi_rows rows;
    const double start = chi_clock_cpu();
    chi_draws_make(&draws, r, event);
    s = chi_rows_drawn(encode, d->events, event, NULL, NULL, &rows);
    if (s == CHI_OK) s = fit(d, &rows, NULL);
    chi_rows_free(&rows);
    *seconds = fmin(*seconds, chi_clock_cpu() - start);
  }
  chi_draws_free(&draws);
  chi_free(session);
  chi_free(event);
  return s;
}

static chi_status time_replicates_of(const chi_encode_options *encode, const shape *sh,
                                     double *seconds)
{
  data d = {.events = sh->events, .features = sh->features};
  chi_status s = data_make(encode, sh->many, &d);
  if (s == CHI_OK) s = time_replicates(encode, &d, seconds);
  data_free(&d);
  return s;
}

/* Replicates of some shapes beside what the points say of a plain fit of 0.63 the events. */
static chi_status measure_replicates(void *context, double *value)
{
  static const shape some[] = {{800, 96, 0, 256}, {800, 192, 0, 256}, {800, 192, 0, 2048}};
  enum { N = sizeof some / sizeof *some };
  const chi_encode_options encode = options_of(CHI_REAL32, 1);
  double seconds[N] = {INFINITY, INFINITY, INFINITY}, sum = 0;
  for (int pass = 0; pass < PASSES; pass++)
    for (int i = 0; i < N; i++) CHI_TRY(time_replicates_of(&encode, &some[i], &seconds[i]));
  for (int i = 0; i < N; i++) {
    const chi_cost_shape plain = {.rows = (int64_t)(0.63 * (double)some[i].events),
                                  .features = some[i].features,
                                  .electrodes = some[i].many,
                                  .times = 1,
                                  .targets = some[i].many};
    sum += log(seconds[i] / chi_cost_seconds(context, &encode, &plain, 0));
  }
  value[0] = exp(sum / N);
  return CHI_OK;
}

/* Of a fit by all cores' threads, the share that they do not share. */
static chi_status measure_threads(void *context, double *value)
{
  const int32_t cores = ((const chi_machine *)context)->cores;
  static const shape sh = {1200, 256, 0, 2048};
  timing best[2] = {{.seconds = INFINITY}, {.seconds = INFINITY}};
  for (int pass = 0; pass < PASSES; pass++)
    for (int k = 0; k < 2; k++) {
      const chi_encode_options encode = options_of(CHI_REAL32, k == 0 ? 1 : cores);
      CHI_TRY(time_shape(&encode, &sh, sh.many, &best[k]));
    }
  const double c = cores;
  /* more than a quarter says that other programs had the cores */
  value[0] =
      cores < 2 ? 0 : fmin(0.25, fmax(0, (c * best[1].seconds / best[0].seconds - 1) / (c - 1)));
  return CHI_OK;
}

static chi_status measure_summary(void *context, double *value)
{
  enum { N = 1000, TIMES = 200 };
  (void)context;
  double *numbers, summary[3];
  CHI_TRY(chi_alloc(N, sizeof *numbers, "replicates", &numbers));
  double spent = 0;
  for (int k = 0; k < TIMES; k++) {
    chi_random_uniforms((chi_random_key){2, 0}, 0, (uint64_t)k, 0, N, numbers);
    const double start = chi_clock_cpu();
    chi_summarise(N, numbers, summary);
    spent += chi_clock_cpu() - start;
  }
  chi_free(numbers);
  value[0] = spent / ((double)N * TIMES);
  return CHI_OK;
}

chi_status chi_calibrate_fits(chi_machine *machine)
{
  double alone[2 * N_MEASURED], busy[2 * N_MEASURED];
  CHI_TRY(chi_children_run(1, measure_shapes, NULL, 2 * N_MEASURED, alone));
  CHI_TRY(chi_children_run(machine->cores, measure_shapes, NULL, 2 * N_MEASURED, busy));
  machine->n_points = N_MEASURED;
  for (int i = 0; i < N_MEASURED; i++) {
    const shape *sh = shape_of(i);
    const chi_encode_options encode = encode_of(i);
    const chi_encode_plan plan =
        chi_encode_make_plan(&encode, sh->events, sh->features, sh->many, 1);
    machine->point[i] =
        (chi_machine_point){.way = chi_way_of(&plan),
                            .events = (double)sh->events,
                            .features = (double)sh->features,
                            .shared = alone[2 * i],
                            .target = alone[2 * i + 1],
                            /* a core is not quicker for the others being busy; noise may say so */
                            .shared_busy = fmin(busy[2 * i], alone[2 * i]),
                            .target_busy = fmin(busy[2 * i + 1], alone[2 * i + 1])};
  }
  CHI_TRY(chi_children_run(1, measure_replicates, machine, 1, &machine->replicate));
  CHI_TRY(chi_children_run(1, measure_threads, machine, 1, &machine->serial));
  return chi_children_run(1, measure_summary, machine, 1, &machine->summary_s);
}
