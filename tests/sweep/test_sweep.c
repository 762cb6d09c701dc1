/* Sweeps of dummy units by 1 to 4 ranks. What one rank saw is summed before it is judged, so that a
 * failure is met on all ranks alike. MPI's calls and the sleeps of a sweep pass through this file,
 * which counts them: what would otherwise be a matter of time. */
/* cmocka.h needs those before it */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/mpi_init.h"
#include "sweep/messages.h"
#include "sweep/sweep.h"

enum { MOST_RANKS = 4 };
static int size, rank;

/* Looks for a message that found none, and sleeps, of this rank's threads. */
static atomic_llong looks, sleeps;

/* How many questions this rank has asked; and by rank, on all of the node, how many were answered.
 */
static int64_t asked;
static MPI_Win window;
static atomic_llong *answered;

int MPI_Iprobe(int source, int tag, MPI_Comm comm, int *flag, MPI_Status *status)
{
  const int result = PMPI_Iprobe(source, tag, comm, flag, status);
  if (!*flag) atomic_fetch_add(&looks, 1);
  return result;
}

int MPI_Send(const void *data, int n, MPI_Datatype type, int to, int tag, MPI_Comm comm)
{
  const chi_report *report = data;
  const chi_answer *answer = data;
  if (tag == CHI_TAG_REPORT && report->wants > 0) asked++;
  const int result = PMPI_Send(data, n, type, to, tag, comm);
  if (tag == CHI_TAG_ANSWER && answer->kind <= CHI_ANSWER_END) atomic_fetch_add(&answered[to], 1);
  return result;
}

void __real_chi_clock_sleep(double seconds);
void __wrap_chi_clock_sleep(double seconds);
void __wrap_chi_clock_sleep(double seconds)
{
  atomic_fetch_add(&sleeps, 1);
  __real_chi_clock_sleep(seconds);
}

typedef struct dummy {
  const chi_unit *units;
  double sleep_s;
  bool waits;         /* until what this rank has asked is answered */
  int64_t fail_every; /* 0: never */
  int32_t *count;     /* how often this rank did each unit */
  int64_t expected_next, wrong_next, known_next;
  int64_t n_failed, wrong_messages, n_reports;
  chi_sweep_progress last;
} dummy;

static chi_status work(void *context, int64_t i, int64_t next)
{
  dummy *d = context;
  d->count[i]++;
  if (d->expected_next >= 0 && d->expected_next != i) d->wrong_next++;
  if (next >= 0) d->known_next++;
  d->expected_next = next;
  if (d->sleep_s > 0) chi_clock_sleep(d->sleep_s);
  while (d->waits && atomic_load(&answered[rank]) < asked) chi_clock_sleep(1e-4);
  if (d->fail_every > 0 && i % d->fail_every == 0)
    return chi_fail(CHI_ERR_NUMERIC, "unit %lld has a NaN", (long long)i);
  return CHI_OK;
}

static void failed(void *context, int64_t i, const char *message)
{
  dummy *d = context;
  char expected[64];
  snprintf(expected, sizeof expected, "unit %lld has a NaN", (long long)i);
  d->n_failed++;
  if (strcmp(expected, message) != 0) d->wrong_messages++;
}

static void report(void *context, const chi_sweep_progress *p)
{
  dummy *d = context;
  d->n_reports++;
  d->last = *p;
}

