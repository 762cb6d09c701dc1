/* Who gets which unit, on machines of any size. */
/* cmocka.h needs those before it */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "sweep/policy.h"

enum { GROUPS = 6, LAYERS = 10, BLOCKS = 4, UNITS = GROUPS * LAYERS * BLOCKS };

/* Groups, layers and blocks in a scrambled order; group g and layer l cost more the higher they
 * are. */
static void make_units(chi_unit *units)
{
  for (int k = 0; k < UNITS; k++) {
    const int at = k * 77 % UNITS; /* 77 and 240 have no common factor */
    const int g = at / (LAYERS * BLOCKS), l = at / BLOCKS % LAYERS;
    units[k] = (chi_unit){g, g * 100 + l, (1 + g) * (10 + l), 1};
  }
}

static void each_unit_is_given_once(void **state)
{
  (void)state;
  chi_unit units[UNITS];
  make_units(units);
  for (int32_t ranks = 1; ranks <= 1000; ranks = ranks * 3 + 1) {
    int given[UNITS] = {0};
    chi_policy *p;
    assert_int_equal(chi_policy_create(units, UNITS, ranks, &p), CHI_OK);
    for (int64_t k = 0; k < UNITS; k++) {
      assert_int_equal(chi_policy_left(p), UNITS - k);
      const double before = chi_policy_cost_left(p);
      const int64_t i = chi_policy_next(p, (int32_t)(k * 7 % ranks));
      assert_in_range(i, 0, UNITS - 1);
      assert_true(fabs(before - chi_policy_cost_left(p) - units[i].cost) < 1e-6);
      given[i]++;
    }
    for (int i = 0; i < UNITS; i++) assert_int_equal(given[i], 1);
    assert_int_equal(chi_policy_next(p, 0), -1);
    assert_true(chi_policy_cost_left(p) == 0);
    chi_policy_destroy(&p);
    assert_null(p);
  }
}

static void one_rank_goes_by_cost_and_keeps_to_layers(void **state)
{
  (void)state;
  chi_unit units[UNITS];
  make_units(units);
  chi_policy *p;
  assert_int_equal(chi_policy_create(units, UNITS, 1, &p), CHI_OK);
  for (int g = GROUPS - 1; g >= 0; g--)
    for (int l = LAYERS - 1; l >= 0; l--)
      for (int b = 0; b < BLOCKS; b++) {
        const int64_t i = chi_policy_next(p, 0);
        assert_int_equal(units[i].group, g);
        assert_int_equal(units[i].layer, g * 100 + l);
      }
  chi_policy_destroy(&p);
}

static void ranks_share_no_layer_before_they_must(void **state)
{
  (void)state;
  chi_unit units[UNITS];
  make_units(units);
  for (int k = 0; k < UNITS; k++) units[k].group = 0;
  chi_policy *p;
  assert_int_equal(chi_policy_create(units, UNITS, 3, &p), CHI_OK);
  int owner[GROUPS * 100];
  for (int i = 0; i < GROUPS * 100; i++) owner[i] = -1;
  int shared = 0;
  for (int k = 0; k < UNITS; k++) {
    const int64_t i = chi_policy_next(p, k % 3);
    int *o = &owner[units[i].layer];
    if (*o >= 0 && *o != k % 3) shared++;
    *o = k % 3;
  }
  assert_int_equal(shared, 0); /* 60 layers of 4 units, taken in turn by 3 ranks */
  chi_policy_destroy(&p);
}

static void ranks_go_where_the_cost_is(void **state)
{
  (void)state;
  /* Group 0 holds 3/4 of the cost: of 8 ranks six begin there, neighbours together. */
  chi_unit units[400];
  for (int k = 0; k < 400; k++) units[k] = (chi_unit){k % 2, k, k % 2 == 0 ? 3 : 1, 1};
  chi_policy *p;
  assert_int_equal(chi_policy_create(units, 400, 8, &p), CHI_OK);
  for (int32_t r = 7; r >= 0; r--)
    assert_int_equal(units[chi_policy_next(p, r)].group, r < 6 ? 0 : 1);
  chi_policy_destroy(&p);
}

