/* Random numbers: the published answers of Philox4x64-10 and FNV-1a, and what follows from them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above */
#include <cmocka.h>

#include "base/random.h"

/* From Random123's kat_vectors. */
static void test_known_answers(void **unused)
{
  (void)unused;
  static const struct {
    uint64_t counter[4], key[2], answer[4];
  } known[] = {
      {{0, 0, 0, 0},
       {0, 0},
       {0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b}},
      {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX},
       {UINT64_MAX, UINT64_MAX},
       {0x87b092c3013fe90b, 0x438c3c67be8d0224, 0x9cc7d7c69cd777b6, 0xa09caebf594f0ba0}},
      {{0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89},
       {0x452821e638d01377, 0xbe5466cf34e90c6c},
       {0xa528f45403e61d95, 0x38c72dbd566e9788, 0xa5a1610e72fd18b5, 0x57bd43b5e52b7fe6}},
  };
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    const uint64_t *c = known[i].counter;
    uint64_t bits[4];
    chi_random_bits((chi_random_key){known[i].key[0], known[i].key[1]}, c[0], c[1], c[2], c[3],
                    bits);
    for (int j = 0; j < 4; j++) assert_true(bits[j] == known[i].answer[j]);
  }
}

static void test_hash(void **unused)
{
  (void)unused;
  assert_true(chi_random_hash("") == 0xcbf29ce484222325);
  assert_true(chi_random_hash("a") == 0xaf63dc4c8601ec8c);
  assert_true(chi_random_hash("foobar") == 0x85944171f73967e8);
  const chi_random_key key = chi_random_make_key(7, "foobar");
  assert_true(key.seed == 7 && key.stream == 0x85944171f73967e8);
}

static void test_ends_of_ranges(void **unused)
{
  (void)unused;
  assert_true(chi_random_below(0, 10) == 0);
  assert_true(chi_random_below(UINT64_MAX, 10) == 9);
  assert_true(chi_random_below(UINT64_C(1) << 63, 10) == 5);
  assert_true(chi_random_below(UINT64_MAX, 1) == 0);
  assert_true(chi_random_unit(0) > 0); /* its logarithm is wanted */
  assert_true(chi_random_unit(UINT64_MAX) == 1);
}

enum { MANY = 40000 };

static void test_normals(void **unused)
{
  (void)unused;
  static double x[MANY];
  double m1 = 0, m2 = 0, m4 = 0, lag = 0;
  chi_random_normals(chi_random_make_key(1, "normals"), 2, 3, 4, MANY, x);
  for (int i = 0; i < MANY; i++) {
    m1 += x[i] / MANY;
    m2 += x[i] * x[i] / MANY;
    m4 += pow(x[i], 4) / MANY;
    if (i > 0) lag += x[i] * x[i - 1] / MANY;
  }
  /* 5 standard errors: 1, sqrt 2, sqrt 96 and 1 over sqrt(MANY) */
  assert_true(fabs(m1) < 0.025 && fabs(m2 - 1) < 0.036 && fabs(m4 - 3) < 0.25 && fabs(lag) < 0.025);
}

/* Any count gives the start of the same sequence; other counters give others. */
static void test_pieces(void **unused)
{
  (void)unused;
  const chi_random_key key = chi_random_make_key(1, "pieces");
  double whole[11], part[11], other[11];
  chi_random_normals(key, 0, 0, 0, 11, whole);
  for (int n = 0; n < 11; n++) {
    chi_random_normals(key, 0, 0, 0, n, part);
    for (int i = 0; i < n; i++) assert_true(part[i] == whole[i]);
  }
  for (uint64_t which = 0; which < 3; which++) {
    chi_random_normals(key, which == 0, which == 1, which == 2, 11, other);
    for (int i = 0; i < 11; i++) assert_true(other[i] != whole[i]);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_known_answers),
                                     cmocka_unit_test(test_hash),
                                     cmocka_unit_test(test_ends_of_ranges),
                                     cmocka_unit_test(test_normals), cmocka_unit_test(test_pieces)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
