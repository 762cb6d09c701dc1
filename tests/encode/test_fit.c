/* What must not change a fit: threads, the part of the electrodes asked for, the route; and that
 * the plan holds. The scores themselves are compared with scikit-learn in tests/fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "chiasm/encode.h"
#include "encode/internal.h"

static const double alphas[] = {0.1, 1, 10, 100, 1e3, 1e4, 1e5};

/* Many alphas are what makes a banded form pay. */
enum { MOST_ALPHAS = 28 };
static int32_t n_alphas = 7;

static chi_encode_options options(double *a, double least_alpha, int32_t threads)
{
  for (int32_t i = 0; i < n_alphas; i++) a[i] = 0.1 * pow(10, 6.0 * i / (n_alphas - 1));
  a[0] = least_alpha;
  return (chi_encode_options){5, n_alphas, a, CHI_REAL32, 0, threads};
}

typedef struct problem {
  int64_t n, p, electrodes, times;
  float *x, *y;
  uint8_t *missing;
} problem;

/* Numbers of a small linear congruential generator, about uniform on -1..1. */
static float noise(uint64_t *state)
{
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (float)((double)(*state >> 11) * 0x1p-52 - 1);
}

static problem make(int64_t n, int64_t p, int64_t electrodes, int64_t times)
{
  problem q = {n, p, electrodes, times, NULL, NULL, NULL};
  const int64_t t = electrodes * times;
  uint64_t state = 1;
  assert_int_equal(chi_alloc(n * p, sizeof *q.x, "x", &q.x), CHI_OK);
  assert_int_equal(chi_alloc(n * t, sizeof *q.y, "y", &q.y), CHI_OK);
  assert_int_equal(chi_alloc(t, 1, "missing", &q.missing), CHI_OK);
  for (int64_t i = 0; i < n * p; i++) q.x[i] = noise(&state);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < t; j++)
      q.y[i * t + j] = q.x[i * p + j % p] + (float)(j % 4) * noise(&state);
  chi_responses_prepare(n, t, CHI_REAL32, 2, q.y, q.missing);
  return q;
}

static void destroy(problem *q)
{
  chi_free(q->x);
  chi_free(q->y);
  chi_free(q->missing);
}

static void fit(const problem *q, int32_t threads, double least_alpha, int64_t e0, int64_t e1,
                const int64_t *drawn, float *out[3])
{
  double a[MOST_ALPHAS];
  const chi_encode_options o = options(a, least_alpha, threads);
  const chi_features x = {q->n, q->p, CHI_REAL32, q->x};
  const chi_responses y = {.n_events = q->n,
                           .n_electrodes = q->electrodes,
                           .n_times = q->times,
                           .real = CHI_REAL32,
                           .y = q->y,
                           .missing = q->missing};
  const chi_encode_part part = {e0, e1, out[0], out[1], out[2]};
  chi_rows rows;
  chi_encoder *encoder;
  assert_int_equal(chi_rows_drawn(&o, q->n, drawn, NULL, NULL, &rows), CHI_OK);
  assert_int_equal(chi_encoder_create(&o, &encoder), CHI_OK);
  assert_int_equal(chi_encode_fit(encoder, &rows, &x, &y, &part, NULL), CHI_OK);
  chi_encoder_destroy(&encoder);
  chi_rows_free(&rows);
}

enum { MOST = 4000 };
static float first[3][MOST], second[3][MOST];

static void check_invariance(int64_t n, int64_t p, int64_t electrodes)
{
  problem q = make(n, p, electrodes, 100);
  const int64_t block = chi_block_electrodes(q.times), t = q.electrodes * q.times;
  assert_true(block < q.electrodes && t <= MOST);
  fit(&q, 1, 0.1, 0, q.electrodes, NULL, (float *[]){first[0], first[1], first[2]});
  assert_true(first[0][0] > 0.3f && first[1][0] > 0.3f); /* no noise in target 0 */
  fit(&q, 3, 0.1, 0, q.electrodes, NULL, (float *[]){second[0], second[1], second[2]});
  for (int k = 0; k < 3; k++) assert_memory_equal(first[k], second[k], (int)(t * 4));
  memset(second, 0, sizeof second);
  for (int64_t e = 0; e < q.electrodes; e += block) {
    const int64_t end = e + block < q.electrodes ? e + block : q.electrodes, at = e * q.times;
    fit(&q, 2, 0.1, e, end, NULL, (float *[]){second[0] + at, second[1] + at, second[2] + at});
  }
  for (int k = 0; k < 3; k++) assert_memory_equal(first[k], second[k], (int)(t * 4));
  destroy(&q);
}

static void test_dual_invariance(void **state)
{
  (void)state;
  check_invariance(90, 120, 30);
}

