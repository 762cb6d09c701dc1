#include "base/clock.h"

#include <stdio.h>

#include "cmocka_all.h"

static void test_format(void **state)
{
  (void)state;
  char text[64];
  chi_clock_format(12.34, text, sizeof text);
  assert_string_equal(text, "12.3 s");
  chi_clock_format(250, text, sizeof text);
  assert_string_equal(text, "4 min 10 s");
  chi_clock_format(7500, text, sizeof text);
  assert_string_equal(text, "2 h 5 min");
  int year, month, day, hour, minute, second;
  chi_clock_iso8601(0, text, sizeof text);
  assert_int_equal(strlen(text), 20);
  assert_int_equal(
      sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ", &year, &month, &day, &hour, &minute, &second), 6);
  assert_true(year >= 2024);
}

/* Sleeping takes at least its time, and work takes time of a processor. */
static void test_sleep(void **state)
{
  (void)state;
  const double wall = chi_clock_now();
  chi_clock_sleep(0.01);
  assert_true(chi_clock_now() - wall >= 0.01);
  volatile double x = 0;
  const double cpu = chi_clock_cpu(), thread = chi_clock_thread_cpu();
  while (chi_clock_cpu() - cpu < 0.02) x = x + 1;
  assert_true(chi_clock_thread_cpu() > thread);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_format), cmocka_unit_test(test_sleep)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
