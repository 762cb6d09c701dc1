/* Influences against finite differences of a weighted ridge regression written out here: with the
 * residuals of training, of the weights themselves; with the others, of responses in training times
 * a residual found by refitting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "chiasm/influence.h"
#include "encode/influence_internal.h"

enum { N = 48, FOLDS = 4, ELECTRODES = 2, TIMES = 2, T = ELECTRODES * TIMES, MOST_P = 44 };

static const double alphas[] = {0.05, 3, 40, 1e4};

static double x[N][MOST_P], y[N][T], z[N][MOST_P + 1], onset[N];
static int32_t session[N], block[N];
static float x32[N * MOST_P], y32[N * T];
static float alpha[T];
static float val[ELECTRODES][N][TIMES], test[ELECTRODES][N][TIMES];

static double noise(uint64_t *state)
{
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (double)(*state >> 11) * 0x1p-52 - 1;
}

/* \param alike  the last two features are the same but in the first fold: there a direction is
 *               held out that training lacks */
static void make(int64_t p, bool alike)
{
  uint64_t state = 7;
  for (int i = 0; i < N; i++) {
    onset[i] = i % 20;
    session[i] = i / 20;
    block[i] = i;
    for (int64_t j = 0; j < p; j++) x[i][j] = x32[i * p + j] = (float)noise(&state);
    if (alike) x[i][p - 1] = x32[i * p + p - 1] = (float)((i < N / FOLDS ? -3 : 1) * x[i][p - 2]);
    for (int j = 0; j < T; j++) {
      double sum = (j + 1) * noise(&state);
      for (int64_t k = 0; k < 4; k++) sum += x[i][k] * (double)(k + j);
      y[i][j] = y32[i * T + j] = (float)sum;
    }
  }
  for (int j = 0; j < T; j++) alpha[j] = (float)alphas[j % 3];
}

/* ---- the reference ---- */

/* z: features scaled by a fold's training rows, as they are weighted now; and a column of ones. */
static void scale_features(const chi_rows *rows, int32_t f, int64_t p)
{
  for (int64_t j = 0; j < p; j++) {
    double total = 0, mean = 0, squares = 0;
    for (int i = 0; i < N; i++)
      if (rows->train[i] >> f & 1) {
        total += rows->weight[i];
        mean += rows->weight[i] * x[i][j];
      }
    mean /= total;
    for (int i = 0; i < N; i++)
      if (rows->train[i] >> f & 1) squares += rows->weight[i] * pow(x[i][j] - mean, 2);
    for (int i = 0; i < N; i++) z[i][j] = (x[i][j] - mean) / sqrt(squares / total);
  }
  for (int i = 0; i < N; i++) z[i][p] = 1;
}

/* Solve the normal equations, m x m, by elimination; they are positive definite. */
static void solve(int64_t m, double a[MOST_P + 1][MOST_P + 2])
{
  for (int64_t k = 0; k < m; k++)
    for (int64_t i = k + 1; i < m; i++) {
      const double factor = a[i][k] / a[k][k];
      for (int64_t j = k; j <= m; j++) a[i][j] -= factor * a[k][j];
    }
  for (int64_t k = m - 1; k >= 0; k--) {
    for (int64_t j = k + 1; j < m; j++) a[k][m] -= a[k][j] * a[j][m];
    a[k][m] /= a[k][k];
  }
}

/* Predictions of all events by the weighted fit of a fold; the intercept is not penalised. */
static void predict(const chi_rows *rows, int32_t f, int64_t p, const double *w,
                    const double *target, double penalty, double *q)
{
  static double a[MOST_P + 1][MOST_P + 2];
  memset(a, 0, sizeof a);
  for (int i = 0; i < N; i++) {
    if (!(rows->train[i] >> f & 1)) continue;
    for (int64_t j = 0; j <= p; j++) {
      for (int64_t k = 0; k <= p; k++) a[j][k] += w[i] * z[i][j] * z[i][k];
      a[j][p + 1] += w[i] * z[i][j] * target[i];
    }
  }
  for (int64_t j = 0; j < p; j++) a[j][j] += penalty;
  solve(p + 1, a);
  for (int i = 0; i < N; i++) {
    q[i] = 0;
    for (int64_t j = 0; j <= p; j++) q[i] += z[i][j] * a[j][p + 1];
  }
}

