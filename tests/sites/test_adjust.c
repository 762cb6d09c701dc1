/* Benjamini and Hochberg's adjusted p-values, against numbers worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "sites/internal.h"

static void expect(int64_t n, const double *p, const double *wanted)
{
  double adjusted[16];
  assert_int_equal(chi_sites_adjust(n, p, adjusted), CHI_OK);
  for (int64_t i = 0; i < n; i++) {
    if (isnan(wanted[i]))
      assert_true(isnan(adjusted[i]));
    else
      assert_true(fabs(adjusted[i] - wanted[i]) < 1e-15);
  }
}

static void test_adjust(void **state)
{
  (void)state;
  /* 5 tested: p 5 / rank is 0.05, 0.05, 0.05, 0.0625, 0.9; from the largest down the least. */
  expect(5, (const double[]){0.03, 0.9, 0.01, 0.02, 0.05},
         (const double[]){0.05, 0.9, 0.05, 0.05, 0.0625});
  /* Equal p have equal adjusted p; a larger one's may be carried down to a smaller. */
  expect(4, (const double[]){0.04, 0.04, 0.03, 0.04}, (const double[]){0.04, 0.04, 0.04, 0.04});
  /* A missing p does not count. */
  expect(4, (const double[]){NAN, 0.02, NAN, 0.01}, (const double[]){NAN, 0.02, NAN, 0.02});
  expect(2, (const double[]){NAN, NAN}, (const double[]){NAN, NAN});
  expect(2, (const double[]){1, 1}, (const double[]){1, 1});
  expect(1, (const double[]){0}, (const double[]){0});
  expect(0, NULL, NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_adjust)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
