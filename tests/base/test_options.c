/* Options from the command line, and what --help says of them. */
#include <stdio.h>

#include "cmocka_all.h"
#include "options_sample.h"

enum { MAX_ARGS = 20 };

/* Parse "bake ..." split at blanks; '_' stands for an empty argument. */
static chi_status parse(const char *line, chi_options **options, bool *help)
{
  static char words[512];
  char *argv[MAX_ARGS + 1], *save = NULL;
  int argc = 0;
  snprintf(words, sizeof words, "bake %s", line);
  for (char *w = strtok_r(words, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save)) {
    argv[argc++] = strcmp(w, "_") == 0 ? w + 1 : w;
    assert_true(argc <= MAX_ARGS);
  }
  argv[argc] = NULL;
  assert_int_equal(chi_options_create(&program, &commands[0], options), CHI_OK);
  return chi_options_parse(*options, argc, argv, help);
}

static chi_options *accept(const char *line)
{
  chi_options *o;
  bool help;
  if (parse(line, &o, &help) != CHI_OK) fail_msg("`%s`: %s", line, chi_message());
  assert_false(help);
  return o;
}

static void refuse(const char *line, const char *why)
{
  chi_options *o;
  bool help;
  if (parse(line, &o, &help) != CHI_ERR_USAGE) fail_msg("`%s` was not refused", line);
  assert_contains(chi_message(), why);
  chi_options_destroy(&o);
  assert_null(o);
}

static void test_defaults(void **state)
{
  (void)state;
  int n;
  chi_options *o = accept("plum");
  assert_int_equal(chi_opt_int(o, "eggs"), 3);
  assert_true(chi_opt_real(o, "heat") == 180.5);
  const double *layers = chi_opt_reals(o, "layers", &n);
  assert_int_equal(n, 2);
  assert_true(layers[0] == 0.1 && layers[1] == 1e5);
  assert_int_equal(chi_opt_int(o, "tin"), 2048);
  assert_string_equal(chi_opt_text(o, "icing"), "none");
  assert_null(chi_opt_text(o, "name"));
  assert_false(chi_opt_flag(o, "vegan"));
  assert_false(chi_opt_given(o, "eggs"));
  assert_string_equal(chi_opt_argument(o, 0), "plum");
  chi_options_destroy(&o);
}

static void test_line(void **state)
{
  (void)state;
  int n;
  chi_options *o =
      accept("--eggs 4 plum -n Ann --heat=-0 --layers 5,0.5,1e2 --tin 3G --icing pink -v -e 5");
  assert_int_equal(chi_opt_int(o, "eggs"), 5);
  const double *layers = chi_opt_reals(o, "layers", &n);
  assert_int_equal(n, 3);
  assert_true(layers[0] == 5 && layers[1] == 0.5 && layers[2] == 100);
  assert_int_equal(chi_opt_int(o, "tin"), INT64_C(3) << 30);
  assert_string_equal(chi_opt_text(o, "icing"), "pink");
  assert_string_equal(chi_opt_text(o, "name"), "Ann");
  assert_true(chi_opt_flag(o, "vegan"));
  assert_true(chi_opt_given(o, "vegan"));
  assert_string_equal(chi_opt_argument(o, 0), "plum");
  chi_options_destroy(&o);
  o = accept("--vegan --vegan=false -- --plum");
  assert_false(chi_opt_flag(o, "vegan"));
  assert_string_equal(chi_opt_argument(o, 0), "--plum");
  chi_options_destroy(&o);
}

static void test_refusals(void **state)
{
  (void)state;
  refuse("plum --egs 4", "unknown option --egs; the nearest is --eggs");
  refuse("plum --egs=4", "unknown option --egs; the nearest is --eggs");
  refuse("plum --forks 4", "unknown option --forks"); /* another command's */
  refuse("plum --he 4", "ambiguous");                 /* --heat or --help */
  refuse("plum -x", "unknown option -x");
  refuse("plum -vx", "unknown option -x");
  refuse("plum --eggs", "--eggs needs a value");
  refuse("plum -e", "-e needs a value");
  refuse("plum --help=3", "--help takes no value");
  refuse("plum pear", "too many arguments: `pear`");
  refuse("", "too few arguments; usage: chiasm bake CAKE");
  refuse("_", "empty argument");
  refuse("plum --vegan=maybe", "neither true nor false");
  refuse("plum --icing blue", "--icing: `blue` is none of none|pink|white");
  refuse("plum --icing no", "`no` is none of");
  refuse("plum --name _", "--name: empty value");
  refuse("plum --name a\xc2\x9b", "has control characters or is no UTF-8");
  refuse("plum --name a\xff", "has control characters or is no UTF-8");
}

