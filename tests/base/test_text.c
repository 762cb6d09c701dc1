#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "cmocka_all.h"

static void test_add(void **state)
{
  (void)state;
  chi_text t = {0};
  chi_text_add(&t, "%s", "");
  for (int i = 0; i < 1000; i++) chi_text_add(&t, "%d,", i % 10);
  assert_false(t.failed);
  assert_int_equal(t.n, 2000);
  assert_int_equal(strlen(t.s), 2000);
  assert_string_equal(t.s + 1996, "8,9,");
  chi_text_free(&t);
  assert_null(t.s);
}

static void test_quoted(void **state)
{
  (void)state;
  chi_text t = {0};
  chi_text_add_quoted(&t, "a\"b\\c\n\x7f\xc3\xa9");
  assert_string_equal(t.s, "\"a\\\"b\\\\c\\u000a\\u007f\xc3\xa9\"");
  chi_text_free(&t);
}

static void test_clean(void **state)
{
  (void)state;
  static const struct {
    const char *text, *keep, *clean;
  } cases[] = {{"LA1 \u00e9\u05d0\U0001f9e0", "", "LA1 \u00e9\u05d0\U0001f9e0"},
               {"a\nb\tc\r\v\f", "", "a b c   "},
               {"a\nb\tc", "\n", "a\nb c"},
               {"\x1b[2J\x7f\b", "", "?[2J??"},
               {"\xc2\x9b"
                "2J \xc2\x85.",
                "", "??2J ??."},
               {"\u202ea\u2066\u200f\u061c\u2028", "",
                "???a????????"
                "???"},
               {"\u200b\u2030\u2060", "", "\u200b\u2030\u2060"},
               {"\xff\xc3", "", "??"},
               {"\xed\xa0\x80\xf4\x90\x80\x80", "", "???????"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[64];
    snprintf(text, sizeof text, "%s", cases[i].text);
    chi_text_clean(text, cases[i].keep);
    assert_string_equal(text, cases[i].clean);
  }
  chi_text t = {0};
  chi_text_add(&t, "a\n");
  chi_text_add_line(&t, "%s", "b\nmodels 9\xc2\x9b");
  chi_text_add_line(&t, "%s", "");
  assert_string_equal(t.s, "a\nb models 9??\n\n");
  chi_text_free(&t);
  chi_fail(CHI_ERR_INPUT, "%s",
           "\u202e"
           "5h.\n\xc2\x9b");
  assert_string_equal(chi_message(), "???5h. ??");
}

static void test_csv(void **state)
{
  (void)state;
  static const char *const cases[][2] = {{"LA1", "LA1"},        {"", ""},      {"a,b", "\"a,b\""},
                                         {"a\"", "\"a\"\"\""},  {"=1", "'=1"}, {"-", "'-"},
                                         {"+a,b", "\"'+a,b\""}, {"@x", "'@x"}, {"\t=1", "'\t=1"},
                                         {"''=1", "'''=1"},     {"'", "'"},    {"A'1", "A'1"},
                                         {"'A1", "'A1"},        {"1-2", "1-2"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    chi_text t = {0};
    chi_text_add_csv(&t, cases[i][0]);
    assert_string_equal(t.s, cases[i][1]);
    if (t.s[0] != '"') assert_string_equal(chi_csv_plain(t.s), cases[i][0]);
    chi_text_free(&t);
  }
}

static void test_names(void **state)
{
  (void)state;
  char longest[202];
  memset(longest, 'a', 201);
  longest[201] = '\0';
  assert_true(chi_name_ok("sub-01_A", false));
  assert_true(chi_name_ok("slip.v2", true));
  assert_false(chi_name_ok("slip.v2", false));
  static const char *const bad[] = {"", ".", "..", "a/b", "a b", "\xc3\xa9", "a\n"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(chi_name_ok(bad[i], true));
  assert_false(chi_name_ok(longest, true));
  assert_true(chi_name_ok(longest + 1, true));
}

static void test_patterns(void **state)
{
  (void)state;
  assert_true(chi_name_fits(NULL, "a"));
  assert_true(chi_name_fits("", "a"));
  assert_true(chi_name_fits("*", "a"));
  assert_true(chi_name_fits("slip*,blip", "slip-combo"));
  assert_true(chi_name_fits("slip*,blip", "blip"));
  assert_false(chi_name_fits("slip*,blip", "blip2"));
  assert_true(chi_name_fits("[ab]?", "b1"));
  assert_false(chi_name_fits("a,b", "a,b"));
}

static void write_file(const char *path, const char *bytes, size_t n)
{
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  assert_int_equal(fwrite(bytes, 1, n, f), n);
  fclose(f);
}

static void test_read(void **state)
{
  (void)state;
  char folder[] = "/tmp/chiasm-text-XXXXXX", path[64];
  char *text = NULL;
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/file", folder);
  assert_int_equal(chi_text_read(path, "file", &text), CHI_ERR_INPUT);
  assert_null(text);
  write_file(path, "folds: 5\n", 9);
  assert_int_equal(chi_text_read(path, "file", &text), CHI_OK);
  assert_string_equal(text, "folds: 5\n");
  chi_free(text);
  write_file(path, "a\0b", 3);
  assert_int_equal(chi_text_read(path, "file", &text), CHI_ERR_INPUT);
  assert_non_null(strstr(chi_message(), "NUL"));
  assert_int_equal(truncate(path, CHI_TEXT_FILE_MAX + 1), 0);
  assert_int_equal(chi_text_read(path, "file", &text), CHI_ERR_INPUT);
  assert_int_equal(unlink(path), 0);
  /* nobody writes into the pipe: refused, not waited for */
  assert_int_equal(mkfifo(path, 0600), 0);
  assert_int_equal(chi_text_read(path, "file", &text), CHI_ERR_INPUT);
  assert_non_null(strstr(chi_message(), "regular"));
  assert_int_equal(unlink(path), 0);
  assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_add),   cmocka_unit_test(test_quoted),
                                     cmocka_unit_test(test_clean), cmocka_unit_test(test_csv),
                                     cmocka_unit_test(test_names), cmocka_unit_test(test_patterns),
                                     cmocka_unit_test(test_read)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
