/* A rank's main thread in a sweep. */
#include "sweep/sweep.h"

#include <math.h>
#include <string.h>

#include "base/agree.h"
#include "base/clock.h"
#include "base/gate.h"
#include "base/log.h"
#include "base/stop.h"
#include "sweep/coordinator.h"
#include "sweep/hand_out.h"
#include "sweep/messages.h"

static const double pause_min_s = 5e-5, pause_max_s = 1e-3;

/* Units that can be held: half a batch when the question leaves, and what comes for it. */
enum { QUEUE_ROOM = 2 * CHI_SWEEP_BATCH };

typedef struct worker {
  MPI_Comm comm;
  const chi_sweep_stage *stage;
  chi_sweep_result *result;
  int64_t queue[QUEUE_ROOM]; /* units held and not begun, from `head`, around the end */
  int64_t head, n_queue;
  int64_t batch;  /* how many came last */
  bool asked;     /* and not answered yet */
  bool ended;     /* nothing more will come */
  bool told;      /* the coordinator, of a signal */
  bool final;     /* the counts have come */
  chi_report out; /* the report being filled */
} worker;

static void take_answer(worker *w, const chi_answer *a)
{
  w->asked = false;
  switch (a->kind) {
    case CHI_ANSWER_UNITS:
      w->batch = a->n;
      for (int32_t k = 0; k < a->n && !w->told; k++)
        w->queue[(w->head + w->n_queue++) % QUEUE_ROOM] = a->unit[k];
      break;
    case CHI_ANSWER_LATER:
      break;
    case CHI_ANSWER_STOP:
      w->n_queue = 0;
      w->ended = true;
      break;
    case CHI_ANSWER_END:
      w->ended = true;
      break;
    case CHI_ANSWER_FINAL:
      w->result->done = a->done;
      w->result->failed = a->failed;
      w->result->left = a->left;
      w->final = true;
      break;
  }
}

/* Take what has come in. Returns whether anything had. */
static bool take_answers(worker *w)
{
  bool any = false;
  int sender;
  chi_answer a;
  while (chi_message_waits(w->comm, 0, CHI_TAG_ANSWER, &sender)) {
    MPI_Recv(&a, (int)sizeof a, MPI_BYTE, sender, CHI_TAG_ANSWER, w->comm, MPI_STATUS_IGNORE);
    take_answer(w, &a);
    any = true;
  }
  return any;
}

/* Send the report and begin a new one. */
static void send_report(worker *w)
{
  size_t bytes = offsetof(chi_report, unit);
  bytes += (size_t)(w->out.n_done + w->out.n_failed) * sizeof *w->out.unit;
  if (w->out.n_failed > 0) bytes = offsetof(chi_report, message) + strlen(w->out.message) + 1;
  MPI_Send(&w->out, (int)bytes, MPI_BYTE, 0, CHI_TAG_REPORT, w->comm);
  memset(&w->out, 0, offsetof(chi_report, unit));
}

static void ask(worker *w)
{
  w->out.wants = chi_hand_out_wish(w->n_queue, w->batch);
  w->asked = true;
  send_report(w);
}

/* A signal may reach one rank alone: it drops what it has not begun and tells the coordinator. */
static void heed_signal(worker *w)
{
  if (w->told || !chi_stop_asked()) return;
  w->told = true;
  w->n_queue = 0;
  w->out.signalled = true;
  send_report(w);
}

/* Sleep until something comes in. */
static void wait_for_answer(worker *w)
{
  const double start = chi_clock_now();
  double pause = pause_min_s;
  while (!take_answers(w) && (w->told || !chi_stop_asked())) {
    chi_clock_sleep(pause);
    pause = fmin(1.5 * pause, pause_max_s);
  }
  w->result->waited_s += chi_clock_now() - start;
}

/* Exit code 1 whatever it is: 2 is for what is found before the first unit. */
static void end_job(worker *w, chi_coordinator *coordinator)
{
  chi_coordinator_hush(coordinator);
  chi_log_bar("");
  chi_log(CHI_LOG_ERROR, "%s", chi_message());
  MPI_Abort(w->comm, 1);
}

static void do_unit(worker *w, chi_coordinator *coordinator)
{
  const int64_t i = w->queue[w->head];
  w->head = (w->head + 1) % QUEUE_ROOM;
  w->n_queue--;
  if (!w->ended && !w->asked && chi_hand_out_wish(w->n_queue, w->batch) > 0) ask(w);
  if (w->out.n_done == CHI_SWEEP_BATCH || (w->ended && w->out.n_done > 0)) send_report(w);
  const double start = chi_clock_now();
  chi_status s = chi_gate("%s.unit", w->stage->name);
  if (s == CHI_OK)
    s = w->stage->work(w->stage->context, i, w->n_queue > 0 ? w->queue[w->head] : -1);
  if (s == CHI_OK) s = chi_gate("%s.done", w->stage->name);
  const double spent = chi_clock_now() - start;
  w->result->worked_s += spent;
  w->out.worked_s += spent;
  w->out.unit[w->out.n_done] = i;
  if (s == CHI_OK) {
    w->out.n_done++;
  } else if (s == CHI_ERR_NUMERIC) {
    w->out.n_failed = 1;
    memcpy(w->out.message, chi_message(), strlen(chi_message()) + 1);
    send_report(w);
  } else {
    end_job(w, coordinator);
  }
}

/* Do units until rank 0's coordinator has no more. */
static void do_units(MPI_Comm comm, const chi_sweep_stage *stage, chi_coordinator *coordinator,
                     chi_sweep_result *result)
{
  worker w = {.comm = comm, .stage = stage, .result = result};
  for (;;) {
    take_answers(&w);
    heed_signal(&w);
    if (w.n_queue > 0) {
      do_unit(&w, coordinator);
    } else if (w.ended) {
      break;
    } else {
      if (!w.asked && !w.told) ask(&w);
      wait_for_answer(&w);
    }
  }
  w.out.bye = true;
  w.told = true; /* a signal changes nothing any more */
  send_report(&w);
  while (!w.final) wait_for_answer(&w);
}

chi_status chi_sweep_run(MPI_Comm comm, const chi_unit *units, int64_t n,
                         const chi_sweep_stage *stage, chi_sweep_report *report,
                         chi_sweep_result *result)
{
  const double start = chi_clock_now();
  *result = (chi_sweep_result){.left = n};
  int threads, rank;
  MPI_Query_thread(&threads);
  if (threads < MPI_THREAD_MULTIPLE)
    return chi_fail(CHI_ERR_BUG,
                    "%s: MPI runs without MPI_THREAD_MULTIPLE, which the coordinator "
                    "needs",
                    stage->name);
  MPI_Comm own;
  MPI_Comm_dup(comm, &own);
  MPI_Comm_rank(own, &rank);
  chi_coordinator *coordinator = NULL;
  chi_status s = CHI_OK;
  if (rank == 0) s = chi_coordinator_start(own, units, n, stage, report, &coordinator);
  s = chi_agree(own, s);
  if (s == CHI_OK) {
    do_units(own, stage, coordinator, result);
    chi_coordinator_join(&coordinator, result);
    MPI_Allreduce(&result->waited_s, &result->waited_max_s, 1, MPI_DOUBLE, MPI_MAX, own);
    result->stopped = result->left > 0;
    if (result->stopped)
      s = chi_fail(CHI_STOPPED, "%s: stopped by a signal with %lld of %lld units left", stage->name,
                   (long long)result->left, (long long)n);
  }
  MPI_Comm_free(&own);
  result->wall_s = chi_clock_now() - start;
  return s;
}