static void test_numbers(void **state)
{
  (void)state;
  static const char *const no_int[] = {
      "_", "3x", "3.0", "0x3", "1e1", "nan", "99999999999999999999"};
  static const char *const no_real[] = {"_", "1,5", "inf", "nan", "0x10", "1e999", "1e", "-"};
  static const char *const no_bytes[] = {"_", "4X", "4KB", "-1", "1.5G", "+4", "K", "9999999999T"};
  char line[80];
  for (size_t i = 0; i < sizeof no_int / sizeof *no_int; i++) {
    snprintf(line, sizeof line, "plum --eggs %s", no_int[i]);
    refuse(line, "is no whole number");
  }
  for (size_t i = 0; i < sizeof no_real / sizeof *no_real; i++) {
    snprintf(line, sizeof line, "plum --heat %s", no_real[i]);
    refuse(line, "is no number");
  }
  for (size_t i = 0; i < sizeof no_bytes / sizeof *no_bytes; i++) {
    snprintf(line, sizeof line, "plum --tin %s", no_bytes[i]);
    refuse(line, "is no size");
  }
  refuse("plum --eggs 13", "--eggs: 13 is not between 1 and 12");
  refuse("plum --eggs -1", "--eggs: -1 is not between 1 and 12");
  refuse("plum --heat 300.1", "not between 0 and 300");
  refuse("plum --layers 1,,2", "`` is no number");
  refuse("plum --layers 1,", "`` is no number");
  refuse("plum --layers 1,0", "0 is not between 0.001 and 1000000");
  refuse("plum --layers 1;2", "`1;2` is no number");
  refuse("plum --layers 11111111111111111111111111111111111111111111111111111111111111111111111111",
         "is no number");
}

static void test_help(void **state)
{
  (void)state;
  static const char *const lines[] = {"--help", "--egs --help", "-h", "plum pear --help"};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    chi_options *o;
    bool help;
    assert_int_equal(parse(lines[i], &o, &help), CHI_OK);
    assert_true(help);
    chi_options_destroy(&o);
  }
  chi_text text = {0};
  chi_options *o;
  assert_int_equal(chi_options_create(&program, &commands[0], &o), CHI_OK);
  chi_options_help(o, &text);
  chi_options_destroy(&o);
  assert_contains(text.s, "Usage: chiasm bake [OPTION]... CAKE\nBake a cake.\n\nOptions:\n");
  assert_contains(text.s, "  -e, --eggs=N          Eggs. (1 to 12; default: 3)\n");
  assert_contains(text.s, "      --heat=X          Heat. (degrees; 0 to 300; default: 180.5)\n");
  assert_contains(text.s,
                  "      --icing=none|pink|white\n                        Icing. (default:");
  assert_contains(text.s, "  -n, --name=NAME       Name.\n");
  assert_contains(text.s, "  -v, --vegan           Vegan.\n");
  assert_contains(text.s, "\nA paragraph.\n");
  assert_null(strstr(text.s, "forks"));
  chi_text_free(&text);
}

static void test_distance(void **state)
{
  (void)state;
  assert_int_equal(chi_edit_distance("folds", "folds"), 0);
  assert_int_equal(chi_edit_distance("flods", "folds"), 1);
  assert_int_equal(chi_edit_distance("fold", "folds"), 1);
  assert_int_equal(chi_edit_distance("", "folds"), 5);
  assert_int_equal(chi_edit_distance("kitten", "sitting"), 3);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_defaults), cmocka_unit_test(test_line), cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_numbers),  cmocka_unit_test(test_help), cmocka_unit_test(test_distance),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
