/* Every routine against the sums that define it, on matrices of odd sizes and leading dimensions.
 */
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

#include "linalg/dense.h"

enum { M = 37, N = 41, K = 53, LD = 60 };

static double a[K * LD], b[K * LD], c[K * LD], d[K * LD];

static void fill(double *x, uint64_t seed)
{
  for (int i = 0; i < K * LD; i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    x[i] = (double)(seed >> 11) * 0x1p-52 - 1;
  }
}

static void near(double x, double y) { assert_true(fabs(x - y) < 1e-11 * (1 + fabs(y))); }

static void test_products(void **state)
{
  (void)state;
  fill(a, 1);
  fill(b, 2);
  fill(c, 3);
  memcpy(d, c, sizeof c);
  chi_dgemm((chi_dmatrix){M, K, a, LD, false}, (chi_dmatrix){K, N, b, LD, false}, 1, c, LD);
  for (int i = 0; i < M; i++)
    for (int j = 0; j < N; j++) {
      double sum = d[i * LD + j];
      for (int k = 0; k < K; k++) sum += a[i * LD + k] * b[k * LD + j];
      near(c[i * LD + j], sum);
    }
  chi_dgemm((chi_dmatrix){K, M, a, LD, true}, (chi_dmatrix){K, N, b, LD, false}, 0, c, LD);
  for (int i = 0; i < M; i++)
    for (int j = 0; j < N; j++) {
      double sum = 0;
      for (int k = 0; k < K; k++) sum += a[k * LD + i] * b[k * LD + j];
      near(c[i * LD + j], sum);
    }
  chi_dgemm((chi_dmatrix){M, K, a, LD, false}, (chi_dmatrix){N, K, b, LD, true}, 0, c, LD);
  for (int i = 0; i < M; i++)
    for (int j = 0; j < N; j++) {
      double sum = 0;
      for (int k = 0; k < K; k++) sum += a[i * LD + k] * b[j * LD + k];
      near(c[i * LD + j], sum);
    }
}

static void test_float_products(void **state)
{
  (void)state;
  static float x[K * LD], y[K * LD], z[K * LD], t[K * LD];
  fill(a, 4);
  fill(b, 5);
  for (int i = 0; i < K * LD; i++) {
    x[i] = (float)a[i];
    y[i] = (float)b[i];
    z[i] = 1;
  }
  const chi_smatrix factor = {K, N, y, LD, false};
  chi_sgemm((chi_smatrix){M, K, x, LD, false}, factor, 1, z, LD);
  chi_sgemm((chi_smatrix){K, M, x, LD, true}, factor, 0, t, LD);
  for (int i = 0; i < M; i++)
    for (int j = 0; j < N; j++) {
      double plain = 1, turned = 0;
      for (int k = 0; k < K; k++) {
        plain += (double)x[i * LD + k] * (double)y[k * LD + j];
        turned += (double)x[k * LD + i] * (double)y[k * LD + j];
      }
      assert_true(fabs((double)z[i * LD + j] - plain) < 1e-5);
      assert_true(fabs((double)t[i * LD + j] - turned) < 1e-5);
    }
}

static void test_squares(void **state)
{
  (void)state;
  fill(a, 6);
  fill(c, 7);
  memcpy(d, c, sizeof c);
  chi_dsyrk((chi_dmatrix){M, K, a, LD, false}, 1, c, LD);
  for (int i = 0; i < M; i++)
    for (int j = 0; j < M; j++) {
      double sum = d[i * LD + j];
      for (int k = 0; k < K && j <= i; k++) sum += a[i * LD + k] * a[j * LD + k];
      near(c[i * LD + j], sum); /* above the diagonal unchanged */
    }
  memcpy(c, d, sizeof c);
  chi_dsyrk((chi_dmatrix){K, M, a, LD, true}, 0, c, LD);
  for (int i = 0; i < M; i++)
    for (int j = 0; j <= i; j++) {
      double sum = 0;
      for (int k = 0; k < K; k++) sum += a[k * LD + i] * a[k * LD + j];
      near(c[i * LD + j], sum);
    }
}

/* A = X X' (lower) + 2 I by chi_dupper_of_sum; full is the same matrix, whole. */
static void make_spd(double *factor, double *full)
{
  static double gram[N * N], diagonal[N];
  fill(a, 8);
  memset(gram, 0, sizeof gram);
  chi_dsyrk((chi_dmatrix){N, K, a, LD, false}, 0, gram, N);
  for (int i = 0; i < N; i++) diagonal[i] = gram[i * N + i];
  chi_dupper_of_sum(N, gram, diagonal, 2, NULL, factor);
  for (int i = 0; i < N; i++)
    for (int j = 0; j <= i; j++) {
      full[i * N + j] = full[j * N + i] = gram[i * N + j] + (i == j ? 2 : 0);
      near(factor[j * N + i], full[i * N + j]);
    }
}

