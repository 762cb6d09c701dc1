#include "sweep/hand_out.h"

#include <math.h>

#include "base/memory.h"
#include "sweep/policy.h"

static const double batch_s = 0.02; /* shorter units than this go out several at a time */

typedef struct seat {
  int64_t holds; /* units given and not reported */
  bool ended;    /* has had END or STOP */
} seat;

struct chi_hand_out {
  const chi_unit *units;
  int32_t n_ranks;
  chi_policy *policy;
  seat *seats;     /* one per rank */
  double worked_s; /* on the units finished so far */
  chi_sweep_progress so_far;
};

chi_status chi_hand_out_create(const chi_unit *units, int64_t n, int32_t n_ranks,
                               chi_hand_out **out)
{
  chi_hand_out *h = NULL;
  *out = NULL;
  CHI_TRY(chi_alloc(1, sizeof *h, "coordinator", &h));
  h->units = units;
  h->n_ranks = n_ranks;
  chi_status s = chi_alloc(n_ranks, sizeof *h->seats, "ranks", &h->seats);
  if (s == CHI_OK) s = chi_policy_create(units, n, n_ranks, &h->policy);
  if (s == CHI_OK)
    h->so_far = (chi_sweep_progress){.left = n, .cost_total = chi_policy_cost_left(h->policy)};
  else
    chi_hand_out_destroy(&h);
  *out = h;
  return s;
}

void chi_hand_out_destroy(chi_hand_out **hand_out)
{
  chi_hand_out *h = *hand_out;
  if (h == NULL) return;
  chi_policy_destroy(&h->policy);
  chi_free(h->seats);
  chi_free(h);
  *hand_out = NULL;
}

/* Change how many units a rank holds. */
static void set_holds(chi_hand_out *h, int32_t rank, int64_t holds)
{
  const int64_t change = (holds > 0) - (h->seats[rank].holds > 0);
  h->so_far.running += change;
  h->so_far.left -= change;
  h->seats[rank].holds = holds;
}

void chi_hand_out_take(chi_hand_out *h, int32_t rank, int64_t n_done, int64_t n_failed,
                       const int64_t *unit, double worked_s)
{
  const int64_t finished = n_done + n_failed;
  for (int64_t k = 0; k < finished; k++) h->so_far.cost_done += h->units[unit[k]].cost;
  for (int64_t k = 0; k < n_done; k++) h->so_far.models_done += h->units[unit[k]].models;
  h->so_far.done += n_done;
  h->so_far.failed += n_failed;
  h->so_far.left -= finished;
  h->worked_s += worked_s;
  set_holds(h, rank, h->seats[rank].holds - finished);
}

/* How many units a rank may be given one by one. Near the end it may hold one only, so that none
 * waits behind a long one while other ranks have nothing to do. */
static int64_t allowance(const chi_hand_out *h, int32_t rank, int64_t wants)
{
  const bool near_end = chi_policy_left(h->policy) < 2 * (int64_t)h->n_ranks && h->n_ranks > 1;
  const int64_t may_hold = near_end ? 1 : 3; /* the one it does, the next, the one after it */
  const int64_t room = may_hold - h->seats[rank].holds;
  return wants < room ? wants : room;
}

/* How many units make up a batch, judging by those finished so far; never so many that others would
 * go short. */
static int64_t batch_size(const chi_hand_out *h)
{
  const int64_t finished = h->so_far.done + h->so_far.failed;
  if (finished == 0) return 1;
  const double n = batch_s * (double)finished / fmax(h->worked_s, 1e-9);
  const int64_t fair = chi_policy_left(h->policy) / (4 * (int64_t)h->n_ranks);
  const int64_t most = fair < CHI_SWEEP_BATCH ? fair : CHI_SWEEP_BATCH;
  return n < (double)most ? (int64_t)n : most;
}

void chi_hand_out_ask(chi_hand_out *h, int32_t rank, int32_t wants, chi_answer *a)
{
  a->n = 0;
  if (chi_policy_left(h->policy) == 0) {
    h->seats[rank].ended = true;
    a->kind = CHI_ANSWER_END;
    return;
  }
  const int64_t allowed = allowance(h, rank, wants), batch = batch_size(h);
  const int64_t most = batch > allowed ? batch : allowed;
  if (allowed <= 0 && batch <= 1) {
    a->kind = CHI_ANSWER_LATER;
    return;
  }
  /* A dear unit ends a batch: the mean says little of it. */
  const double dear = h->worked_s > 0 ? batch_s * (h->so_far.cost_done / h->worked_s) : 0;
  double cost = 0;
  a->kind = CHI_ANSWER_UNITS;
  while (a->n < most && (a->n < allowed || a->n == 0 || cost <= dear)) {
    const int64_t i = chi_policy_next(h->policy, rank);
    if (i < 0) break;
    cost += h->units[i].cost;
    a->unit[a->n++] = i;
  }
  set_holds(h, rank, h->seats[rank].holds + a->n);
}

bool chi_hand_out_end(chi_hand_out *h, int32_t rank)
{
  const bool was = h->seats[rank].ended;
  h->seats[rank].ended = true;
  return !was;
}

void chi_hand_out_bye(chi_hand_out *h, int32_t rank) { set_holds(h, rank, 0); }

const chi_sweep_progress *chi_hand_out_so_far(const chi_hand_out *h) { return &h->so_far; }

int32_t chi_hand_out_wish(int64_t queued, int64_t batch)
{
  if (queued == 0) return 2;
  return queued <= (batch > 1 ? batch / 2 : 1) ? 1 : 0;
}