static bool in_half(const chi_rows *rows, int i, int32_t f, int half)
{
  return rows->fold[i] == f && rows->is_test[i] == half;
}

static double pearson(const chi_rows *rows, int32_t f, int half, const double *w, const double *a,
                      const double *b)
{
  double total = 0, ma = 0, mb = 0, ab = 0, aa = 0, bb = 0;
  for (int i = 0; i < N; i++)
    if (in_half(rows, i, f, half)) {
      total += w[i];
      ma += w[i] * a[i];
      mb += w[i] * b[i];
    }
  for (int i = 0; i < N; i++)
    if (in_half(rows, i, f, half)) {
      const double u = a[i] - ma / total, v = b[i] - mb / total;
      ab += w[i] * u * v;
      aa += w[i] * u * u;
      bb += w[i] * v * v;
    }
  return ab / sqrt(aa * bb);
}

#define STEP 1e-4

/* What event i's weight does to r of one fold and half. */
static double derivative(const chi_rows *rows, int32_t f, int half, int64_t p, const double *target,
                         double penalty, chi_residual residual, double out_of_fold, int i)
{
  double w[N], moved[N], q[N], r[2];
  memcpy(w, rows->weight, sizeof w);
  memcpy(moved, target, sizeof moved);
  predict(rows, f, p, w, target, penalty, q);
  if (in_half(rows, i, f, half) || residual == CHI_RESIDUAL_TRAINING) {
    for (int k = 0; k < 2; k++) {
      w[i] = rows->weight[i] + (k == 0 ? STEP : -STEP);
      predict(rows, f, p, w, target, penalty, q);
      r[k] = pearson(rows, f, half, w, target, q);
    }
    return (r[0] - r[1]) / (2 * STEP);
  }
  if (!(rows->train[i] >> f & 1)) return 0;
  double error = out_of_fold;
  if (residual == CHI_RESIDUAL_LOO) {
    w[i] = 0;
    predict(rows, f, p, w, target, penalty, q);
    error = target[i] - q[i];
    w[i] = rows->weight[i];
  }
  for (int k = 0; k < 2; k++) {
    moved[i] = target[i] + (k == 0 ? STEP : -STEP);
    predict(rows, f, p, w, moved, penalty, q);
    r[k] = pearson(rows, f, half, w, target, q);
  }
  return (r[0] - r[1]) / (2 * STEP) * error / rows->weight[i];
}

/* ---- chiasm's ---- */

typedef struct way {
  int64_t p;
  chi_real precision;
  chi_residual residual;
  double gap;
  bool weighted, alike;
  chi_route route;
  double tolerance; /* relative to the largest influence of the target */
} way;

static void influence(const chi_encode_options *o, const way *as, const chi_rows *rows)
{
  const bool narrow = as->precision == CHI_REAL32;
  static double x64[N * MOST_P];
  static const uint8_t missing[T] = {0};
  for (int64_t i = 0; i < N * as->p; i++) x64[i] = (double)x32[i];
  const chi_features features = {N, as->p, narrow ? CHI_REAL32 : CHI_REAL64,
                                 narrow ? (void *)x32 : (void *)x64};
  const chi_responses responses = {.n_events = N,
                                   .n_electrodes = ELECTRODES,
                                   .n_times = TIMES,
                                   .real = as->precision,
                                   .y = narrow ? (void *)y32 : (void *)y,
                                   .missing = missing};
  const chi_influence what = {.alpha = alpha,
                              .n_blocks = N,
                              .block = block,
                              .val_r = &val[0][0][0],
                              .test_r = &test[0][0][0]};
  chi_encoder *encoder;
  assert_int_equal(chi_encoder_create(o, &encoder), CHI_OK);
  assert_int_equal(
      chi_encode_influence(encoder, as->residual, rows, &features, &responses, &what, NULL),
      CHI_OK);
  chi_encoder_destroy(&encoder);
}

