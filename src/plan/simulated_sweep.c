#include "plan/simulated_sweep.h"

#include <math.h>

#include "base/memory.h"
#include "sweep/hand_out.h"

enum { QUEUE_ROOM = 2 * CHI_SWEEP_BATCH };

/* What is to happen next: a heap by time, first come first served where times are equal, so that
 * every run goes alike. */
typedef enum event_kind {
  EVENT_BORDER, /* a rank has finished a unit, or begins */
  EVENT_REPORT, /* a rank's message reaches the coordinator */
  EVENT_ANSWER  /* the coordinator's answer reaches a rank */
} event_kind;

typedef struct event {
  double at;
  int64_t number; /* in the order in which they were added */
  event_kind kind;
  int32_t rank;
  int32_t wants; /* REPORT: units; 0: no question */
} event;

typedef struct event_queue {
  event *item;
  int64_t n, room, added;
} event_queue;

static bool earlier(const event *a, const event *b)
{
  return a->at < b->at || (!(a->at > b->at) && a->number < b->number);
}

static chi_status event_add(event_queue *q, event e)
{
  CHI_TRY(chi_grow(&q->item, &q->room, q->n + 1, sizeof *q->item, "events"));
  e.number = q->added++;
  int64_t at = q->n++;
  for (int64_t up = (at - 1) / 2; at > 0 && earlier(&e, &q->item[up]); up = (at - 1) / 2) {
    q->item[at] = q->item[up];
    at = up;
  }
  q->item[at] = e;
  return CHI_OK;
}

static event event_take(event_queue *q)
{
  const event first = q->item[0], last = q->item[--q->n];
  int64_t at = 0;
  for (int64_t down = 1; down < q->n; down = 2 * at + 1) {
    if (down + 1 < q->n && earlier(&q->item[down + 1], &q->item[down])) down++;
    if (!earlier(&q->item[down], &last)) break;
    q->item[at] = q->item[down];
    at = down;
  }
  if (q->n > 0) q->item[at] = last;
  return first;
}

/* A rank, as sweep/worker.c keeps itself. */
typedef struct worker {
  int64_t queue[QUEUE_ROOM]; /* units held and not begun, from `head`, around the end */
  int64_t head, n_queue;
  int64_t batch;
  bool asked, ended, waits;
  int64_t done[CHI_SWEEP_BATCH + 1]; /* finished and not reported */
  int64_t n_done;
  double worked_s;
  double free_s;     /* since when it has had nothing to do */
  int32_t layer;     /* whose features it has */
  int32_t ahead;     /* whose features it reads, or has read, for the next unit; -1: none */
  double ahead_s;    /* when they are there */
  chi_answer answer; /* on its way */
} worker;

typedef struct sim {
  const chi_sim_machine *machine;
  const chi_sim_work *work;
  chi_sim_result *result;
  chi_hand_out *hand_out;
  worker *workers;
  double *node_group; /* node x group: when the responses are there; 0: nobody has asked */
  event_queue events;
  double server_s; /* the coordinator is busy until then */
  double files_s;  /* the file system is busy until then */
} sim;

/* When a rank that begins to read now will have read. All ranks share the file system. */
static double read_until(sim *s, double now, double bytes)
{
  if (bytes <= 0) return now;
  s->result->read_bytes += bytes;
  s->files_s = fmax(s->files_s, now) + bytes / s->machine->total_bandwidth;
  return fmax(s->files_s, now + bytes / s->machine->rank_bandwidth);
}

/* Send a report with what is finished. */
static chi_status report(sim *s, int32_t rank, double now, int32_t wants)
{
  worker *w = &s->workers[rank];
  chi_hand_out_take(s->hand_out, rank, w->n_done, 0, w->done, w->worked_s);
  w->n_done = 0;
  w->worked_s = 0;
  w->asked = w->asked || wants > 0;
  return event_add(
      &s->events,
      (event){
          .at = now + s->machine->latency_s, .kind = EVENT_REPORT, .rank = rank, .wants = wants});
}

/* When the responses of a unit are on the rank's node. */
static double responses_at(sim *s, int32_t rank, double now, int64_t unit)
{
  const int32_t group = s->work->units[unit].group;
  double *at =
      &s->node_group[(int64_t)(rank / s->machine->ranks_per_node) * s->work->n_groups + group];
  if (*at <= 0) *at = fmax(read_until(s, now, s->work->group_bytes[group]), 1e-300);
  return *at;
}

static double features_at(sim *s, worker *w, double now, int64_t unit)
{
  const int32_t layer = s->work->units[unit].layer;
  double at = now;
  if (layer == w->ahead)
    at = w->ahead_s;
  else if (layer != w->layer)
    at = read_until(s, now, s->work->bytes[unit]);
  w->layer = layer;
  w->ahead = -1;
  return at;
}

/* Begin to read for the unit after this one, as far as it is known. */
static void read_ahead(sim *s, worker *w, double now)
{
  if (w->n_queue == 0) return;
  const int64_t next = w->queue[w->head];
  const int32_t layer = s->work->units[next].layer;
  if (layer == w->layer) return;
  w->ahead = layer;
  w->ahead_s = read_until(s, now, s->work->bytes[next]);
}

