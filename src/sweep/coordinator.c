#include "sweep/coordinator.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/stop.h"
#include "sweep/hand_out.h"
#include "sweep/messages.h"
#include "sweep/show.h"

static const double show_every_s = 0.5;
static const double pause_min_s = 1e-4, pause_max_s = 1e-3;
enum { MESSAGES_AT_ONCE = 1000 }; /* then look at the clock and the signals again */

struct chi_coordinator {
  MPI_Comm comm;
  int n_ranks;
  const chi_sweep_stage *stage;
  chi_sweep_report *report;
  chi_hand_out *hand_out;
  pthread_t thread;
  atomic_bool hushed;
  bool stopping;
  int n_gone;       /* ranks that have said bye */
  int64_t messages; /* taken */
  double served_s;  /* CPU seconds for them */
  double start_s, shown_s, last_line_s;
};

static void answer(const chi_coordinator *c, int rank, const chi_answer *a)
{
  const size_t bytes = offsetof(chi_answer, unit) + (size_t)a->n * sizeof *a->unit;
  MPI_Send(a, (int)bytes, MPI_BYTE, rank, CHI_TAG_ANSWER, c->comm);
}

static void stop(chi_coordinator *c)
{
  if (c->stopping) return;
  c->stopping = true;
  for (int r = 0; r < c->n_ranks; r++)
    if (chi_hand_out_end(c->hand_out, r)) answer(c, r, &(chi_answer){.kind = CHI_ANSWER_STOP});
  chi_log(CHI_LOG_INFO, "%s: asked to stop; finishing the %lld units in work", c->stage->name,
          (long long)chi_hand_out_so_far(c->hand_out)->running);
}

static void take_report(chi_coordinator *c, int rank, const chi_report *r)
{
  chi_hand_out_take(c->hand_out, rank, r->n_done, r->n_failed, r->unit, r->worked_s);
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
    chi_hand_out_bye(c->hand_out, rank);
    c->n_gone++;
  } else if (r->wants > 0 && !c->stopping) {
    chi_answer a;
    chi_hand_out_ask(c->hand_out, rank, r->wants, &a);
    answer(c, rank, &a);
  }
}

/* Take what has come in. Returns whether anything had. */
static bool take_reports(chi_coordinator *c)
{
  chi_report report;
  int i = 0, rank;
  const double start = chi_clock_thread_cpu();
  for (; i < MESSAGES_AT_ONCE; i++) {
    if (!chi_message_waits(c->comm, MPI_ANY_SOURCE, CHI_TAG_REPORT, &rank)) break;
    MPI_Recv(&report, (int)sizeof report, MPI_BYTE, rank, CHI_TAG_REPORT, c->comm,
             MPI_STATUS_IGNORE);
    take_report(c, rank, &report);
  }
  c->messages += i;
  if (i > 0) c->served_s += chi_clock_thread_cpu() - start;
  return i > 0;
}

static void show(chi_coordinator *c)
{
  const double now = chi_clock_now();
  const bool finished = c->n_gone == c->n_ranks;
  if (!finished && now - c->shown_s < show_every_s) return;
  c->shown_s = now;
  chi_sweep_progress p = *chi_hand_out_so_far(c->hand_out);
  p.elapsed_s = now - c->start_s;
  p.finished = finished;
  p.stopped = c->stopping && p.running + p.left > 0;
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
  const chi_sweep_progress *so_far = chi_hand_out_so_far(c->hand_out);
  const chi_answer final = {.kind = CHI_ANSWER_FINAL,
                            .done = so_far->done,
                            .failed = so_far->failed,
                            .left = so_far->running + so_far->left};
  for (int r = 0; r < c->n_ranks; r++) answer(c, r, &final);
  return NULL;
}

static void destroy(chi_coordinator **c)
{
  chi_hand_out_destroy(&(*c)->hand_out);
  chi_free(*c);
  *c = NULL;
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
  c->stage = stage;
  c->report = report;
  c->start_s = chi_clock_now();
  c->shown_s = c->start_s - show_every_s;
  chi_status s = chi_hand_out_create(units, n, c->n_ranks, &c->hand_out);
  if (s == CHI_OK) {
    const int error = pthread_create(&c->thread, NULL, serve, c);
    if (error != 0)
      s = chi_fail(CHI_ERR_MEMORY, "the coordinator's thread cannot be made: %s", strerror(error));
  }
  if (s != CHI_OK) destroy(&c);
  *out = c;
  return s;
}

void chi_coordinator_hush(chi_coordinator *coordinator)
{
  if (coordinator != NULL) atomic_store(&coordinator->hushed, true);
}

void chi_coordinator_join(chi_coordinator **coordinator, chi_sweep_result *result)
{
  chi_coordinator *c = *coordinator;
  if (c == NULL) return;
  pthread_join(c->thread, NULL);
  result->messages = c->messages;
  result->served_s = c->served_s;
  destroy(coordinator);
}
