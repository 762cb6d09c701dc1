/* Which events a replicate draws, against make_draws.py: sessions of every kind, blocks of every
 * length. */
/* cmocka.h needs those before it */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include "stage/draws.h"

#include "draws_golden.inc"

enum { N_GOLDEN = sizeof golden / sizeof *golden };

static void prepare(const struct golden *g, uint64_t seed, int64_t length, chi_draws *draws)
{
  chi_dataset set = {.n_events = g->n};
  set.subject = (char *)g->subject;
  set.session = (int32_t *)g->session;
  assert_int_equal(chi_draws_create(&set, g->alignment, seed, length, draws), CHI_OK);
}

static void test_golden(void **unused)
{
  (void)unused;
  for (int c = 0; c < N_GOLDEN; c++) {
    const struct golden *g = &golden[c];
    int64_t event[MOST];
    chi_draws draws;
    prepare(g, g->seed, g->length, &draws);
    chi_draws_make(&draws, g->replicate, event);
    for (int64_t i = 0; i < g->n; i++) assert_int_equal(event[i], g->event[i]);
    chi_draws_free(&draws);
    chi_draws_free(&draws); /* twice does no harm */
  }
}

/* Any order of replicates gives the same draws. */
static void test_no_memory(void **unused)
{
  (void)unused;
  const struct golden *g = &golden[0];
  int64_t event[MOST];
  chi_draws draws;
  prepare(g, g->seed, g->length, &draws);
  for (int64_t r = 12; r >= g->replicate; r--) chi_draws_make(&draws, r, event);
  for (int64_t i = 0; i < g->n; i++) assert_int_equal(event[i], g->event[i]);
  chi_draws_free(&draws);
}

/* A block as long as the only session draws each of its events once. */
static void test_whole_sessions(void **unused)
{
  (void)unused;
  for (int c = 0; c < N_GOLDEN; c++) {
    const struct golden *g = &golden[c];
    int64_t event[MOST], count[MOST] = {0};
    bool one = true;
    for (int64_t i = 1; i < g->n; i++) one = one && g->session[i] == g->session[0];
    if (!one) continue;
    chi_draws draws;
    prepare(g, 77, g->n, &draws);
    chi_draws_make(&draws, 3, event);
    for (int64_t i = 0; i < g->n; i++) count[event[i]]++;
    for (int64_t i = 0; i < g->n; i++) assert_int_equal(count[i], 1);
    chi_draws_free(&draws);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_golden),
      cmocka_unit_test(test_no_memory),
      cmocka_unit_test(test_whole_sessions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
