#include "cmocka_all.h"

static void test_codes(void **state)
{
  (void)state;
  assert_int_equal(chi_exit_code(CHI_OK), 0);
  assert_int_equal(chi_exit_code(CHI_STOPPED), 3);
  assert_int_equal(chi_exit_code(CHI_ERR_IO), 1);
  assert_int_equal(chi_exit_code(CHI_ERR_INPUT), 2);
  assert_int_equal(chi_exit_code(CHI_ERR_USAGE), 2);
  assert_int_equal(chi_exit_code(CHI_N_STATUS), 1);
  assert_string_equal(chi_status_text(CHI_ERR_USAGE), "bad usage");
  assert_string_equal(chi_status_text(CHI_N_STATUS), "unknown status");
}

static void test_message(void **state)
{
  (void)state;
  assert_int_equal(chi_fail(CHI_ERR_IO, "%s: %d", "file", 3), CHI_ERR_IO);
  assert_string_equal(chi_message(), "file: 3");
  /* the last message may be part of the next, and a line stays a line */
  chi_fail(CHI_ERR_INPUT, "a\nb\x1b[31m: %s", chi_message());
  assert_string_equal(chi_message(), "a b?[31m: file: 3");
  char large[3 * CHI_MESSAGE_MAX];
  memset(large, 'x', sizeof large - 1);
  large[sizeof large - 1] = '\0';
  chi_fail(CHI_ERR_INPUT, "%s", large);
  assert_int_equal(strlen(chi_message()), CHI_MESSAGE_MAX - 1);
}

static chi_status trying(chi_status s, int *after)
{
  CHI_TRY(s);
  *after = 1;
  return CHI_OK;
}

static void test_try(void **state)
{
  (void)state;
  int after = 0;
  assert_int_equal(trying(CHI_ERR_NUMERIC, &after), CHI_ERR_NUMERIC);
  assert_int_equal(after, 0);
  assert_int_equal(trying(CHI_OK, &after), CHI_OK);
  assert_int_equal(after, 1);
}

static void test_keep(void **state)
{
  (void)state;
  chi_kept kept;
  chi_keep(&kept, chi_fail(CHI_ERR_IO, "first: 100%%"));
  chi_fail(CHI_ERR_INPUT, "second");
  assert_int_equal(chi_keep_first(&kept, CHI_ERR_INPUT), CHI_ERR_IO);
  assert_string_equal(chi_message(), "first: 100%");
  assert_int_equal(chi_keep_first(&kept, CHI_OK), CHI_ERR_IO);
  chi_keep(&kept, CHI_OK);
  assert_int_equal(chi_keep_first(&kept, CHI_OK), CHI_OK);
  chi_fail(CHI_ERR_INPUT, "second");
  assert_int_equal(chi_keep_first(&kept, CHI_ERR_INPUT), CHI_ERR_INPUT);
  assert_string_equal(chi_message(), "second");
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_codes), cmocka_unit_test(test_message),
                                     cmocka_unit_test(test_try), cmocka_unit_test(test_keep)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