static void test_factor_and_solve(void **state)
{
  (void)state;
  static double u[N * N], full[N * N], x[M * N], y[N * M], t[M * N];
  make_spd(u, full);
  assert_int_equal(chi_dpotrf(N, u, N), CHI_OK);
  for (int i = 0; i < N; i++)
    for (int j = i; j < N; j++) {
      double sum = 0;
      for (int k = 0; k <= i; k++) sum += u[k * N + i] * u[k * N + j];
      near(sum, full[i * N + j]);
    }
  fill(b, 9);
  memcpy(x, b, sizeof x);
  chi_dpotrs(M, N, u, N, x, N);
  memcpy(t, x, sizeof x);
  chi_dtrmm_right(M, N, u, N, t, N);
  for (int i = 0; i < M; i++)
    for (int j = 0; j < N; j++) {
      double product = 0, half = 0;
      for (int k = 0; k < N; k++) product += x[i * N + k] * full[k * N + j];
      for (int k = j; k < N; k++) half += x[i * N + k] * u[j * N + k];
      near(product, b[i * N + j]);
      near(t[i * N + j], half);
    }
  memcpy(x, b, sizeof x);
  chi_dtrsm_right(M, N, u, N, x, N);
  memcpy(y, b, sizeof y);
  chi_dtrsm_left(N, M, u, N, y, M);
  for (int i = 0; i < M; i++)
    for (int j = 0; j < N; j++) {
      double right = 0, left = 0;
      for (int k = 0; k <= j; k++) {
        right += x[i * N + k] * u[k * N + j];
        left += u[k * N + j] * y[k * M + i];
      }
      near(right, b[i * N + j]);
      near(left, b[j * M + i]);
    }
}

static void test_sum_of_two(void **state)
{
  (void)state;
  static double gram[N * N], add[N * N], diagonal[N], before[N * N];
  fill(a, 10);
  memcpy(gram, a, sizeof gram);
  memcpy(add, a + 7, sizeof add);
  memcpy(before, gram, sizeof gram);
  for (int i = 0; i < N; i++) diagonal[i] = 3 + i;
  chi_dupper_of_sum(N, gram, diagonal, 0.5, add, gram);
  for (int i = 0; i < N; i++)
    for (int j = 0; j <= i; j++) {
      near(gram[j * N + i], (i == j ? diagonal[i] : before[i * N + j]) + 0.5 * add[i * N + j]);
      if (i != j) assert_true(gram[i * N + j] == before[i * N + j]);
    }
}

static void test_not_positive(void **state)
{
  (void)state;
  double x[] = {1, 2, 0, 1};
  assert_int_equal(chi_dpotrf(2, x, 2), CHI_ERR_NUMERIC);
  assert_non_null(strstr(chi_message(), "row 2"));
}

static void check_svd(int m, int n)
{
  const int k = m < n ? m : n;
  static double x[K * LD], u[K * LD], vt[K * LD], s[LD];
  double *work = malloc((size_t)chi_dsvd_work(m, n) * sizeof *work);
  assert_non_null(work);
  fill(a, 11);
  memcpy(x, a, sizeof x);
  assert_int_equal(chi_dsvd(m, n, x, s, u, vt, work), CHI_OK);
  for (int i = 0; i < m; i++)
    for (int j = 0; j < n; j++) {
      double sum = 0;
      for (int r = 0; r < k; r++) sum += u[i * k + r] * s[r] * vt[r * n + j];
      near(sum, a[i * n + j]);
    }
  for (int r = 0; r < k; r++)
    for (int q = 0; q <= r; q++) {
      double left = 0, right = 0;
      for (int i = 0; i < m; i++) left += u[i * k + r] * u[i * k + q];
      for (int j = 0; j < n; j++) right += vt[r * n + j] * vt[q * n + j];
      near(left, r == q);
      near(right, r == q);
    }
  for (int r = 1; r < k; r++) assert_true(s[r] <= s[r - 1]);
  free(work);
}

static void test_svd(void **state)
{
  (void)state;
  check_svd(M, N);
  check_svd(N, M);
  check_svd(1, 5);
  check_svd(5, 1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_products),   cmocka_unit_test(test_float_products),
      cmocka_unit_test(test_squares),    cmocka_unit_test(test_factor_and_solve),
      cmocka_unit_test(test_sum_of_two), cmocka_unit_test(test_not_positive),
      cmocka_unit_test(test_svd)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
