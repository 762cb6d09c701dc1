/* Against numpy's numbers (statistics_golden.py), and what is missing. */
#include "base/statistics.h"

#include <math.h>

#include "cmocka_all.h"
#include "statistics_golden.h"

#define LENGTH(array) ((int64_t)(sizeof(array) / sizeof *(array)))

static void assert_near(double value, double wanted, double relative)
{
  if (!(fabs(value - wanted) <= relative * fabs(wanted)))
    fail_msg("%.17g, expected %.17g", value, wanted);
}

static void test_mean(void **state)
{
  (void)state;
  assert_true(chi_mean(4, (const float[]){1, NAN, 2.5f, -INFINITY}) == 1.75);
  assert_true(isnan(chi_mean(2, (const float[]){NAN, INFINITY})));
  assert_true(isnan(chi_mean(0, NULL)));
  /* summed in double: in float the small ones would be lost */
  assert_true(chi_mean(4, (const float[]){1e8f, 1, 1, -1e8f}) == 0.5);
}

static void test_student_tail(void **state)
{
  (void)state;
  for (int64_t i = 0; i < LENGTH(student_tails); i++)
    assert_near(chi_student_tail(student_tails[i][0], student_tails[i][1]), student_tails[i][2],
                1e-11);
  for (int64_t i = 0; i < LENGTH(student_quantiles); i++)
    assert_near(chi_student_quantile(student_quantiles[i][0], student_quantiles[i][1]),
                student_quantiles[i][2], 1e-9);
  assert_true(chi_student_tail(INFINITY, 3) == 0 && chi_student_tail(-INFINITY, 3) == 1);
  assert_true(isnan(chi_student_tail(NAN, 3)));
}

static void test_percentile(void **state)
{
  (void)state;
  for (int64_t i = 0; i < LENGTH(percentiles); i++)
    assert_true(chi_percentile(LENGTH(sample), sample, percentiles[i][0]) == percentiles[i][1]);
  assert_true(chi_percentile(1, sample, 0.3) == sample[0]);
}

static void expect_adjusted(int64_t n, const double *p, const double *wanted)
{
  double adjusted[16];
  assert_int_equal(chi_benjamini_hochberg(n, p, adjusted), CHI_OK);
  for (int64_t i = 0; i < n; i++) {
    if (isnan(wanted[i]))
      assert_true(isnan(adjusted[i]));
    else
      assert_near(adjusted[i], wanted[i], 1e-14);
  }
}

static void test_adjusted(void **state)
{
  (void)state;
  expect_adjusted(LENGTH(p_values), p_values, p_adjusted);
  /* 5 tested: p 5 / rank is 0.05, 0.05, 0.05, 0.0625, 0.9; from the largest down the least. */
  expect_adjusted(5, (const double[]){0.03, 0.9, 0.01, 0.02, 0.05},
                  (const double[]){0.05, 0.9, 0.05, 0.05, 0.0625});
  /* Equal p have equal adjusted p; a larger one's may be carried down to a smaller. */
  expect_adjusted(4, (const double[]){0.04, 0.04, 0.03, 0.04},
                  (const double[]){0.04, 0.04, 0.04, 0.04});
  /* A missing p does not count. */
  expect_adjusted(4, (const double[]){NAN, 0.02, INFINITY, 0.01},
                  (const double[]){NAN, 0.02, NAN, 0.02});
  expect_adjusted(2, (const double[]){NAN, NAN}, (const double[]){NAN, NAN});
  expect_adjusted(2, (const double[]){1, 1}, (const double[]){1, 1});
  expect_adjusted(1, (const double[]){0}, (const double[]){0});
  expect_adjusted(0, NULL, NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_mean), cmocka_unit_test(test_student_tail),
      cmocka_unit_test(test_percentile), cmocka_unit_test(test_adjusted)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
