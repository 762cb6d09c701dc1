#include "sweep/coordinator.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/stop.h"
#include "sweep/messages.h"
#include "sweep/policy.h"
#include "sweep/show.h"

static const double show_every_s = 0.5;
static const double batch_s = 0.02; /* shorter units than this go out several at a time */
static const double pause_min_s = 1e-4, pause_max_s = 1e-3;
enum { MESSAGES_AT_ONCE = 1000 }; /* then look at the clock and the signals again */

typedef struct seat {
  int64_t holds; /* units given and not reported */
  bool ended;    /* has had END or STOP */
} seat;

struct chi_coordinator {
  MPI_Comm comm;
  int n_ranks;
  const chi_unit *units;
  int64_t n;
  const chi_sweep_stage *stage;
  chi_sweep_report *report;
  chi_policy *policy;
  seat *seats; /* one per rank */
  pthread_t thread;
  atomic_bool hushed;
  bool stopping;
  int n_gone; /* ranks that have said bye */
  int64_t done, failed, models_done;
  double cost_done, cost_total, worked_s;
  double start_s, shown_s, last_line_s;
};

static void answer(const chi_coordinator *c, int rank, const chi_answer *a)
{
  const size_t bytes = offsetof(chi_answer, unit) + (size_t)a->n * sizeof *a->unit;
  MPI_Send(a, (int)bytes, MPI_BYTE, rank, CHI_TAG_ANSWER, c->comm);
}

static void answer_kind(const chi_coordinator *c, int rank, chi_answer_kind kind)
{
  const chi_answer a = {.kind = kind};
  answer(c, rank, &a);
}

/* How many units a rank may be given one by one. Near the end it may hold one only, so that none
 * waits behind a long one while other ranks have nothing to do. */
static int64_t allowance(const chi_coordinator *c, int rank, int64_t wants)
{
  const bool near_end = chi_policy_left(c->policy) < 2 * (int64_t)c->n_ranks && c->n_ranks > 1;
  const int64_t may_hold = near_end ? 1 : 3; /* the one it does, the next, the one after it */
  const int64_t room = may_hold - c->seats[rank].holds;
  return wants < room ? wants : room;
}

/* How many units make up a batch, judging by those finished so far; never so many that others would
 * go short. */
static int64_t batch_size(const chi_coordinator *c)
{
  const int64_t finished = c->done + c->failed;
  if (finished == 0) return 1;
  const double n = batch_s * (double)finished / fmax(c->worked_s, 1e-9);
  const int64_t fair = chi_policy_left(c->policy) / (4 * (int64_t)c->n_ranks);
  const int64_t most = fair < CHI_SWEEP_BATCH ? fair : CHI_SWEEP_BATCH;
  return n < (double)most ? (int64_t)n : most;
}

static void hand_out(chi_coordinator *c, int rank, int64_t wants)
{
  if (chi_policy_left(c->policy) == 0) {
    c->seats[rank].ended = true;
    answer_kind(c, rank, CHI_ANSWER_END);
    return;
  }
  const int64_t allowed = allowance(c, rank, wants), batch = batch_size(c);
  const int64_t most = batch > allowed ? batch : allowed;
  if (allowed <= 0 && batch <= 1) {
    answer_kind(c, rank, CHI_ANSWER_LATER);
    return;
  }
  /* A dear unit ends a batch: the mean says little of it. */
  const double dear = batch_s * (c->worked_s > 0 ? c->cost_done / c->worked_s : 0);
  chi_answer a = {.kind = CHI_ANSWER_UNITS};
  double cost = 0;
  while (a.n < most && (a.n < allowed || a.n == 0 || cost <= dear)) {
    const int64_t i = chi_policy_next(c->policy, rank);
    if (i < 0) break;
    cost += c->units[i].cost;
    a.unit[a.n++] = i;
  }
  c->seats[rank].holds += a.n;
  answer(c, rank, &a);
}

static void stop(chi_coordinator *c)
{
  if (c->stopping) return;
  c->stopping = true;
  int64_t busy = 0;
  for (int r = 0; r < c->n_ranks; r++) {
    busy += c->seats[r].holds > 0;
    if (c->seats[r].ended) continue;
    c->seats[r].ended = true;
    answer_kind(c, r, CHI_ANSWER_STOP);
  }
  chi_log(CHI_LOG_INFO, "%s: asked to stop; finishing the %lld units in work", c->stage->name,
          (long long)busy);
}

