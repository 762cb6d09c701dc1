#include "base/table.h"

#include <math.h>

#include "cmocka_all.h"

static void expect(chi_table *table, const char *wanted)
{
  chi_text out = {0};
  chi_text_add(&out, "before\n");
  chi_table_end(table, &out);
  assert_false(out.failed);
  assert_memory_equal(out.s, "before\n", 7);
  assert_string_equal(out.s + 7, wanted);
  assert_null(table->lines.s);
  chi_text_free(&out);
}

static void test_columns(void **state)
{
  (void)state;
  chi_table t;
  chi_table_begin(&t, "model\t>sites\tregion\t>r");
  chi_table_row(&t, "%s\t%d\t%s\t%.2f", "slip-combo", 7, "STG", 0.5);
  chi_table_row(&t, "%s\t%d\t%s\t%.2f", "gpt", 1234567, "", -0.125);
  chi_table_row(&t, "all\t8");
  chi_table_row(&t, "%s", "");
  expect(&t,
         "model         sites  region      r\n"
         "slip-combo        7  STG      0.50\n"
         "gpt         1234567          -0.12\n"
         "all               8\n"
         "\n");
}

static void test_heads(void **state)
{
  (void)state;
  chi_table t;
  chi_table_begin(&t, "name\t>n");
  expect(&t, "name  n\n");
  chi_table_begin(&t, "\tstage\t>time");
  chi_table_row(&t, "\tfit\t1 s");
  expect(&t, "  stage  time\n  fit     1 s\n");
  chi_table_begin(&t, "\t\t>");
  chi_table_row(&t, "\tfit\t1 s");
  chi_table_row(&t, "\tbootstrap\t10 s");
  expect(&t, "  fit         1 s\n  bootstrap  10 s\n");
  chi_table_begin(&t, "");
  chi_table_row(&t, "alone");
  expect(&t, "alone\n");
}

/* Names of people's files: what would break the lines does not. */
static void test_control_characters(void **state)
{
  (void)state;
  chi_table t;
  chi_table_begin(&t, "a\tb");
  chi_table_row(&t, "x\ny\tone\ttwo\r3");
  expect(&t, "a    b\nx y  one two 3\n");
}

static void test_cell(void **state)
{
  (void)state;
  char room[CHI_CELL];
  assert_string_equal(chi_cell(room, "%.2f", 1.0 / 3), "0.33");
  assert_string_equal(chi_cell(room, "%.1f %%", 12.345), "12.3 %");
  assert_string_equal(chi_cell(room, "%.2f", NAN), "-");
  assert_string_equal(chi_cell(room, "%g", INFINITY), "inf");
}

static void test_no_memory(void **state)
{
  (void)state;
  chi_text out = {0};
  chi_table t;
  chi_table_begin(&t, "a");
  t.lines.failed = true; /* as a failed allocation leaves it */
  chi_table_row(&t, "x");
  chi_table_end(&t, &out);
  assert_true(out.failed);
  chi_text_free(&out);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_columns), cmocka_unit_test(test_heads),
                                     cmocka_unit_test(test_control_characters),
                                     cmocka_unit_test(test_cell), cmocka_unit_test(test_no_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