static void test_primal_invariance(void **state)
{
  (void)state;
  check_invariance(300, 20, 30);
}

static void check_banded(int64_t n, int64_t p, chi_route route)
{
  double a[MOST_ALPHAS];
  n_alphas = MOST_ALPHAS;
  const chi_encode_options o = options(a, 0.1, 1);
  chi_rows rows;
  assert_int_equal(chi_rows_plain(&o, n, NULL, NULL, &rows), CHI_OK);
  const chi_shape shape = chi_shape_of(&o, &rows, p, 11, 100);
  assert_true(shape.banded && shape.route == route);
  chi_rows_free(&rows);
  check_invariance(n, p, 11);
  n_alphas = 7;
}

static void test_banded_invariance(void **state)
{
  (void)state;
  check_banded(300, 500, CHI_ROUTE_DUAL);
  check_banded(700, 150, CHI_ROUTE_PRIMAL);
}

/* A tiny first alpha sends the same problem to the decomposition; the alphas chosen are larger
 * ones. */
static void check_routes(int64_t n, int64_t p)
{
  problem q = make(n, p, 4, 25);
  for (int64_t j = 0; j < 100; j++) first[2][j] = 0;
  fit(&q, 1, 0.5, 0, 4, NULL, (float *[]){first[0], first[1], first[2]});
  fit(&q, 1, 1e-13, 0, 4, NULL, (float *[]){second[0], second[1], second[2]});
  int compared = 0;
  for (int64_t j = 0; j < 100; j++) {
    if (first[2][j] != second[2][j]) continue; /* either's own first alpha */
    compared++;
    assert_true(fabsf(first[0][j] - second[0][j]) < 2e-6f);
    assert_true(fabsf(first[1][j] - second[1][j]) < 2e-6f);
  }
  assert_true(compared > 10);
  destroy(&q);
}

static void test_routes_agree(void **state)
{
  (void)state;
  check_routes(80, 200);
  check_routes(250, 20);
}

/* A drawn sequence scores as the same rows written out one by one. */
static void test_drawn_equals_duplicates(void **state)
{
  (void)state;
  for (int wide = 0; wide < 2; wide++) {
    problem q = make(100, wide ? 150 : 12, 4, 25), copy = make(100, wide ? 150 : 12, 4, 25);
    int64_t drawn[100];
    for (int i = 0; i < 100; i++) drawn[i] = i / 7 * 7 + (i % 7) / 2;
    for (int64_t i = 0; i < 100; i++) {
      memcpy(copy.x + i * q.p, q.x + drawn[i] * q.p, (size_t)q.p * sizeof *q.x);
      memcpy(copy.y + i * 100, q.y + drawn[i] * 100, 100 * sizeof *q.y);
    }
    fit(&q, 1, 0.1, 0, 4, drawn, (float *[]){first[0], first[1], first[2]});
    fit(&copy, 1, 0.1, 0, 4, NULL, (float *[]){second[0], second[1], second[2]});
    for (int64_t j = 0; j < 100; j++) {
      assert_true(fabsf(first[0][j] - second[0][j]) < 2e-6f);
      assert_true(first[2][j] == second[2][j]);
      assert_true(fabsf(first[1][j] - second[1][j]) < 2e-6f);
    }
    destroy(&q);
    destroy(&copy);
  }
}

/* What the plan says is what a plain fit takes. */
static void test_plan_holds(void **state)
{
  (void)state;
  static const int64_t sizes[][2] = {{100, 300}, {101, 99}, {997, 31}, {23, 1}, {20, 16}};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
    for (int precision = 4; precision <= 8; precision += 4) {
      const chi_encode_options o = {5, 7, alphas, (chi_real)precision, 0, 2};
      const int64_t n = sizes[i][0], p = sizes[i][1];
      chi_rows rows;
      assert_int_equal(chi_rows_plain(&o, n, NULL, NULL, &rows), CHI_OK);
      chi_fit_work work = {.shape = chi_shape_of(&o, &rows, p, 30, 100), .n_targets = 3000};
      chi_arena count = {NULL, 0};
      chi_work_layout(&work, &count);
      const chi_encode_plan plan = chi_encode_make_plan(&o, n, p, 30, 100);
      assert_int_equal(plan.bytes, count.used);
      assert_int_equal(plan.dual, work.shape.route != CHI_ROUTE_PRIMAL);
      chi_rows_free(&rows);
    }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_dual_invariance),         cmocka_unit_test(test_primal_invariance),
      cmocka_unit_test(test_banded_invariance),       cmocka_unit_test(test_routes_agree),
      cmocka_unit_test(test_drawn_equals_duplicates), cmocka_unit_test(test_plan_holds)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
