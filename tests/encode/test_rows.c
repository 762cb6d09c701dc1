/* Folds, halves, training sets and gaps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "chiasm/encode.h"

static const double alphas[] = {1};

static chi_encode_options options(int32_t folds, double gap)
{
  return (chi_encode_options){.folds = folds,
                              .n_alphas = 1,
                              .alphas = alphas,
                              .precision = CHI_REAL32,
                              .gap = gap,
                              .threads = 1};
}

static void test_plain_folds(void **state)
{
  (void)state;
  double onset[23] = {0};
  int32_t session[23] = {0};
  const chi_encode_options o = options(5, 0);
  chi_rows rows;
  assert_int_equal(chi_rows_plain(&o, 23, onset, session, &rows), CHI_OK);
  /* 23 = 5 + 5 + 5 + 4 + 4; the first half, rounded down, of each is validation */
  static const int fold[] = {0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4};
  static const int test[] = {0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1};
  assert_int_equal(rows.n, 23);
  for (int i = 0; i < 23; i++) {
    assert_int_equal(rows.event[i], i);
    assert_int_equal(rows.fold[i], fold[i]);
    assert_int_equal(rows.is_test[i], test[i]);
    assert_int_equal(rows.train[i], 0x1f & ~(1u << fold[i]));
    assert_true(rows.weight[i] == 1);
  }
  chi_rows_free(&rows);
}

static void test_too_few(void **state)
{
  (void)state;
  double onset[23] = {0};
  int32_t session[23] = {0};
  const chi_encode_options o = options(6, 0);
  chi_rows rows;
  assert_int_equal(chi_rows_plain(&o, 23, onset, session, &rows), CHI_ERR_INPUT);
  assert_non_null(strstr(chi_message(), "at least 24"));
  const chi_encode_options too_many = options(33, 0);
  assert_int_equal(chi_rows_plain(&too_many, 23, onset, session, &rows), CHI_ERR_USAGE);
}

/* Against the definition, event by event, with sessions and onsets out of order. */
static void test_gap(void **state)
{
  (void)state;
  enum { N = 61, FOLDS = 4 };
  double onset[N];
  int32_t session[N];
  for (int i = 0; i < N; i++) {
    session[i] = i / 25;
    onset[i] = (i * 7) % 25 + (i % 3) * 0.25;
  }
  const double gap = 2;
  const chi_encode_options o = options(FOLDS, gap);
  chi_rows rows;
  assert_int_equal(chi_rows_plain(&o, N, onset, session, &rows), CHI_OK);
  for (int f = 0; f < FOLDS; f++)
    for (int i = 0; i < N; i++) {
      int trains = rows.fold[i] != f;
      for (int j = 0; j < N; j++)
        if (rows.fold[j] == f && session[i] == session[j] && onset[i] - onset[j] <= gap &&
            onset[j] - onset[i] <= gap)
          trains = 0;
      assert_int_equal(rows.train[i] >> f & 1, trains);
    }
  chi_rows_free(&rows);
  const chi_encode_options all = options(FOLDS, 1e9);
  assert_int_equal(chi_rows_plain(&all, 24, onset, session, &rows), CHI_ERR_INPUT);
  assert_non_null(strstr(chi_message(), "--gap"));
}

/* Copies of one event on both sides of a border are two rows. */
static void test_drawn(void **state)
{
  (void)state;
  const int64_t event[] = {0, 0, 0, 1, 1, 1, 1, 4, 5, 5};
  const double onset[6] = {0};
  const int32_t session[6] = {0};
  const chi_encode_options o = options(2, 0);
  chi_rows rows;
  assert_int_equal(chi_rows_drawn(&o, 10, event, onset, session, &rows), CHI_OK);
  static const int e[] = {0, 0, 1, 1, 4, 5}, w[] = {2, 1, 2, 2, 1, 2}, f[] = {0, 0, 0, 1, 1, 1},
                   t[] = {0, 1, 1, 0, 1, 1};
  assert_int_equal(rows.n, 6);
  for (int i = 0; i < 6; i++) {
    assert_int_equal(rows.event[i], e[i]);
    assert_int_equal((int)rows.weight[i], w[i]);
    assert_int_equal(rows.fold[i], f[i]);
    assert_int_equal(rows.is_test[i], t[i]);
  }
  chi_rows_free(&rows);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_plain_folds),
                                     cmocka_unit_test(test_too_few), cmocka_unit_test(test_gap),
                                     cmocka_unit_test(test_drawn)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
