/* How many units a rank gets when it asks. */
/* cmocka.h needs those before it */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include "sweep/hand_out.h"

enum { UNITS = 1000, RANKS = 10 };

static chi_unit units[UNITS];

static chi_hand_out *start(int64_t n)
{
  chi_hand_out *h;
  for (int i = 0; i < UNITS; i++) units[i] = (chi_unit){0, i, 1, 5};
  assert_int_equal(chi_hand_out_create(units, n, RANKS, &h), CHI_OK);
  return h;
}

static void at_first_a_rank_holds_three(void **state)
{
  (void)state;
  chi_answer a;
  chi_hand_out *h = start(UNITS);
  chi_hand_out_ask(h, 4, 2, &a);
  assert_int_equal(a.kind, CHI_ANSWER_UNITS);
  assert_int_equal(a.n, 2);
  chi_hand_out_ask(h, 4, 1, &a);
  assert_int_equal(a.n, 1);
  chi_hand_out_ask(h, 4, 1, &a);
  assert_int_equal(a.kind, CHI_ANSWER_LATER);
  assert_int_equal(a.n, 0);
  assert_int_equal(chi_hand_out_so_far(h)->running, 1);
  chi_hand_out_destroy(&h);
  assert_null(h);
}

/* 19 units for 10 ranks: nobody may hold a second one. */
static void near_the_end_a_rank_holds_one(void **state)
{
  (void)state;
  chi_answer a;
  chi_hand_out *h = start(19);
  chi_hand_out_ask(h, 0, 2, &a);
  assert_int_equal(a.n, 1);
  chi_hand_out_ask(h, 0, 1, &a);
  assert_int_equal(a.kind, CHI_ANSWER_LATER);
  chi_hand_out_take(h, 0, 1, 0, a.unit, 1);
  chi_hand_out_ask(h, 0, 1, &a);
  assert_int_equal(a.n, 1);
  chi_hand_out_destroy(&h);
}

static void then_comes_the_end(void **state)
{
  (void)state;
  chi_answer a;
  chi_hand_out *h = start(2);
  for (int r = 0; r < 2; r++) {
    chi_hand_out_ask(h, r, 2, &a);
    assert_int_equal(a.n, 1);
  }
  chi_hand_out_ask(h, 5, 2, &a);
  assert_int_equal(a.kind, CHI_ANSWER_END);
  assert_false(chi_hand_out_end(h, 5)); /* has ended already */
  assert_true(chi_hand_out_end(h, 6));
  chi_hand_out_destroy(&h);
}

static void short_units_come_in_batches(void **state)
{
  (void)state;
  chi_answer a;
  chi_hand_out *h = start(UNITS);
  chi_hand_out_ask(h, 0, 2, &a);
  chi_hand_out_take(h, 0, 2, 0, a.unit, 0.002); /* a millisecond each: 20 are 20 ms */
  chi_hand_out_ask(h, 0, 2, &a);
  assert_in_range(a.n, 19, 21);
  chi_hand_out_take(h, 0, a.n, 0, a.unit, 1e-6);
  chi_hand_out_ask(h, 1, 2, &a); /* never more than a fair share of what is left */
  assert_true(a.n > 2 && a.n <= (UNITS - 20) / (4 * RANKS));
  chi_hand_out_destroy(&h);
}

static void what_is_reported_is_counted(void **state)
{
  (void)state;
  chi_answer a;
  chi_hand_out *h = start(UNITS);
  chi_hand_out_ask(h, 0, 3, &a);
  chi_hand_out_take(h, 0, 2, 1, a.unit, 6);
  const chi_sweep_progress *c = chi_hand_out_so_far(h);
  assert_int_equal(c->done, 2);
  assert_int_equal(c->failed, 1);
  assert_int_equal(c->models_done, 10);
  assert_int_equal(c->running, 0);
  assert_true(c->cost_done > 2.99 && c->cost_done < 3.01 && c->cost_total > 999);
  chi_hand_out_ask(h, 1, 2, &a);
  assert_int_equal(c->running, 1);
  chi_hand_out_bye(h, 1);
  assert_int_equal(c->running, 0);
  chi_hand_out_destroy(&h);
}

static void ranks_ask_in_time(void **state)
{
  (void)state;
  assert_int_equal(chi_hand_out_wish(0, 0), 2);
  assert_int_equal(chi_hand_out_wish(1, 1), 1);
  assert_int_equal(chi_hand_out_wish(2, 1), 0);
  assert_int_equal(chi_hand_out_wish(33, 64), 0);
  assert_int_equal(chi_hand_out_wish(32, 64), 1); /* half a batch */
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(at_first_a_rank_holds_three),
      cmocka_unit_test(near_the_end_a_rank_holds_one),
      cmocka_unit_test(then_comes_the_end),
      cmocka_unit_test(short_units_come_in_batches),
      cmocka_unit_test(what_is_reported_is_counted),
      cmocka_unit_test(ranks_ask_in_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
