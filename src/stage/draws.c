#include "stage/draws.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"

enum { PURPOSE_EVENTS = 0 };

typedef struct numbered {
  int32_t session;
  int64_t event;
} numbered;

static int by_session(const void *a, const void *b)
{
  const numbered *x = a, *y = b;
  if (x->session != y->session) return x->session < y->session ? -1 : 1;
  return (x->event > y->event) - (x->event < y->event);
}

static chi_status order_events(const chi_dataset *d, chi_draws *draws)
{
  const int64_t n = d->n_events;
  numbered *sorted = NULL;
  CHI_TRY(chi_alloc(n, sizeof *sorted, "events", &sorted));
  for (int64_t i = 0; i < n; i++) sorted[i] = (numbered){d->session[i], i};
  qsort(sorted, (size_t)n, sizeof *sorted, by_session);
  for (int64_t begin = 0, end; begin < n; begin = end) {
    for (end = begin + 1; end < n && sorted[end].session == sorted[begin].session;) end++;
    for (int64_t i = begin; i < end; i++) {
      draws->event[i] = sorted[i].event;
      draws->place[sorted[i].event] = (chi_draws_place){begin, end - begin, i};
    }
  }
  chi_free(sorted);
  return CHI_OK;
}

chi_status chi_draws_create(const chi_dataset *dataset, const char *alignment, uint64_t seed,
                            int64_t length, chi_draws *draws)
{
  *draws = (chi_draws){.n = dataset->n_events, .length = length};
  chi_text stream = {0};
  chi_text_add(&stream, "%s.%s", dataset->subject, alignment);
  chi_status s = stream.failed ? chi_fail(CHI_ERR_MEMORY, "no memory for a name") : CHI_OK;
  if (s == CHI_OK) draws->key = chi_random_make_key(seed, stream.s);
  chi_text_free(&stream);
  if (s == CHI_OK) s = chi_alloc(draws->n, sizeof *draws->event, "events", &draws->event);
  if (s == CHI_OK) s = chi_alloc(draws->n, sizeof *draws->place, "events", &draws->place);
  if (s == CHI_OK) s = order_events(dataset, draws);
  if (s != CHI_OK) chi_draws_free(draws);
  return s;
}

void chi_draws_free(chi_draws *draws)
{
  chi_free(draws->event);
  chi_free(draws->place);
  *draws = (chi_draws){0};
}