static chi_status do_unit(sim *s, int32_t rank, double now)
{
  worker *w = &s->workers[rank];
  const int64_t i = w->queue[w->head];
  w->head = (w->head + 1) % QUEUE_ROOM;
  w->n_queue--;
  const int32_t wish = chi_hand_out_wish(w->n_queue, w->batch);
  if (!w->ended && !w->asked && wish > 0) CHI_TRY(report(s, rank, now, wish));
  if (w->n_done == CHI_SWEEP_BATCH || (w->ended && w->n_done > 0)) CHI_TRY(report(s, rank, now, 0));
  const double features = features_at(s, w, now, i);
  const double start = fmax(fmax(now, features), responses_at(s, rank, now, i));
  read_ahead(s, w, start);
  const double seconds = s->work->seconds[i], end = start + seconds;
  s->result->read_s += start - now;
  s->result->computed_s += seconds;
  s->result->longest_s = fmax(s->result->longest_s, seconds);
  s->result->units++;
  w->worked_s += end - now;
  w->done[w->n_done++] = i;
  w->free_s = end;
  return event_add(&s->events, (event){.at = end, .kind = EVENT_BORDER, .rank = rank});
}

/* A rank between two units. */
static chi_status border(sim *s, int32_t rank, double now)
{
  worker *w = &s->workers[rank];
  w->waits = false;
  if (w->n_queue > 0) {
    s->result->asked_s += now - w->free_s;
    return do_unit(s, rank, now);
  }
  if (w->ended) return report(s, rank, now, 0); /* its last */
  w->waits = true;
  return w->asked ? CHI_OK : report(s, rank, now, chi_hand_out_wish(0, w->batch));
}

/* The coordinator takes a message, after those that came before. */
static chi_status serve(sim *s, const event *e)
{
  const bool idle = e->at > s->server_s;
  s->server_s = (idle ? e->at + s->machine->poll_s : s->server_s) + s->machine->message_s;
  s->result->messages++;
  s->result->served_s += s->machine->message_s;
  if (e->wants == 0) return CHI_OK;
  chi_hand_out_ask(s->hand_out, e->rank, e->wants, &s->workers[e->rank].answer);
  return event_add(
      &s->events,
      (event){.at = s->server_s + s->machine->latency_s, .kind = EVENT_ANSWER, .rank = e->rank});
}

static chi_status take_answer(sim *s, const event *e)
{
  worker *w = &s->workers[e->rank];
  w->asked = false;
  if (w->answer.kind == CHI_ANSWER_END) w->ended = true;
  if (w->answer.kind == CHI_ANSWER_UNITS) {
    w->batch = w->answer.n;
    for (int32_t k = 0; k < w->answer.n; k++)
      w->queue[(w->head + w->n_queue++) % QUEUE_ROOM] = w->answer.unit[k];
  }
  return w->waits ? border(s, e->rank, e->at + s->machine->poll_s) : CHI_OK;
}

static chi_status run(sim *s)
{
  for (int32_t r = 0; r < s->machine->ranks; r++) {
    s->workers[r].layer = s->workers[r].ahead = -1;
    CHI_TRY(event_add(&s->events, (event){.kind = EVENT_BORDER, .rank = r}));
  }
  while (s->events.n > 0) {
    const event e = event_take(&s->events);
    switch (e.kind) {
      case EVENT_BORDER:
        CHI_TRY(border(s, e.rank, e.at));
        break;
      case EVENT_REPORT:
        CHI_TRY(serve(s, &e));
        break;
      case EVENT_ANSWER:
        CHI_TRY(take_answer(s, &e));
        break;
    }
  }
  return CHI_OK;
}

chi_status chi_sim_run(const chi_sim_machine *machine, const chi_sim_work *work,
                       chi_sim_result *result)
{
  sim s = {.machine = machine, .work = work, .result = result};
  *result = (chi_sim_result){0};
  const int64_t nodes =
      ((int64_t)machine->ranks + machine->ranks_per_node - 1) / machine->ranks_per_node;
  chi_status status = chi_alloc(machine->ranks, sizeof *s.workers, "simulated ranks", &s.workers);
  if (status == CHI_OK)
    status = chi_alloc(nodes * work->n_groups, sizeof *s.node_group, "nodes", &s.node_group);
  if (status == CHI_OK)
    status = chi_hand_out_create(work->units, work->n, machine->ranks, &s.hand_out);
  if (status == CHI_OK) status = run(&s);
  if (status == CHI_OK &&
      (result->units != work->n || chi_hand_out_so_far(s.hand_out)->done != work->n))
    status = chi_fail(CHI_ERR_BUG, "a simulated sweep did %lld of %lld units",
                      (long long)result->units, (long long)work->n);
  if (status == CHI_OK) {
    for (int32_t r = 0; r < machine->ranks; r++)
      result->wall_s = fmax(result->wall_s, s.workers[r].free_s);
    for (int32_t r = 0; r < machine->ranks; r++)
      result->idle_s += result->wall_s - s.workers[r].free_s;
  }
  chi_hand_out_destroy(&s.hand_out);
  chi_free(s.node_group);
  chi_free(s.workers);
  chi_free(s.events.item);
  return status;
}
