#include "base/memory.h"

#include "cmocka_all.h"

static void test_alloc(void **state)
{
  (void)state;
  char *p;
  assert_int_equal(chi_alloc(1000, 3, "p", &p), CHI_OK);
  assert_int_equal((uintptr_t)p % 64, 0);
  for (int i = 0; i < 3000; i++) assert_int_equal(p[i], 0);
  chi_free(p);
  assert_int_equal(chi_alloc(0, 8, "p", &p), CHI_OK);
  chi_free(p);
  chi_free(NULL);
}

static void test_too_much(void **state)
{
  (void)state;
  char some = 'x', *p = &some;
  assert_int_equal(chi_alloc(INT64_MAX / 4, 8, "the array", &p), CHI_ERR_MEMORY);
  assert_null(p);
  assert_contains(chi_message(), "the array");
  assert_int_equal(chi_alloc(-1, 8, "p", &p), CHI_ERR_MEMORY);
}

static void test_strdup(void **state)
{
  (void)state;
  char *copy;
  assert_int_equal(chi_strdup("abc", &copy), CHI_OK);
  assert_string_equal(copy, "abc");
  chi_free(copy);
}

static void test_grow(void **state)
{
  (void)state;
  int64_t *list = NULL, room = 0;
  for (int64_t n = 0; n < 1000; n++) {
    assert_int_equal(chi_grow(&list, &room, n + 1, sizeof *list, "the list"), CHI_OK);
    assert_true(room > n);
    assert_int_equal(list[n], 0);
    list[n] = n;
  }
  for (int64_t i = 0; i < 1000; i++) assert_int_equal(list[i], i);
  assert_int_equal(chi_grow(&list, &room, INT64_MAX / 4, sizeof *list, "the list"), CHI_ERR_MEMORY);
  assert_contains(chi_message(), "the list");
  assert_int_equal(list[999], 999);
  chi_free(list);
}

static void test_amounts(void **state)
{
  (void)state;
  char *p;
  const int64_t before = chi_memory_peak(), n = 64 << 20;
  assert_true(before > 100000 && before < INT64_C(1) << 40);
  assert_int_equal(chi_alloc(n, 1, "p", &p), CHI_OK);
  memset(p, 1, (size_t)n);
  assert_true(chi_memory_peak() > n / 2);
  chi_free(p);
  assert_true(chi_memory_available() > 1000000);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_alloc), cmocka_unit_test(test_too_much),
                                     cmocka_unit_test(test_strdup), cmocka_unit_test(test_grow),
                                     cmocka_unit_test(test_amounts)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
