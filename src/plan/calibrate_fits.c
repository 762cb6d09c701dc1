/* How fast fits are, by shape, on data made in memory. */
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/gate.h"
#include "base/memory.h"
#include "base/random.h"
#include "bench/made.h"
#include "plan/calibrate.h"
#include "stage/summary.h"

/* A fit to be timed. */
typedef struct job {
  int64_t events, features, targets; /* targets: 0: nothing is to be timed */
  bool exact;                        /* in double precision */
  bool replicate;                    /* of events drawn with replacement */
  bool influence;                    /* not the fit but the pass after it */
  int32_t threads;                   /* 0: one */
} job;
#define FIT(n, p, t, ...)                                   \
  {                                                         \
    .events = n, .features = p, .targets = t, ##__VA_ARGS__ \
  }

#define PASS(...) FIT(__VA_ARGS__, .influence = true)

static const double alphas[] = {0.1, 1, 10, 100, 1e3, 1e4, 1e5};

static chi_encode_options encode_of(const job *j)
{
  return (chi_encode_options){.folds = 5,
                              .n_alphas = sizeof alphas / sizeof *alphas,
                              .alphas = alphas,
                              .precision = j->exact ? CHI_REAL64 : CHI_REAL32,
                              .threads = j->threads > 0 ? j->threads : 1};
}

static chi_encode_plan plan_of(const job *j)
{
  const chi_encode_options encode = encode_of(j);
  if (j->influence)
    return chi_influence_make_plan(&encode, CHI_RESIDUAL_HELD_OUT, j->events, CHI_MADE_BLOCKS,
                                   j->features, j->targets, 1);
  return chi_encode_make_plan(&encode, j->events, j->features, j->targets, 1);
}

/* ---- processes ---- */

/* Something to measure. \param[out] value  zeros; as many as run_processes was told */
typedef chi_status work(void *context, double *value);

/* Do it in n processes at once. Not with MPI, nor after threads.
 * \param[out] value  n_values: the mean over the processes */
static chi_status run_processes(int n, work *todo, void *context, int n_values, double *value)
{
  const size_t bytes = (size_t)n * (size_t)n_values * sizeof *value;
  double *shared =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0); /* zeros */
  if (shared == MAP_FAILED)
    return chi_fail(CHI_ERR_MEMORY, "no memory for the numbers of processes that measure fits");
  bool good = true;
  int started = 0;
  fflush(NULL);
  for (; started < n && good; started++) {
    const pid_t pid = fork();
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL); /* not to go on alone */
      const chi_status s = todo(context, shared + (ptrdiff_t)started * n_values);
      if (s != CHI_OK) fprintf(stderr, "chiasm: error: %s\n", chi_message());
      _exit(s == CHI_OK ? 0 : 1);
    }
    good = pid > 0;
  }
  for (int i = 0, result; i < started; i++) good = wait(&result) > 0 && result == 0 && good;
  for (int k = 0; k < n_values; k++) value[k] = 0;
  for (int i = 0; i < n * n_values; i++) value[i % n_values] += shared[i] / n;
  munmap(shared, bytes);
  return good ? CHI_OK
              : chi_fail(CHI_ERR_IO, "a process that measures fits did not come to its end");
}

/* ---- timing ---- */

/* Where a program's arrays happen to lie makes its fits up to a third slower or quicker, and so do
 * the neighbours of a virtual machine for a moment. A run of hours meets the mean of that: so all
 * is measured in several passes, each by new processes, and averaged. A pass fits a shape once to
 * warm up, and then for so long; a long fit warms up within itself. */
enum { PASSES = 5 };
static const double turn_s = 0.05, long_s = 0.15;

/* What is found of a fit: its seconds (of the CPU, with several threads of the clock), and those of
 * the CPU by stage. */
enum { SECONDS, STAGES, N_FOUND = STAGES + CHI_N_STAGES };

/* Fit once, or pass. \param[in,out] found  added to */
static chi_status fit_once(const chi_made *made, const chi_rows *rows, double *found)
{
  const bool wall = made->encode.threads > 1;
  chi_stages stages = {0};
  const double start = wall ? chi_clock_now() : chi_clock_cpu();
  CHI_TRY(made->n_blocks > 0 ? chi_made_influence(made, CHI_RESIDUAL_HELD_OUT, rows, &stages)
                             : chi_made_fit(made, rows, &stages));
  found[SECONDS] += (wall ? chi_clock_now() : chi_clock_cpu()) - start;
  for (int i = 0; i < CHI_N_STAGES; i++) found[STAGES + i] += stages.cpu_s[i];
  return CHI_OK;
}