static void take_report(chi_coordinator *c, int rank, const chi_report *r)
{
  const int64_t finished = r->n_done + r->n_failed;
  for (int64_t k = 0; k < finished; k++) c->cost_done += c->units[r->unit[k]].cost;
  for (int64_t k = 0; k < r->n_done; k++) c->models_done += c->units[r->unit[k]].models;
  c->done += r->n_done;
  c->failed += r->n_failed;
  c->worked_s += r->worked_s;
  c->seats[rank].holds -= finished;
  if (r->n_failed > 0) {
    const int64_t i = r->unit[r->n_done];
    if (c->stage->failed != NULL)
      c->stage->failed(c->stage->context, i, r->message);
    else
      chi_log(CHI_LOG_WARNING, "%s: unit %lld failed: %s", c->stage->name, (long long)i,
              r->message);
  }
  if (r->signalled) stop(c);
  if (r->bye) {
    c->seats[rank].holds = 0; /* what a stop left it with is nobody's now */
    c->n_gone++;
  } else if (r->wants > 0 && !c->seats[rank].ended) {
    hand_out(c, rank, r->wants);
  }
}

/* Take what has come in. Returns whether anything had. */
static bool take_reports(chi_coordinator *c)
{
  chi_report report;
  int i = 0, rank;
  for (; i < MESSAGES_AT_ONCE; i++) {
    if (!chi_message_waits(c->comm, MPI_ANY_SOURCE, CHI_TAG_REPORT, &rank)) break;
    MPI_Recv(&report, (int)sizeof report, MPI_BYTE, rank, CHI_TAG_REPORT, c->comm,
             MPI_STATUS_IGNORE);
    take_report(c, rank, &report);
  }
  return i > 0;
}

static void show(chi_coordinator *c)
{
  const double now = chi_clock_now();
  const bool finished = c->n_gone == c->n_ranks;
  if (!finished && now - c->shown_s < show_every_s) return;
  c->shown_s = now;
  chi_sweep_progress p = {.done = c->done,
                          .failed = c->failed,
                          .models_done = c->models_done,
                          .elapsed_s = now - c->start_s,
                          .cost_done = c->cost_done,
                          .cost_total = c->cost_total,
                          .finished = finished};
  for (int r = 0; r < c->n_ranks; r++) p.running += c->seats[r].holds > 0;
  p.left = c->n - p.done - p.failed - p.running;
  p.stopped = c->stopping && c->done + c->failed < c->n;
  if (c->report != NULL) c->report(c->stage->context, &p);
  if (!atomic_load(&c->hushed)) chi_show(c->stage->name, &p, &c->last_line_s);
}

static void *serve(void *argument)
{
  chi_coordinator *c = argument;
  double pause = pause_min_s;
  show(c);
  while (c->n_gone < c->n_ranks) {
    if (chi_stop_asked()) stop(c);
    pause = take_reports(c) ? pause_min_s : fmin(1.5 * pause, pause_max_s);
    if (c->n_gone < c->n_ranks) {
      show(c);
      chi_clock_sleep(pause); /* its core belongs to the fits */
    }
  }
  show(c);
  const chi_answer final = {.kind = CHI_ANSWER_FINAL,
                            .done = c->done,
                            .failed = c->failed,
                            .left = c->n - c->done - c->failed};
  for (int r = 0; r < c->n_ranks; r++) answer(c, r, &final);
  return NULL;
}

static void destroy(chi_coordinator *c)
{
  chi_policy_destroy(&c->policy);
  chi_free(c->seats);
  chi_free(c);
}

chi_status chi_coordinator_start(MPI_Comm comm, const chi_unit *units, int64_t n,
                                 const chi_sweep_stage *stage, chi_sweep_report *report,
                                 chi_coordinator **out)
{
  chi_coordinator *c = NULL;
  *out = NULL;
  CHI_TRY(chi_alloc(1, sizeof *c, "coordinator", &c));
  c->comm = comm;
  MPI_Comm_size(comm, &c->n_ranks);
  c->units = units;
  c->n = n;
  c->stage = stage;
  c->report = report;
  c->start_s = chi_clock_now();
  c->shown_s = c->start_s - show_every_s;
  chi_status s = chi_alloc(c->n_ranks, sizeof *c->seats, "ranks", &c->seats);
  if (s == CHI_OK) s = chi_policy_create(units, n, c->n_ranks, &c->policy);
  if (s == CHI_OK) {
    c->cost_total = chi_policy_cost_left(c->policy);
    const int error = pthread_create(&c->thread, NULL, serve, c);
    if (error != 0)
      s = chi_fail(CHI_ERR_MEMORY, "the coordinator's thread cannot be made: %s", strerror(error));
  }
  if (s == CHI_OK)
    *out = c;
  else
    destroy(c);
  return s;
}

void chi_coordinator_hush(chi_coordinator *coordinator)
{
  if (coordinator != NULL) atomic_store(&coordinator->hushed, true);
}

void chi_coordinator_join(chi_coordinator **coordinator)
{
  if (*coordinator == NULL) return;
  pthread_join((*coordinator)->thread, NULL);
  destroy(*coordinator);
  *coordinator = NULL;
}