static void expect(const chi_rows *rows, const way *as, int target, double expected[2][N])
{
  double column[N], q[N], error[N];
  const double penalty = (double)alpha[target];
  for (int i = 0; i < N; i++) column[i] = y[i][target];
  memset(expected, 0, sizeof(double) * 2 * N);
  for (int32_t f = 0; f < FOLDS; f++) {
    scale_features(rows, f, as->p);
    predict(rows, f, as->p, rows->weight, column, penalty, q);
    for (int i = 0; i < N; i++)
      if (rows->fold[i] == f) error[i] = column[i] - q[i];
  }
  for (int32_t f = 0; f < FOLDS; f++) {
    scale_features(rows, f, as->p);
    for (int half = 0; half < 2; half++)
      for (int i = 0; i < N; i++)
        expected[half][i] +=
            derivative(rows, f, half, as->p, column, penalty, as->residual, error[i], i) / FOLDS;
  }
}

static void check(const way *as)
{
  const chi_encode_options o = {FOLDS, 4, alphas, as->precision, as->gap, 2};
  chi_rows rows;
  make(as->p, as->alike);
  assert_int_equal(chi_rows_plain(&o, N, onset, session, &rows), CHI_OK);
  for (int i = 0; i < N && as->weighted; i++) rows.weight[i] = 1 + i % 3;
  assert_int_equal(
      chi_influence_shape(&o, as->residual, &rows, as->p, ELECTRODES, TIMES, false).route,
      as->route);
  influence(&o, as, &rows);
  for (int j = 0; j < T; j++) {
    double expected[2][N], most[2] = {0, 0};
    expect(&rows, as, j, expected);
    for (int half = 0; half < 2; half++)
      for (int i = 0; i < N; i++) most[half] = fmax(most[half], fabs(expected[half][i]));
    for (int i = 0; i < N; i++) {
      const double v = (double)val[j / TIMES][i][j % TIMES],
                   t = (double)test[j / TIMES][i][j % TIMES];
      assert_true(fabs(v - expected[0][i]) < as->tolerance * most[0]);
      assert_true(fabs(t - expected[1][i]) < as->tolerance * most[1]);
    }
  }
  chi_rows_free(&rows);
}

static void test_training(void **state)
{
  (void)state;
  check(&(way){5, CHI_REAL64, CHI_RESIDUAL_TRAINING, 0, false, false, CHI_ROUTE_SVD, 1e-5});
  check(&(way){44, CHI_REAL64, CHI_RESIDUAL_TRAINING, 0, true, false, CHI_ROUTE_SVD, 1e-5});
  check(&(way){12, CHI_REAL64, CHI_RESIDUAL_TRAINING, 2.5, true, false, CHI_ROUTE_SVD, 1e-5});
  check(&(way){44, CHI_REAL32, CHI_RESIDUAL_TRAINING, 2.5, false, false, CHI_ROUTE_SVD, 1e-4});
}

static void test_held_out(void **state)
{
  (void)state;
  check(&(way){44, CHI_REAL32, CHI_RESIDUAL_HELD_OUT, 0, false, false, CHI_ROUTE_DUAL, 1e-4});
  check(&(way){44, CHI_REAL32, CHI_RESIDUAL_HELD_OUT, 2.5, true, false, CHI_ROUTE_DUAL, 1e-4});
  check(&(way){44, CHI_REAL64, CHI_RESIDUAL_HELD_OUT, 2.5, true, false, CHI_ROUTE_SVD, 1e-5});
  check(&(way){3, CHI_REAL32, CHI_RESIDUAL_HELD_OUT, 0, true, false, CHI_ROUTE_PRIMAL, 1e-4});
  check(&(way){12, CHI_REAL32, CHI_RESIDUAL_HELD_OUT, 2.5, true, false, CHI_ROUTE_PRIMAL, 1e-4});
  check(&(way){12, CHI_REAL32, CHI_RESIDUAL_HELD_OUT, 0, false, true, CHI_ROUTE_PRIMAL, 1e-4});
}

static void test_leave_one_out(void **state)
{
  (void)state;
  check(&(way){5, CHI_REAL64, CHI_RESIDUAL_LOO, 0, false, false, CHI_ROUTE_SVD, 1e-5});
  check(&(way){44, CHI_REAL64, CHI_RESIDUAL_LOO, 2.5, true, false, CHI_ROUTE_SVD, 1e-5});
  check(&(way){44, CHI_REAL32, CHI_RESIDUAL_LOO, 0, false, false, CHI_ROUTE_SVD, 1e-4});
}