static chi_status time_fits(const chi_made *made, const chi_rows *rows, double *found)
{
  int fits = 1;
  CHI_TRY(fit_once(made, rows, found));
  if (found[SECONDS] >= long_s) return CHI_OK;
  for (int k = 0; k < N_FOUND; k++) found[k] = 0;
  for (fits = 0; found[SECONDS] < turn_s; fits++) CHI_TRY(fit_once(made, rows, found));
  for (int k = 0; k < N_FOUND; k++) found[k] /= fits;
  return CHI_OK;
}

/* \param[out] found  N_FOUND, given as zeros */
static chi_status time_job(const job *j, double *found)
{
  const chi_encode_options encode = encode_of(j);
  chi_made made;
  chi_rows rows = {0};
  chi_status s = chi_made_create(&encode, j->events, j->features, j->targets, &made);
  if (s == CHI_OK) s = chi_made_rows(&made, j->replicate ? 0 : -1, &rows);
  if (s == CHI_OK && j->influence) s = chi_made_reserve_influence(&made, CHI_RESIDUAL_HELD_OUT);
  if (s == CHI_OK) s = time_fits(&made, &rows, found);
  chi_rows_free(&rows);
  chi_made_free(&made);
  return s;
}

/* What a process is to time. */
typedef struct jobs {
  const job *job;
  int n;
} jobs;

static chi_status time_jobs(void *context, double *value)
{
  const jobs *all = context;
  for (int i = 0; i < all->n; i++)
    if (all->job[i].targets > 0) CHI_TRY(time_job(&all->job[i], value + i * (ptrdiff_t)N_FOUND));
  return CHI_OK;
}

/* \param[out] mean  n x N_FOUND */
static chi_status measure(int processes, const job *list, int n, double *mean)
{
  jobs all = {list, n};
  double *one;
  CHI_TRY(chi_alloc(n * N_FOUND, sizeof *one, "numbers", &one));
  chi_status s = CHI_OK;
  int passes = PASSES;
  for (int k = 0; k < n * N_FOUND; k++) mean[k] = 0;
  for (int pass = 0; pass < passes && s == CHI_OK; pass++) {
    if (chi_gate("plan.pass") != CHI_OK) passes = pass + 1; /* a test is content with fewer */
    s = run_processes(processes, time_jobs, &all, n * N_FOUND, one);
    for (int k = 0; k < n * N_FOUND; k++) mean[k] += one[k];
  }
  for (int k = 0; k < n * N_FOUND; k++) mean[k] /= passes;
  chi_free(one);
  return s;
}

/* The geometric mean of n ratios of seconds, of every step-th fit. */
static double ratio(int n, int step, const double *above, const double *below)
{
  double sum = 0;
  for (int i = 0; i < n; i++)
    sum += log(above[i * step * N_FOUND + SECONDS] / below[i * step * N_FOUND + SECONDS]);
  return exp(sum / n);
}

/* ---- speeds ---- */

/* Which part of a fit's time targets share is told by its stages; where these do not tell, in the
 * banded ways and in influence passes, by fits of two numbers of targets: the second of a pair.
 * Banded ones are few, as theirs is the way of few. Singular values are for double precision. */