static int ascending(const void *a, const void *b)
{
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

void chi_draws_make(const chi_draws *draws, int64_t replicate, int64_t *event)
{
  const int64_t n = draws->n;
  int64_t drawn = 0;
  for (int64_t i = 0; drawn < n; i++) {
    uint64_t bits[4];
    chi_random_bits(draws->key, (uint64_t)i, (uint64_t)replicate, PURPOSE_EVENTS, 0, bits);
    const int64_t start = (int64_t)chi_random_below(bits[0], (uint64_t)n);
    const chi_draws_place p = draws->place[start];
    for (int64_t k = 0; k < draws->length && drawn < n; k++)
      event[drawn++] = draws->event[p.first + (p.at - p.first + k) % p.size];
  }
  qsort(event, (size_t)n, sizeof *event, ascending);
}

/* The smallest session's events. */
static int64_t smallest_session(const chi_draws *draws)
{
  int64_t least = draws->n;
  for (int64_t i = 0; i < draws->n; i++)
    if (draws->place[i].size < least) least = draws->place[i].size;
  return least;
}

chi_status chi_draws_count_short(const chi_draws *draws, const chi_encode_options *encode,
                                 const chi_dataset *dataset, int64_t n, int64_t *count)
{
  /* An event is drawn k times with a probability of 1 / (e k!), where its session is not shorter
   * than a block, which would go round in it. */
  const int64_t often = 20, rounds = 1 + (draws->length - 1) / smallest_session(draws);
  int64_t *event = NULL;
  chi_status s = CHI_OK;
  *count = 0;
  if (draws->n / (2 * (int64_t)encode->folds) > often * rounds) return CHI_OK;
  CHI_TRY(chi_alloc(draws->n, sizeof *event, "drawn events", &event));
  for (int64_t r = 0; r < n && s == CHI_OK; r++) {
    chi_rows rows;
    chi_draws_make(draws, r, event);
    s = chi_rows_drawn(encode, draws->n, event, dataset->onset, dataset->session, &rows);
    if (s == CHI_OK) *count += chi_rows_left_out(&rows, encode->folds) > 0;
    chi_rows_free(&rows);
  }
  chi_free(event);
  return s;
}

chi_status chi_draws_blocks(const chi_dataset *dataset, int64_t length, int32_t *block, int32_t *n)
{
  chi_draws order;
  CHI_TRY(chi_draws_create(dataset, "", 0, length, &order));
  *n = 0;
  for (int64_t i = 0; i < order.n; i++) {
    *n += (i - order.place[order.event[i]].first) % length == 0;
    if (block != NULL) block[order.event[i]] = *n - 1;
  }
  chi_draws_free(&order);
  return CHI_OK;
}

/* Events within one response window, at the recording's mean pace. */
static double events_per_window(const chi_alignment *al, const chi_dataset *d,
                                const chi_draws *order)
{
  double span = 0;
  int64_t steps = 0;
  for (int64_t i = 1; i < d->n_events; i++) {
    const int64_t e = order->event[i];
    if (order->place[e].first == i) continue;
    span += d->onset[e] - d->onset[order->event[i - 1]];
    steps++;
  }
  if (al->n_times == 0 || !(span > 0)) return 1;
  const double width = isfinite(al->bin_width) ? al->bin_width : 0;
  return (al->time[al->n_times - 1] - al->time[0] + width) * (double)steps / span;
}

/* Sums of y(event) y(the event `lag` after it in its session), for the targets [t0, t0 + n). */
static void add_products(const chi_draws *order, const chi_responses *r, int64_t lag, int64_t t0,
                         int64_t n, double *sum)
{
  const int64_t ld = r->n_electrodes * r->n_times;
  for (int64_t j = 0; j < n; j++) sum[j] = 0;
  for (int64_t i = 0; i + lag < r->n_events; i++) {
    const int64_t e = order->event[i], later = order->event[i + lag];
    if (order->place[e].first != order->place[later].first) continue;
    if (r->real == CHI_REAL32) {
      const float *a = (const float *)r->y + e * ld + t0,
                  *b = (const float *)r->y + later * ld + t0;
      for (int64_t j = 0; j < n; j++) sum[j] += (double)a[j] * (double)b[j];
    } else {
      const double *a = (const double *)r->y + e * ld + t0,
                   *b = (const double *)r->y + later * ld + t0;
      for (int64_t j = 0; j < n; j++) sum[j] += a[j] * b[j];
    }
  }
}

/* Products at one lag of all targets, threads sharing the targets. */
static void products_at(const chi_draws *order, const chi_responses *r, int64_t lag,
                        int32_t threads, double *sum)
{
  const int64_t targets = r->n_electrodes * r->n_times, tile = 1024;
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (int64_t t0 = 0; t0 < targets; t0 += tile)
    add_products(order, r, lag, t0, targets - t0 < tile ? targets - t0 : tile, sum + t0);
}

/* The first lag, up to `most`, at which the mean autocorrelation of targets is below 0.05. */
static chi_status memory_of(const chi_draws *order, const chi_responses *r, int64_t most,
                            int32_t threads, int64_t *lag)
{
  const int64_t targets = r->n_electrodes * r->n_times;
  double *squares = NULL, *products = NULL;
  chi_status s = chi_alloc(targets, sizeof *squares, "autocorrelation", &squares);
  if (s == CHI_OK) s = chi_alloc(targets, sizeof *products, "autocorrelation", &products);
  if (s == CHI_OK) products_at(order, r, 0, threads, squares);
  for (*lag = 1; s == CHI_OK && *lag < most; ++*lag) {
    double total = 0;
    int64_t n = 0;
    products_at(order, r, *lag, threads, products);
    for (int64_t t = 0; t < targets; t++) {
      if (r->missing[t] != 0 || !(squares[t] > 0)) continue;
      total += products[t] / squares[t];
      n++;
    }
    if (n == 0 || total / (double)n < 0.05) break;
  }
  chi_free(squares);
  chi_free(products);
  return s;
}

/* The smallest number whose cube is at least n; cbrt() may miss a cube by its last digit. */
static int64_t cube_root(int64_t n)
{
  int64_t k = 1;
  while (k * k * k < n) k++;
  return k;
}

chi_status chi_draws_length(const chi_study *study, const chi_dataset *dataset,
                            const chi_responses *responses, int32_t threads, int64_t *length)
{
  const chi_alignment *al = &study->alignments[dataset->alignment];
  const double most = (double)dataset->n_events / 20;
  *length = 1;
  if (dataset->exchangeable) return CHI_OK;
  chi_draws order; /* lags and pace are those of blocks: within sessions, however these lie */
  int64_t lag = 1;
  CHI_TRY(chi_draws_create(dataset, al->name, 0, 1, &order));
  const chi_status s =
      responses == NULL ? CHI_OK : memory_of(&order, responses, (int64_t)ceil(most), threads, &lag);
  double wanted = fmax((double)cube_root(dataset->n_events), (double)lag);
  wanted = fmax(wanted, events_per_window(al, dataset, &order));
  *length = (int64_t)ceil(fmin(most, wanted));
  chi_draws_free(&order);
  return s;
}