/* Without an alpha no influence; with one that was never on the grid, an error. */
static void test_alphas(void **state)
{
  (void)state;
  const way as = {5, CHI_REAL64, CHI_RESIDUAL_HELD_OUT, 0, false, false, CHI_ROUTE_SVD, 0};
  const chi_encode_options o = {FOLDS, 4, alphas, CHI_REAL64, 0, 1};
  chi_rows rows;
  make(5, false);
  alpha[3] = NAN;
  assert_int_equal(chi_rows_plain(&o, N, onset, session, &rows), CHI_OK);
  influence(&o, &as, &rows);
  assert_true(isnan(val[1][0][1]) && isnan(test[1][N - 1][1]) && isfinite(val[1][0][0]));
  alpha[3] = 0.7f;
  const chi_features features = {N, 5, CHI_REAL32, x32};
  const chi_responses responses = {
      .n_events = N, .n_electrodes = ELECTRODES, .n_times = TIMES, .real = CHI_REAL64, .y = y};
  const chi_influence what = {alpha, N, block, &val[0][0][0], &test[0][0][0]};
  chi_encoder *encoder;
  assert_int_equal(chi_encoder_create(&o, &encoder), CHI_OK);
  assert_int_equal(chi_encode_influence(encoder, CHI_RESIDUAL_HELD_OUT, &rows, &features,
                                        &responses, &what, NULL),
                   CHI_ERR_INPUT);
  chi_encoder_destroy(&encoder);
  chi_rows_free(&rows);
}

/* Threads do not change a bit of it, and the plan holds. */
static void check_invariance(int64_t n, int64_t p)
{
  enum { WIDE = 24, BINS = 100, BLOCKS = 20 };
  static float many_x[200 * 150], many_y[200 * WIDE * BINS], many_alpha[WIDE * BINS];
  static float out[2][2][WIDE * BINS * BLOCKS];
  static int32_t of[200];
  static uint8_t missing[WIDE * BINS];
  uint64_t state = 3;
  for (int64_t i = 0; i < n * p; i++) many_x[i] = (float)noise(&state);
  for (int64_t i = 0; i < n * WIDE * BINS; i++) many_y[i] = (float)noise(&state);
  for (int64_t i = 0; i < n; i++) of[i] = (int32_t)(i * BLOCKS / n);
  for (int j = 0; j < WIDE * BINS; j++) many_alpha[j] = (float)alphas[j % 4];
  chi_responses_prepare(n, WIDE * BINS, CHI_REAL32, 1, many_y, missing);
  for (int k = 0; k < 2; k++) {
    const chi_encode_options o = {FOLDS, 4, alphas, CHI_REAL32, 0, k == 0 ? 1 : 3};
    const chi_features features = {n, p, CHI_REAL32, many_x};
    const chi_responses responses = {.n_events = n,
                                     .n_electrodes = WIDE,
                                     .n_times = BINS,
                                     .real = CHI_REAL32,
                                     .y = many_y,
                                     .missing = missing};
    const chi_influence what = {many_alpha, BLOCKS, of, out[k][0], out[k][1]};
    chi_rows rows;
    chi_encoder *encoder;
    assert_int_equal(chi_rows_plain(&o, n, NULL, NULL, &rows), CHI_OK);
    assert_int_equal(chi_encoder_create(&o, &encoder), CHI_OK);
    assert_int_equal(chi_encode_influence(encoder, CHI_RESIDUAL_HELD_OUT, &rows, &features,
                                          &responses, &what, NULL),
                     CHI_OK);
    const chi_encode_plan plan =
        chi_influence_make_plan(&o, CHI_RESIDUAL_HELD_OUT, n, BLOCKS, p, WIDE, BINS);
    assert_int_equal(encoder->bytes, plan.bytes);
    chi_encoder_destroy(&encoder);
    chi_rows_free(&rows);
  }
  assert_memory_equal(out[0], out[1], sizeof out[0]);
}

static void test_invariance(void **state)
{
  (void)state;
  check_invariance(90, 120);
  check_invariance(200, 8);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_training), cmocka_unit_test(test_held_out),
      cmocka_unit_test(test_leave_one_out), cmocka_unit_test(test_alphas),
      cmocka_unit_test(test_invariance)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