static const job shapes[][2] = {
    {FIT(400, 48, 1024)},
    {FIT(800, 96, 1024)},
    {FIT(800, 192, 1024)},
    {FIT(1200, 256, 2048)},
    {FIT(2000, 512, 2048)},
    {FIT(200, 400, 2048)},
    {FIT(400, 700, 2048)},
    {FIT(800, 1200, 2048)},
    {FIT(500, 96, 256)},
    {FIT(500, 192, 512), FIT(500, 192, 128)},
    {FIT(1200, 384, 512), FIT(1200, 384, 128)},
    {FIT(1600, 640, 512), FIT(1600, 640, 128)},
    {FIT(600, 1000, 384), FIT(600, 1000, 128)},
    {FIT(300, 450, 1024, .exact = true)},
    {PASS(800, 96, 256), PASS(800, 96, 64)},
    {PASS(800, 192, 256), PASS(800, 192, 64)},
    {PASS(1200, 256, 2048), PASS(1200, 256, 512)},
    {PASS(2000, 512, 2048), PASS(2000, 512, 512)},
    {PASS(200, 400, 2048), PASS(200, 400, 512)},
    {PASS(400, 700, 2048), PASS(400, 700, 512)},
    {PASS(800, 1200, 2048), PASS(800, 1200, 512)},
    {PASS(300, 450, 1024, .exact = true), PASS(300, 450, 256, .exact = true)},
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

/* The seconds of product and score; of the Gram matrices those of X'Y, which the primal way makes
 * together with X'X. */
static double target_seconds(const chi_encode_plan *plan, const job *j, const double *cpu_s)
{
  const double squares = 6 * (double)j->features; /* flops of X'X and X'Y over events x features */
  const double with_targets = plan->dual ? 0 : 4 * (double)j->targets;
  return cpu_s[CHI_STAGE_PRODUCT] + cpu_s[CHI_STAGE_SCORE] +
         cpu_s[CHI_STAGE_GRAM] * with_targets / (squares + with_targets);
}

static double between(double speed, double middle)
{
  return fmin(4 * middle, fmax(middle / 4, speed));
}

/* Flops per second of a shape: of the shared part, of the targets'. */
static chi_machine_point point_of(const job pair[2], const double found[2 * N_FOUND])
{
  const chi_encode_plan plan = plan_of(pair);
  const double many = (double)pair[0].targets, few = (double)pair[1].targets;
  const double all = found[SECONDS];
  const double targets = few > 0 ? (all - found[N_FOUND + SECONDS]) * many / (many - few)
                                 : target_seconds(&plan, pair, found + STAGES);
  /* what a busy machine makes of a difference may be all noise: the speeds are of one order */
  const double middle = (plan.flops_shared + plan.flops_target * many) / all;
  return (chi_machine_point){
      .way = chi_way_of(&plan, pair->influence),
      .events = (double)pair->events,
      .features = (double)pair->features,
      .shared = between(plan.flops_shared / fmax(all - targets, 1e-12), middle),
      .target = between(plan.flops_target * many / fmax(targets, 1e-12), middle)};
}

static chi_status find_points(chi_machine *machine)
{
  double found[N_SHAPES][2 * N_FOUND];
  CHI_TRY(measure(1, shapes[0], 2 * N_SHAPES, found[0]));
  machine->n_points = N_SHAPES;
  for (int i = 0; i < N_SHAPES; i++) machine->point[i] = point_of(shapes[i], found[i]);
  return CHI_OK;
}

/* ---- the other cores, replicates, threads, summaries ---- */

static chi_status find_busy(chi_machine *machine)
{
  static const job some[] = {FIT(800, 192, 1024), FIT(1200, 256, 2048), FIT(400, 700, 2048)};
  enum { N = sizeof some / sizeof *some };
  double alone[N * N_FOUND], busy[N * N_FOUND];
  CHI_TRY(measure(1, some, N, alone));
  CHI_TRY(measure((int)machine->cores, some, N, busy));
  machine->busy = fmax(1, ratio(N, 1, busy, alone));
  return CHI_OK;
}

/* Replicates beside plain fits of 0.63 the events. */
static chi_status find_replicate(chi_machine *machine)
{
  static const job pairs[][2] = {{FIT(800, 96, 256, .replicate = true), FIT(504, 96, 256)},
                                 {FIT(800, 192, 256, .replicate = true), FIT(504, 192, 256)},
                                 {FIT(800, 192, 2048, .replicate = true), FIT(504, 192, 2048)}};
  enum { N = sizeof pairs / sizeof *pairs };
  double found[2 * N * N_FOUND];
  CHI_TRY(measure(1, pairs[0], 2 * N, found));
  machine->replicate = ratio(N, 2, found, found + N_FOUND);
  return CHI_OK;
}

/* The share of a fit that threads do not share. */
static chi_status find_serial(chi_machine *machine)
{
  const double c = (double)machine->cores;
  job pair[] = {FIT(1200, 256, 2048), FIT(1200, 256, 2048)};
  pair[1].threads = (int32_t)machine->cores;
  double found[2 * N_FOUND];
  CHI_TRY(measure(1, pair, 2, found));
  /* more than a quarter says that other programs had the cores */
  machine->serial =
      c < 2 ? 0 : fmin(0.25, fmax(0, (c * ratio(1, 1, found + N_FOUND, found) - 1) / (c - 1)));
  return CHI_OK;
}

static chi_status measure_summary(void *context, double *value)
{
  enum { N = 1000, TIMES = 200 };
  (void)context;
  double *numbers, summary[3];
  CHI_TRY(chi_alloc(N, sizeof *numbers, "replicates", &numbers));
  for (int k = 0; k < TIMES; k++) {
    chi_random_uniforms((chi_random_key){2, 0}, 0, (uint64_t)k, 0, N, numbers);
    const double start = chi_clock_cpu();
    chi_summarise(N, numbers, summary);
    *value += (chi_clock_cpu() - start) / ((double)N * TIMES);
  }
  chi_free(numbers);
  return CHI_OK;
}

chi_status chi_calibrate_fits(chi_machine *machine)
{
  CHI_TRY(find_points(machine));
  CHI_TRY(find_busy(machine));
  CHI_TRY(find_replicate(machine));
  CHI_TRY(find_serial(machine));
  return run_processes(1, measure_summary, NULL, 1, &machine->summary_s);
}