/* Let ranks take units as they come free; the time when the last is done. */
static double simulate(const chi_unit *units, int64_t n, int32_t ranks, int64_t *changes)
{
  chi_policy *p;
  double free_at[64] = {0}, end = 0;
  int32_t group[64];
  for (int r = 0; r < 64; r++) group[r] = -1;
  *changes = 0;
  assert_int_equal(chi_policy_create(units, n, ranks, &p), CHI_OK);
  while (chi_policy_left(p) > 0) {
    int32_t first = 0;
    for (int32_t r = 1; r < ranks; r++)
      if (free_at[r] < free_at[first]) first = r;
    const int64_t i = chi_policy_next(p, first);
    free_at[first] += units[i].cost;
    if (units[i].group != group[first]) ++*changes;
    group[first] = units[i].group;
    if (free_at[first] > end) end = free_at[first];
  }
  chi_policy_destroy(&p);
  return end;
}

static void ranks_end_together(void **state)
{
  (void)state;
  chi_unit units[UNITS];
  make_units(units);
  double total = 0, longest = 0;
  for (int i = 0; i < UNITS; i++) {
    total += units[i].cost;
    longest = fmax(longest, units[i].cost);
  }
  for (int32_t ranks = 1; ranks <= 16; ranks++) {
    int64_t changes;
    assert_true(simulate(units, UNITS, ranks, &changes) <= total / ranks + longest);
    assert_true(changes <= ranks + 2 * GROUPS + 2 * ranks);
  }
}

static void odd_lists_are_fine(void **state)
{
  (void)state;
  chi_policy *p;
  assert_int_equal(chi_policy_create(NULL, 0, 3, &p), CHI_OK);
  assert_int_equal(chi_policy_next(p, 2), -1);
  chi_policy_destroy(&p);
  chi_policy_destroy(&p);
  const chi_unit free_units[3] = {{5, -7, 0, 0}, {-5, 7, 0, 0}, {5, -7, 0, 0}};
  int given[3] = {0};
  assert_int_equal(chi_policy_create(free_units, 3, 2, &p), CHI_OK);
  for (int k = 0; k < 3; k++) given[chi_policy_next(p, k % 2)]++;
  for (int k = 0; k < 3; k++) assert_int_equal(given[k], 1);
  chi_policy_destroy(&p);
}

/* Not asserted: the machine may be busy. */
static void print_speed(void **state)
{
  (void)state;
  const int64_t n = 500000;
  const int32_t ranks = 16384;
  chi_unit *units;
  assert_int_equal(chi_alloc(n, sizeof *units, "units", &units), CHI_OK);
  for (int64_t k = 0; k < n; k++)
    units[k] = (chi_unit){(int32_t)(k % 52), (int32_t)(k % 52000), 1 + (double)(k % 1000), 1};
  chi_policy *p;
  double t = chi_clock_now();
  assert_int_equal(chi_policy_create(units, n, ranks, &p), CHI_OK);
  print_message("policy for %lld units, %d ranks made in %.3f s\n", (long long)n, ranks,
                chi_clock_now() - t);
  t = chi_clock_now();
  for (int64_t k = 0; k < n; k++) assert_true(chi_policy_next(p, (int32_t)(k % ranks)) >= 0);
  print_message("%.2g units/s given\n", (double)n / (chi_clock_now() - t));
  chi_policy_destroy(&p);
  chi_free(units);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_unit_is_given_once),
      cmocka_unit_test(one_rank_goes_by_cost_and_keeps_to_layers),
      cmocka_unit_test(ranks_share_no_layer_before_they_must),
      cmocka_unit_test(ranks_go_where_the_cost_is),
      cmocka_unit_test(ranks_end_together),
      cmocka_unit_test(odd_lists_are_fine),
      cmocka_unit_test(print_speed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
