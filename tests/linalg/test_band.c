/* The banded form against the Cholesky factor of the whole matrix, also where it is singular and
 * where the order had to be rounded up. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
/* clang-format on */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "linalg/band.h"
#include "linalg/dense.h"

enum { MOST = 96, M = 77, LD = 80 };

static double x[MOST * MOST], gram[MOST * MOST], a[MOST * MOST], t[MOST * CHI_BAND];
static double band[MOST * (CHI_BAND + 1)], first[MOST * (CHI_BAND + 1)];
static double factor[MOST * (CHI_BAND + 1)], work[3 * MOST * LD];
static double left[MOST * LD], right[MOST * LD], b[M * MOST], turned[MOST * LD];

static void fill(double *y, int64_t rows, int64_t n, int64_t ld, uint64_t seed)
{
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < ld; j++) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      y[i * ld + j] = j < n ? (double)(seed >> 11) * 0x1p-52 - 1 : 0;
    }
}

/* Left' (A + alpha I)^-1 right for A of `rank`, by way of the band and without it. */
static void check(int64_t n, int64_t rank, double alpha)
{
  const int64_t order = chi_band_order(n);
  static double diagonal[MOST], whole[MOST * MOST];
  assert_true(order >= n && order < n + CHI_BAND && order <= MOST);
  fill(x, rank, n, order, 1);
  chi_dsyrk((chi_dmatrix){rank, order, x, order, true}, 0, gram, order);
  for (int64_t i = 0; i < order; i++) diagonal[i] = gram[i * order + i];
  chi_dupper_of_sum(order, gram, diagonal, 0, NULL, a);
  chi_dupper_of_sum(order, gram, diagonal, alpha, NULL, whole);
  assert_int_equal(chi_dpotrf(order, whole, order), CHI_OK);
  memset(left, 0, sizeof left);
  memset(right, 0, sizeof right);
  fill(left, n, M, LD, 2);
  fill(right, n, M, LD, 3);
  memcpy(turned, right, sizeof turned);
  for (int64_t i = 0; i < order; i++)
    for (int64_t j = 0; j < M; j++) b[j * order + i] = left[i * LD + j];
  chi_dpotrs(M, order, whole, order, b, order);

  chi_band_reduce(order, a, t, band, work);
  assert_int_equal(chi_band_factor(order, band, 0.5, first), CHI_OK);
  assert_int_equal(chi_band_factor(order, band, alpha, factor), CHI_OK);
  chi_band_rotate(order, a, t, M, left, LD, work);
  chi_band_rotate(order, a, t, M, right, LD, work);
  chi_band_forward(order, factor, M, left, LD);
  chi_band_backward(order, factor, M, left, LD);
  chi_band_multiply(order, first, M, left, LD);
  chi_band_forward(order, first, M, right, LD);
  for (int64_t i = 0; i < M; i++)
    for (int64_t j = 0; j < M; j++) {
      double sum = 0, expected = 0;
      for (int64_t k = 0; k < order; k++) {
        sum += left[k * LD + i] * right[k * LD + j];
        expected += b[i * order + k] * turned[k * LD + j];
      }
      assert_true(fabs(sum - expected) < 1e-11 * (1 + fabs(expected)));
    }
}

static void test_solution(void **state)
{
  (void)state;
  check(1, 3, 2);
  check(CHI_BAND, 40, 2);
  check(CHI_BAND + 1, 40, 2);
  check(90, 96, 0.5);
  check(96, 20, 2); /* singular */
}

static void test_not_positive(void **state)
{
  (void)state;
  memset(band, 0, sizeof band);
  for (int i = 0; i < CHI_BAND; i++) band[i * (CHI_BAND + 1)] = i == 4 ? -3 : 1;
  assert_int_equal(chi_band_factor(CHI_BAND, band, 1, factor), CHI_ERR_NUMERIC);
  assert_non_null(strstr(chi_message(), "row 5"));
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_solution),
                                     cmocka_unit_test(test_not_positive)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
