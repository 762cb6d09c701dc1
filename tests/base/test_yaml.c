#include "base/yaml.h"

#include <stdlib.h>

#include "cmocka_all.h"

static chi_yaml *read_text(const char *text)
{
  chi_yaml *yaml;
  if (chi_yaml_read(text, "f.yaml", &yaml) != CHI_OK) fail_msg("`%s`: %s", text, chi_message());
  return yaml;
}

static void refuse(const char *text, const char *why)
{
  chi_yaml *yaml;
  if (chi_yaml_read(text, "f.yaml", &yaml) != CHI_ERR_INPUT) fail_msg("`%s` is accepted", text);
  assert_null(yaml);
  assert_contains(chi_message(), "f.yaml: ");
  assert_contains(chi_message(), why);
}

static void test_walk(void **state)
{
  (void)state;
  chi_yaml *y = read_text("# a comment\ntitle: A film\nlist: [1, two]\nmap:\n  key: 'x'\nmap: 2\n");
  const yaml_node_t *root = chi_yaml_root(y), *list = chi_yaml_get(y, root, "list");
  assert_string_equal(chi_yaml_scalar(chi_yaml_get(y, root, "title")), "A film");
  assert_int_equal(chi_yaml_line(chi_yaml_get(y, root, "title")), 2);
  assert_int_equal(list->type, YAML_SEQUENCE_NODE);
  const yaml_node_item_t *item = list->data.sequence.items.start;
  assert_string_equal(chi_yaml_scalar(chi_yaml_node(y, item[1])), "two");
  /* of two keys the first; through what is not there */
  assert_string_equal(chi_yaml_scalar(chi_yaml_get(y, chi_yaml_get(y, root, "map"), "key")), "x");
  assert_null(chi_yaml_get(y, chi_yaml_get(y, root, "none"), "key"));
  assert_null(chi_yaml_get(y, list, "1"));
  assert_null(chi_yaml_scalar(list));
  assert_null(chi_yaml_scalar(NULL));
  chi_yaml_free(&y);
  assert_null(y);
  chi_yaml_free(&y);
}

static void test_scalars(void **state)
{
  (void)state;
  chi_yaml *y = read_text("{a: , b: ~, c: null, d: '', e: 'null', f: \"x\\0y\", 1: 2, [k]: 3}");
  const yaml_node_t *root = chi_yaml_root(y);
  static const char *const missing[] = {"a", "b", "c", "f"};
  for (int i = 0; i < 4; i++) {
    assert_non_null(chi_yaml_get(y, root, missing[i]));
    assert_null(chi_yaml_scalar(chi_yaml_get(y, root, missing[i])));
    assert_int_equal(chi_yaml_is_null(chi_yaml_get(y, root, missing[i])), i < 3);
  }
  assert_string_equal(chi_yaml_scalar(chi_yaml_get(y, root, "d")), "");
  assert_string_equal(chi_yaml_scalar(chi_yaml_get(y, root, "e")), "null");
  assert_string_equal(chi_yaml_scalar(chi_yaml_get(y, root, "1")), "2");
  assert_null(chi_yaml_get(y, root, "k"));
  chi_yaml_free(&y);
}

static void test_json(void **state)
{
  (void)state;
  chi_yaml *y = read_text("{\"wall_s\": 1.5, \"path\": \"a\\\"b\", \"none\": null}\n");
  assert_string_equal(chi_yaml_scalar(chi_yaml_get(y, chi_yaml_root(y), "wall_s")), "1.5");
  assert_string_equal(chi_yaml_scalar(chi_yaml_get(y, chi_yaml_root(y), "path")), "a\"b");
  assert_null(chi_yaml_scalar(chi_yaml_get(y, chi_yaml_root(y), "none")));
  chi_yaml_free(&y);
}

static void test_empty(void **state)
{
  (void)state;
  static const char *const texts[] = {"", "\n\n", "# nothing\n"};
  for (int i = 0; i < 3; i++) {
    chi_yaml *y = read_text(texts[i]);
    assert_null(chi_yaml_root(y));
    chi_yaml_free(&y);
  }
}

static void test_bad(void **state)
{
  (void)state;
  refuse("a: 1\nb: [1, 2\n", "line 3: no valid YAML");
  refuse("a: *nobody\n", "line 1: no valid YAML");
  refuse("a\xff: 1\n", "no valid YAML");
  refuse("\ta: 1\n", "no valid YAML");
  refuse("a: 1\n---\nb: 2\n", "line 2: a second document");
}

/* Files made to harm: deep, exploding, long. */
static void test_malice(void **state)
{
  (void)state;
  static char deep[200000];
  memset(deep, '[', sizeof deep - 1);
  refuse(deep, "line 1: nested more than 32 deep");
  deep[33] = '\0';
  refuse(deep, "nested more than 32 deep");
  memset(deep + 32, ']', 32);
  deep[64] = '\0';
  chi_yaml *y = read_text(deep);
  chi_yaml_free(&y);
  y = read_text("a: &a [x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b]\n");
  chi_yaml_free(&y); /* nodes are shared, not multiplied */
  char *large = malloc(CHI_YAML_MAX + 2);
  assert_non_null(large);
  memset(large, '#', CHI_YAML_MAX + 1);
  large[CHI_YAML_MAX + 1] = '\0';
  refuse(large, "over 1048576 bytes");
  large[CHI_YAML_MAX] = '\0';
  y = read_text(large);
  chi_yaml_free(&y);
  free(large);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_walk), cmocka_unit_test(test_scalars),
                                     cmocka_unit_test(test_json), cmocka_unit_test(test_empty),
                                     cmocka_unit_test(test_bad),  cmocka_unit_test(test_malice)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