/* Sweep n units; check that each was done once, and by all accounts. */
static chi_sweep_result sweep(dummy *d, int64_t n)
{
  chi_unit *units;
  int64_t bad = 0, wrong;
  assert_int_equal(chi_alloc(n, sizeof *units, "units", &units), CHI_OK);
  assert_int_equal(chi_alloc(n, sizeof *d->count, "counts", &d->count), CHI_OK);
  for (int64_t i = 0; i < n; i++)
    units[i] = (chi_unit){(int32_t)(i % 3), (int32_t)(i % 30), 1 + (double)(i % 5), 10};
  const chi_sweep_stage stage = {"test", d, work, failed};
  chi_sweep_result r;
  d->expected_next = -1;
  assert_int_equal(chi_sweep_run(MPI_COMM_WORLD, units, n, &stage, report, &r), CHI_OK);
  MPI_Allreduce(MPI_IN_PLACE, d->count, (int)n, MPI_INT32_T, MPI_SUM, MPI_COMM_WORLD);
  for (int64_t i = 0; i < n; i++) bad += d->count[i] != 1;
  MPI_Allreduce(&d->wrong_next, &wrong, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  assert_int_equal(bad, 0);
  assert_int_equal(wrong, 0);
  const int64_t fails = d->fail_every > 0 ? (n + d->fail_every - 1) / d->fail_every : 0;
  assert_int_equal(r.failed, fails);
  assert_int_equal(r.done, n - fails);
  assert_int_equal(r.left, 0);
  assert_false(r.stopped);
  if (rank == 0) {
    assert_int_equal(d->n_failed, fails);
    assert_int_equal(d->wrong_messages, 0);
    assert_true(d->n_reports >= 2);
    assert_true(d->last.finished && !d->last.stopped);
    assert_int_equal(d->last.done, n - fails);
    assert_int_equal(d->last.running + d->last.left, 0);
    assert_int_equal(d->last.models_done, 10 * (n - fails));
    assert_true(d->last.cost_done == d->last.cost_total);
  }
  chi_free(d->count);
  chi_free(units);
  return r;
}

static void all_done_once(void **state)
{
  (void)state;
  dummy d = {.sleep_s = 0.002};
  sweep(&d, 300);
}

static void failures_are_counted_with_their_messages(void **state)
{
  (void)state;
  dummy d = {.fail_every = 7};
  sweep(&d, 1000);
}

static void next_is_known_but_near_the_end(void **state)
{
  (void)state;
  dummy d = {.sleep_s = 0.03, .waits = true}; /* too long for batches */
  int64_t known;
  sweep(&d, 20 * size);
  MPI_Allreduce(&d.known_next, &known, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  assert_true(known >= 14 * size);
}

static void few_units_for_many_ranks(void **state)
{
  (void)state;
  for (int64_t n = 0; n <= 5; n++) {
    dummy d = {.sleep_s = 0.001};
    sweep(&d, n);
  }
}

/* Ranks that wait for the last unit must leave the cores to it: they sleep between two looks, of
 * which Open MPI needs two, and those that find something end a wait. */
static void waiting_costs_no_core(void **state)
{
  (void)state;
  dummy d = {.sleep_s = 0.2};
  const int64_t looked = looks, slept = sleeps;
  const chi_sweep_result r = sweep(&d, 1);
  int64_t restless = looks - looked > 2 * (sleeps - slept) + 4 * (r.messages + 10), all;
  MPI_Allreduce(&restless, &all, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  assert_int_equal(all, 0);
  assert_true(r.worked_s > 0 || r.waited_s > 0);
  assert_true(r.waited_max_s >= r.waited_s);
  assert_true(r.wall_s >= r.worked_s);
}

int main(int argc, char **argv)
{
  chi_mpi_init(&argc, &argv);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Aint bytes = rank == 0 ? MOST_RANKS * (MPI_Aint)sizeof *answered : 0;
  int unit;
  MPI_Win_allocate_shared(bytes, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &answered, &window);
  MPI_Win_shared_query(window, 0, &bytes, &unit, &answered);
  for (int r = 0; rank == 0 && r < MOST_RANKS; r++) atomic_init(&answered[r], 0);
  MPI_Barrier(MPI_COMM_WORLD);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_done_once),
      cmocka_unit_test(failures_are_counted_with_their_messages),
      cmocka_unit_test(next_is_known_but_near_the_end),
      cmocka_unit_test(few_units_for_many_ranks),
      cmocka_unit_test(waiting_costs_no_core),
  };
  const int failures = cmocka_run_group_tests(tests, NULL, NULL);
  if (failures > 0) MPI_Abort(MPI_COMM_WORLD, 1);
  MPI_Win_free(&window);
  MPI_Finalize();
  return 0;
}
