/* Options from YAML files, and written to them. */
#include <stdlib.h>

#include "cmocka_all.h"
#include "options_sample.h"

static chi_options *defaults(void)
{
  chi_options *o;
  assert_int_equal(chi_options_create(&program, &commands[0], &o), CHI_OK);
  return o;
}

static chi_status read_yaml(chi_options *o, const char *text)
{
  return chi_options_read_yaml(o, text, "f.yaml", "title,guests");
}

static void accept(chi_options *o, const char *text)
{
  if (read_yaml(o, text) != CHI_OK) fail_msg("`%s`: %s", text, chi_message());
}

static void refuse(const char *text, const char *why)
{
  chi_options *o = defaults();
  if (read_yaml(o, text) != CHI_ERR_INPUT) fail_msg("`%s` was not refused", text);
  assert_contains(chi_message(), why);
  assert_contains(chi_message(), "f.yaml");
  chi_options_destroy(&o);
}

static void test_values(void **state)
{
  (void)state;
  int n;
  chi_options *o = defaults();
  accept(o,
         "title: A cake\n"
         "guests: {Ann: [1, {2: 3}]}\n"
         "options:\n  eggs: 4\n  layers: [5, 0.5]\n  forks: 2\n  name: [a, 'b*']\n"
         "bake: {tin: 1M, vegan: true, icing: \"pink\"}\n"
         "eat: {forks: 3}\n");
  assert_int_equal(chi_opt_int(o, "eggs"), 4);
  assert_int_equal(chi_opt_int(o, "tin"), 1 << 20);
  assert_true(chi_opt_flag(o, "vegan"));
  assert_string_equal(chi_opt_text(o, "icing"), "pink");
  assert_string_equal(chi_opt_text(o, "name"), "a,b*");
  assert_true(chi_opt_reals(o, "layers", &n)[1] == 0.5);
  assert_int_equal(n, 2);
  assert_true(chi_opt_given(o, "eggs"));
  assert_false(chi_opt_given(o, "heat"));
  chi_options_destroy(&o);
}

/* The command line, then the file read first, and in a file the command's section. */
static void test_strength(void **state)
{
  (void)state;
  char *argv[] = {"bake", "plum", "--eggs", "7", NULL};
  bool help;
  chi_options *o = defaults();
  assert_int_equal(chi_options_parse(o, 4, argv, &help), CHI_OK);
  accept(o, "options: {eggs: 8, heat: 1, bake: {heat: 2}, tin: 5}\n");
  accept(o, "bake: {eggs: 9, heat: 3, tin: 6}\noptions: {icing: white}\n");
  assert_int_equal(chi_opt_int(o, "eggs"), 7);
  assert_true(chi_opt_real(o, "heat") == 2);
  assert_int_equal(chi_opt_int(o, "tin"), 5);
  assert_string_equal(chi_opt_text(o, "icing"), "white");
  chi_options_destroy(&o);
}

static void test_nothing(void **state)
{
  (void)state;
  static const char *const texts[] = {"", "\n# only a comment\n", "---\n", "options:\n",
                                      "options: ~\nbake: {}\n"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    chi_options *o = defaults();
    accept(o, texts[i]);
    assert_false(chi_opt_given(o, "eggs"));
    chi_options_destroy(&o);
  }
}

static void test_keys(void **state)
{
  (void)state;
  refuse("title: x\nbaek: {eggs: 3}\n", "line 2: unknown key `baek`; the nearest is `bake`");
  refuse("tilte: x\n", "the nearest is `title`");
  refuse("optoins: {}\n", "the nearest is `options`");
  refuse("options: {egs: 3}\n", "unknown key `egs`; the nearest is `eggs`");
  refuse("options: {eaat: {}}\n", "the nearest is `eat`");
  refuse("bake:\n  eggs: 3\n  forks: 1\n", "line 3: unknown key `forks`");
  refuse("eat: {forsk: 1}\n", "the nearest is `forks`"); /* checked, though not run */
  refuse("bake: {eggs: 3, eggs: 4}\n", "key `eggs` a second time");
  refuse("bake: {eggs: 3}\nbake: {heat: 4}\n", "line 2: key `bake` a second time");
  refuse("title: a\ntitle: b\n", "key `title` a second time");
  refuse("bake: {[a]: 3}\n", "key: expected one value");
  refuse("bake: {fit: {}}\n", "unknown key `fit`");
}

