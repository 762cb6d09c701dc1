/* How fast fits are, by shape, on data made in memory. */
#include <math.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "plan/calibrate.h"
#include "plan/children.h"
#include "plan/made.h"
#include "stage/draws.h"
#include "stage/summary.h"

/* Which part of a fit's time targets share is told by its stages; where these do not tell, in the
 * banded ways, by fits of two numbers of targets. Those are few, as theirs is the way of few. */
typedef struct shape {
  int64_t events, features, few, many; /* few: 0 for the first kind */
} shape;
static const shape shapes[] = {
    {400, 48, 0, 1024},    {800, 96, 0, 1024},   {800, 192, 0, 1024},   {1200, 256, 0, 2048},
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

/* The last shape is fitted by singular values, in double precision. */
static const shape *shape_of(int i) { return i < N_SHAPES ? &shapes[i] : &svd_shape; }
static chi_encode_options encode_of(int i)
{
  return options_of(i < N_SHAPES ? CHI_REAL32 : CHI_REAL64, 1);
}

static chi_encode_plan plan_of(int i)
{
  const chi_encode_options encode = encode_of(i);
  const shape *sh = shape_of(i);
  return chi_encode_make_plan(&encode, sh->events, sh->features, sh->many, 1);
}

/* Where a program's arrays happen to lie makes its fits up to a third slower or quicker, and so do
 * the neighbours of a virtual machine for a moment. A run of hours meets the mean of that: so all
 * is measured in several passes, each by new processes, and averaged. A pass fits a shape once to
 * warm up, and then for so long; a long fit warms up within itself. */
enum { PASSES = 5 };
static const double turn_s = 0.05, long_s = 0.15;

static chi_status mean_of_passes(int processes, chi_child_work *work, void *context, int n_values,
                                 double *mean)
{
  double *one;
  CHI_TRY(chi_alloc(n_values, sizeof *one, "numbers", &one));
  chi_status s = CHI_OK;
  for (int k = 0; k < n_values; k++) mean[k] = 0;
  for (int pass = 0; pass < PASSES && s == CHI_OK; pass++) {
    s = chi_children_run(processes, work, context, n_values, one);
    for (int k = 0; k < n_values; k++) mean[k] += one[k] / PASSES;
  }
  chi_free(one);
  return s;
}

/* \param[out]    seconds  of one fit: CPU seconds, with several threads wall seconds
 * \param[in,out] stages   added to */
static chi_status time_once(const chi_made *made, const chi_rows *rows, double *seconds,
                            chi_stages *stages)
{
  const bool wall = made->encode.threads > 1;
  const double start = wall ? chi_clock_now() : chi_clock_cpu();
  CHI_TRY(chi_made_fit(made, rows, stages));
  *seconds = (wall ? chi_clock_now() : chi_clock_cpu()) - start;
  return CHI_OK;
}

/* \param[out] stages  of one fit; may be NULL */
static chi_status time_fit(const chi_made *made, const chi_rows *rows, double *seconds,
                           chi_stages *stages)
{
  chi_stages sum = {0};
  int fits = 1;
  CHI_TRY(time_once(made, rows, seconds, &sum));
  if (*seconds < long_s) {
    sum = (chi_stages){0};
    double spent = 0, one = 0;
    for (fits = 0; spent < turn_s; fits++, spent += one) CHI_TRY(time_once(made, rows, &one, &sum));
    *seconds = spent / fits;
  }
  if (stages != NULL)
    for (int i = 0; i < CHI_N_STAGES; i++) stages->cpu_s[i] = sum.cpu_s[i] / fits;
  return CHI_OK;
}

static chi_status time_plain(const chi_encode_options *encode, const shape *sh, int64_t targets,
                             double *seconds, chi_stages *stages)
{
  chi_made made;
  chi_rows rows = {0};
  CHI_TRY(chi_made_create(encode, sh->events, sh->features, targets, &made));
  chi_status s = chi_rows_plain(encode, sh->events, NULL, NULL, &rows);
  if (s == CHI_OK) s = time_fit(&made, &rows, seconds, stages);
  chi_rows_free(&rows);
  chi_made_free(&made);
  return s;
}

/* ---- speeds ---- */

/* the seconds of product and score; of the Gram matrices those of
 * X'Y, which the primal way makes together with X'X. */
static double target_seconds(const chi_encode_plan *plan, const shape *sh, const double *cpu_s)
{
  const double squares = 6 * (double)sh->features; /* flops of X'X and X'Y over events x features */
  const double with_targets = plan->dual ? 0 : 4 * (double)sh->many;
  return cpu_s[CHI_STAGE_PRODUCT] + cpu_s[CHI_STAGE_SCORE] +
         cpu_s[CHI_STAGE_GRAM] * with_targets / (squares + with_targets);
}

/* Seconds of each shape: with many targets, of these that of the targets by the stages, with few.
 */
enum { MANY, BY_STAGES, FEW, N_TIMES };
static chi_status measure_shapes(void *context, double *value)
{
  (void)context;
  for (int i = 0; i < N_MEASURED; i++) {
    double *v = value + N_TIMES * (ptrdiff_t)i;
    const chi_encode_options encode = encode_of(i);
    const chi_encode_plan plan = plan_of(i);
    const shape *sh = shape_of(i);
    chi_stages stages;
    CHI_TRY(time_plain(&encode, sh, sh->many, &v[MANY], &stages));
    v[BY_STAGES] = target_seconds(&plan, sh, stages.cpu_s);
    v[FEW] = 0;
    if (sh->few > 0) CHI_TRY(time_plain(&encode, sh, sh->few, &v[FEW], NULL));
  }
  return CHI_OK;
}

static double between(double speed, double middle)
{
  return fmin(4 * middle, fmax(middle / 4, speed));
}

/* Flops per second of one shape: of the shared part, of the targets'. */
static void find_speeds(int i, const double *times, double *of_shared, double *of_targets)
{
  const double *v = times + N_TIMES * (ptrdiff_t)i;
  const chi_encode_plan plan = plan_of(i);
  const shape *sh = shape_of(i);
  const double many = (double)sh->many, few = (double)sh->few;
  const double targets = few > 0 ? (v[MANY] - v[FEW]) * many / (many - few) : v[BY_STAGES];
  /* what a busy machine makes of a difference may be all noise: the speeds are of one order */
  const double middle = (plan.flops_shared + plan.flops_target * many) / v[MANY];
  *of_shared = between(plan.flops_shared / fmax(v[MANY] - targets, 1e-12), middle);
  *of_targets = between(plan.flops_target * many / fmax(targets, 1e-12), middle);
}

static chi_status find_points(chi_machine *machine)
{
  double times[N_TIMES * N_MEASURED];
  CHI_TRY(mean_of_passes(1, measure_shapes, NULL, N_TIMES * N_MEASURED, times));
  machine->n_points = N_MEASURED;
  for (int i = 0; i < N_MEASURED; i++) {
    const chi_encode_plan plan = plan_of(i);
    chi_machine_point *p = &machine->point[i];
    *p = (chi_machine_point){.way = chi_way_of(&plan),
                             .events = (double)shape_of(i)->events,
                             .features = (double)shape_of(i)->features};
    find_speeds(i, times, &p->shared, &p->target);
  }
  return CHI_OK;
}

/* ---- the other cores ---- */

static const shape busy_shapes[] = {{800, 192, 0, 1024}, {1200, 256, 0, 2048}, {400, 700, 0, 2048}};
enum { N_BUSY = sizeof busy_shapes / sizeof *busy_shapes };

static chi_status measure_some(void *context, double *value)
{
  const chi_encode_options encode = options_of(CHI_REAL32, 1);
  (void)context;
  for (int i = 0; i < N_BUSY; i++)
    CHI_TRY(time_plain(&encode, &busy_shapes[i], busy_shapes[i].many, &value[i], NULL));
  return CHI_OK;
}

static chi_status find_busy(chi_machine *machine)
{
  double alone[N_BUSY], busy[N_BUSY], sum = 0;
  CHI_TRY(mean_of_passes(1, measure_some, NULL, N_BUSY, alone));
  CHI_TRY(mean_of_passes(machine->cores, measure_some, NULL, N_BUSY, busy));
  for (int i = 0; i < N_BUSY; i++) sum += log(busy[i] / alone[i]);
  machine->busy = fmax(1, exp(sum / N_BUSY));
  return CHI_OK;
}

/* ---- replicates, threads, summaries ---- */

/* One draw. \param[out] event  n, ascending */
static chi_status draw(int64_t n, int64_t *event)
{
  int32_t *session = NULL;
  char subject[] = "calibration";
  chi_draws draws = {0};
  CHI_TRY(chi_alloc(n, sizeof *session, "sessions", &session));
  const chi_dataset of = {.subject = subject, .n_events = n, .session = session};
  const chi_status s = chi_draws_create(&of, "language", 0, 10, &draws);
  if (s == CHI_OK) chi_draws_make(&draws, 0, event);
  chi_draws_free(&draws);
  chi_free(session);
  return s;
}

static chi_status time_replicate(const chi_encode_options *encode, const shape *sh, double *seconds)
{
  chi_made made;
  chi_rows rows = {0};
  int64_t *event = NULL;
  CHI_TRY(chi_made_create(encode, sh->events, sh->features, sh->many, &made));
  chi_status s = chi_alloc(sh->events, sizeof *event, "events", &event);
  if (s == CHI_OK) s = draw(sh->events, event);
  if (s == CHI_OK) s = chi_rows_drawn(encode, sh->events, event, NULL, NULL, &rows);
  if (s == CHI_OK) s = time_fit(&made, &rows, seconds, NULL);
  chi_rows_free(&rows);
  chi_free(event);
  chi_made_free(&made);
  return s;
}

static const shape drawn_shapes[] = {{800, 96, 0, 256}, {800, 192, 0, 256}, {800, 192, 0, 2048}};
enum { N_DRAWN = sizeof drawn_shapes / sizeof *drawn_shapes };

/* Seconds of replicates, and of plain fits of 0.63 the events. */
static chi_status measure_replicates(void *context, double *value)
{
  const chi_encode_options encode = options_of(CHI_REAL32, 1);
  (void)context;
  for (int i = 0; i < N_DRAWN; i++) {
    const shape *sh = &drawn_shapes[i];
    const shape part = {(int64_t)(0.63 * (double)sh->events), sh->features, 0, sh->many};
    CHI_TRY(time_replicate(&encode, sh, &value[2 * i]));
    CHI_TRY(time_plain(&encode, &part, part.many, &value[2 * i + 1], NULL));
  }
  return CHI_OK;
}

static chi_status find_replicate(chi_machine *machine)
{
  double times[2 * N_DRAWN], sum = 0;
  CHI_TRY(mean_of_passes(1, measure_replicates, NULL, 2 * N_DRAWN, times));
  for (int i = 0; i < N_DRAWN; i++) sum += log(times[2 * i] / times[2 * i + 1]);
  machine->replicate = exp(sum / N_DRAWN);
  return CHI_OK;
}

/* Seconds of a fit by one thread, and by all cores'. */
static chi_status measure_threads(void *context, double *value)
{
  static const shape sh = {1200, 256, 0, 2048};
  const chi_encode_options one = options_of(CHI_REAL32, 1);
  const chi_encode_options all = options_of(CHI_REAL32, ((const chi_machine *)context)->cores);
  CHI_TRY(time_plain(&one, &sh, sh.many, &value[0], NULL));
  return time_plain(&all, &sh, sh.many, &value[1], NULL);
}

/* The share that threads do not share. */
static chi_status find_serial(chi_machine *machine)
{
  double times[2];
  const double c = machine->cores;
  CHI_TRY(mean_of_passes(1, measure_threads, machine, 2, times));
  /* more than a quarter says that other programs had the cores */
  machine->serial = c < 2 ? 0 : fmin(0.25, fmax(0, (c * times[1] / times[0] - 1) / (c - 1)));
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
  CHI_TRY(find_points(machine));
  CHI_TRY(find_busy(machine));
  CHI_TRY(find_replicate(machine));
  CHI_TRY(find_serial(machine));
  return chi_children_run(1, measure_summary, machine, 1, &machine->summary_s);
}