static void test_forms(void **state)
{
  (void)state;
  refuse("- a\n- b\n", "expected `key: value` lines");
  refuse("bake: 3\n", "expected `key: value` lines");
  refuse("bake: {eggs: [3]}\n", "eggs: expected one value");
  refuse("bake: {eggs: {a: 3}}\n", "eggs: expected one value");
  refuse("bake: {eggs: }\n", "eggs: expected one value");
  refuse("bake: {layers: []}\n", "layers");
  refuse("bake: {layers: [[1]]}\n", "layers: expected one value");
  refuse("bake: {name: \"a\\0b\"}\n", "NUL");
  refuse("bake:\n  eggs: 3\n  heat: hot\n", "line 3: heat: `hot` is no number");
  refuse("bake: {eggs: 13}\n", "eggs: 13 is not between 1 and 12");
  refuse("bake: {vegan: yes}\n", "neither true nor false");
  refuse("eat: {forks: 99}\n", "forks: 99 is not between");
  refuse("bake: {eggs: 3\n", "no valid YAML");
  refuse("a: *b\n", "no valid YAML");
  refuse("a\xff\xfe: 1\n", "no valid YAML");
  refuse("bake: {eggs: 3}\n---\nbake: {eggs: 4}\n", "second document");
}

/* Files made to harm: deep, self-referring, exploding, long. */
static void test_malice(void **state)
{
  (void)state;
  static char deep[200000];
  memset(deep, '[', sizeof deep - 1);
  memcpy(deep, "guests: ", 8);
  refuse(deep, "nested more than");
  memset(deep + 8, '{', sizeof deep - 9);
  refuse(deep, "nested more than");
  refuse("options: &a\n  bake: *a\n", "unknown key `bake`");
  refuse("&a {options: *a}\n", "unknown key `options`");
  refuse("guests: &a [x]\nbake: {layers: [*a, *a]}\n", "layers: expected one value");
  chi_options *o = defaults();
  accept(o,
         "guests:\n  a: &a [x,x,x,x,x,x,x,x,x]\n  b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
         "  c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n  d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
         "  e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n  f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"
         "  g: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n  h: &h [*g,*g,*g,*g,*g,*g,*g,*g,*g]\n");
  chi_options_destroy(&o);
  char *large = malloc(1100000);
  assert_non_null(large);
  memset(large, '#', 1099999);
  large[1099999] = '\0';
  refuse(large, "no file of options is so long");
  free(large);
}

static void test_write(void **state)
{
  (void)state;
  int n;
  chi_text text = {0}, again = {0};
  chi_options *o = defaults(), *copy = defaults();
  chi_options_write_yaml(o, &commands[0], &text);
  assert_string_equal(text.s,
                      "bake:\n  eggs: 3\n  heat: 180.5\n  layers: [0.1, 100000]\n"
                      "  tin: 2048\n  icing: \"none\"\n  vegan: false\n");
  chi_text_free(&text);
  accept(o,
         "bake: {eggs: 5, heat: 0.30000000000000004, layers: [3.3333333333333335, 1e-3], "
         "name: \"a: '*' \\\"#\\\\\", vegan: true, fast: true}\n");
  chi_options_write_yaml(o, &commands[0], &text);
  accept(copy, text.s);
  chi_options_write_yaml(copy, &commands[0], &again);
  assert_string_equal(text.s, again.s);
  assert_true(chi_opt_real(copy, "heat") == 0.30000000000000004);
  assert_true(chi_opt_reals(copy, "layers", &n)[0] == 3.3333333333333335);
  assert_string_equal(chi_opt_text(copy, "name"), "a: '*' \"#\\");
  assert_false(chi_opt_flag(copy, "fast")); /* not stored */
  chi_text_free(&text);
  chi_text_free(&again);
  chi_options_destroy(&o);
  chi_options_destroy(&copy);
}

/* A command made of others takes their sections as far as it has their options, and writes them. */
static void test_parts(void **state)
{
  (void)state;
  chi_text text = {0};
  chi_options *o = NULL;
  assert_int_equal(chi_options_create(&program, &commands[2], &o), CHI_OK);
  accept(o, "bake: {eggs: 7, heat: 20}\neat: {forks: 4}\n");
  assert_int_equal(chi_opt_int(o, "eggs"), 7);
  chi_options_write_yaml(o, &commands[0], &text);
  assert_string_equal(text.s, "bake:\n  eggs: 7\n");
  chi_text_free(&text);
  chi_options_destroy(&o);
  o = defaults();
  accept(o, "feast: {eggs: 9}\neat: {forks: 4}\n"); /* not the other way round */
  assert_int_equal(chi_opt_int(o, "eggs"), 3);
  chi_options_destroy(&o);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_values),  cmocka_unit_test(test_strength),
      cmocka_unit_test(test_nothing), cmocka_unit_test(test_keys),
      cmocka_unit_test(test_forms),   cmocka_unit_test(test_malice),
      cmocka_unit_test(test_parts),   cmocka_unit_test(test_write),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
