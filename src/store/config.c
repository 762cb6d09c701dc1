#include "store/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/yaml.h"
#include "chiasm/run.h"
#include "store/folder.h"

typedef struct chi_entry {
  char *key;   /* "fit.folds" */
  char *value; /* lists as "[1, 2]" */
} chi_entry;

typedef struct chi_entries {
  int64_t n, room;
  chi_entry *item;
} chi_entries;

static void entries_free(chi_entries *entries)
{
  for (int64_t i = 0; i < entries->n; i++) {
    free(entries->item[i].key);
    free(entries->item[i].value);
  }
  chi_free(entries->item);
  *entries = (chi_entries){0};
}

/* Takes over the two strings, also where it fails. */
static chi_status entries_add(chi_entries *entries, char *key, char *value)
{
  const bool failed = key == NULL || value == NULL ||
                      chi_grow(&entries->item, &entries->room, entries->n + 1,
                               sizeof *entries->item, "options") != CHI_OK;
  if (failed) {
    free(key);
    free(value);
    return chi_fail(CHI_ERR_MEMORY, "config.yaml: no memory to compare it");
  }
  entries->item[entries->n++] = (chi_entry){key, value};
  return CHI_OK;
}

/* A value as text, or a list of them; NULL where memory ran out. The caller frees it. */
static char *value_text(const chi_yaml *yaml, const yaml_node_t *node)
{
  const char *item = chi_yaml_scalar(node);
  if (node->type != YAML_SEQUENCE_NODE) return strdup(item == NULL ? "" : item);
  chi_text text = {0};
  chi_text_add(&text, "[");
  for (const yaml_node_item_t *i = node->data.sequence.items.start;
       i < node->data.sequence.items.top; i++) {
    item = chi_yaml_scalar(chi_yaml_node(yaml, *i));
    chi_text_add(&text, "%s%s", i == node->data.sequence.items.start ? "" : ", ",
                 item == NULL ? "..." : item);
  }
  chi_text_add(&text, "]");
  if (text.failed) chi_text_free(&text);
  return text.s; /* made by malloc: the caller frees it */
}

/* The options of one mapping; a mapping inside is a command's section, and there are no more
 * levels. */
static chi_status flatten(const chi_yaml *yaml, const yaml_node_t *mapping, const char *section,
                          chi_entries *entries)
{
  for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
       pair < mapping->data.mapping.pairs.top; pair++) {
    const char *name = chi_yaml_scalar(chi_yaml_node(yaml, pair->key));
    const yaml_node_t *node = chi_yaml_node(yaml, pair->value);
    if (name == NULL) name = "...";
    if (node->type == YAML_MAPPING_NODE) {
      if (section[0] != '\0')
        return chi_fail(CHI_ERR_INPUT, "%s: %s holds options of options", section, name);
      CHI_TRY(flatten(yaml, node, name, entries));
      continue;
    }
    chi_text key = {0};
    chi_text_add(&key, "%s%s%s", section, section[0] != '\0' ? "." : "", name);
    if (key.failed) chi_text_free(&key);
    CHI_TRY(entries_add(entries, key.s, value_text(yaml, node)));
  }
  return CHI_OK;
}

static chi_status parse(const char *text, chi_entries *entries)
{
  chi_yaml *yaml = NULL;
  CHI_TRY(chi_yaml_read(text, "the stored options", &yaml));
  const yaml_node_t *root = chi_yaml_root(yaml);
  chi_status s = CHI_OK;
  if (root != NULL && root->type == YAML_MAPPING_NODE)
    s = flatten(yaml, root, "", entries);
  else if (root != NULL)
    s = chi_fail(CHI_ERR_INPUT, "the stored options are no list of keys and values");
  chi_yaml_free(&yaml);
  return s;
}

static const char *find(const chi_entries *entries, const char *key)
{
  for (int64_t i = 0; i < entries->n; i++)
    if (strcmp(entries->item[i].key, key) == 0) return entries->item[i].value;
  return NULL;
}

static const char *short_name(const char *key)
{
  const char *dot = strchr(key, '.');
  return dot == NULL ? key : dot + 1;
}

/* The first difference of two sets of options; key NULL: none. */
typedef struct chi_difference {
  const char *key, *of_a, *of_b; /* a value of NULL: not set */
} chi_difference;

static chi_difference find_difference(const chi_entries *a, const chi_entries *b, const char *but)
{
  for (int64_t i = 0; i < a->n; i++) {
    const char *key = short_name(a->item[i].key), *other = find(b, a->item[i].key);
    if (but != NULL && strcmp(key, but) == 0) continue;
    if (other == NULL || strcmp(other, a->item[i].value) != 0)
      return (chi_difference){key, a->item[i].value, other};
  }
  for (int64_t i = 0; i < b->n; i++)
    if (find(a, b->item[i].key) == NULL &&
        (but == NULL || strcmp(short_name(b->item[i].key), but) != 0))
      return (chi_difference){short_name(b->item[i].key), NULL, b->item[i].value};
  return (chi_difference){0};
}

chi_status chi_config_compare(const char *where, const char *of_run, const char *of_now)
{
  const char *what_to_do = "take the run's options to go on with it, or --overwrite it";
  if (strcmp(of_run, of_now) == 0) return CHI_OK;
  chi_entries run = {0}, now = {0};
  chi_difference d = {0};
  chi_status s = parse(of_run, &run);
  if (s == CHI_OK) s = parse(of_now, &now);
  if (s == CHI_ERR_INPUT) s = chi_fail(s, "%s: config.yaml: %s", where, chi_message());
  if (s == CHI_OK) d = find_difference(&run, &now, NULL);
  if (d.key != NULL && d.of_b == NULL)
    s = chi_fail(CHI_ERR_USAGE, "%s: options differ: %s is %s in the run, not set now; %s", where,
                 d.key, d.of_a, what_to_do);
  else if (d.key != NULL)
    s = chi_fail(CHI_ERR_USAGE, "%s: options differ: %s is %s in the run, %s now; %s", where, d.key,
                 d.of_a == NULL ? "not set" : d.of_a, d.of_b, what_to_do);
  entries_free(&run);
  entries_free(&now);
  return s;
}

chi_status chi_config_compare_runs(const char *run_a, const char *text_a, const char *run_b,
                                   const char *text_b, const char *but, const char *advice)
{
  chi_entries a = {0}, b = {0};
  chi_difference d = {0};
  chi_status s = parse(text_a, &a);
  if (s == CHI_ERR_INPUT) s = chi_fail(s, "%s: %s", run_a, chi_message());
  if (s == CHI_OK && (s = parse(text_b, &b)) == CHI_ERR_INPUT)
    s = chi_fail(s, "%s: %s", run_b, chi_message());
  if (s == CHI_OK) d = find_difference(&a, &b, but);
  if (d.key != NULL)
    s = chi_fail(CHI_ERR_USAGE, "options differ: %s is %s in %s, %s in %s; %s", d.key,
                 d.of_a == NULL ? "not set" : d.of_a, run_a, d.of_b == NULL ? "not set" : d.of_b,
                 run_b, advice);
  entries_free(&a);
  entries_free(&b);
  return s;
}

/* Whether a key of the file's top level begins here, rather than something inside one. */
static bool begins_key(const char *line) { return strchr(" \t#\r\n-}]", line[0]) == NULL; }

/* Part a text into the lines of the top-level key `command` and the others. \param[in] section goes
 * to the others, in place of those lines or at the end; NULL: nothing does */
static void part_text(const char *text, const char *command, const char *section, chi_text *inside,
                      chi_text *outside)
{
  const size_t length = strlen(command);
  bool in = false;
  for (const char *line = text; line[0] != '\0';) {
    const size_t n = strcspn(line, "\n");
    if (begins_key(line)) {
      in = strncmp(line, command, length) == 0 && line[length] == ':';
      if (in && section != NULL) chi_text_add(outside, "%s", section);
      if (in) section = NULL;
    }
    chi_text_add(in ? inside : outside, "%.*s\n", (int)n, line);
    line += line[n] == '\0' ? n : n + 1;
  }
  if (section != NULL) chi_text_add(outside, "%s", section);
}

void chi_config_section(const char *text, const char *command, chi_text *out)
{
  chi_text others = {0};
  part_text(text, command, NULL, out, &others);
  chi_text_free(&others);
}

void chi_config_set(const char *text, const char *key, const char *value, chi_text *out)
{
  const size_t length = strlen(key);
  for (const char *line = text; line[0] != '\0';) {
    const size_t n = strcspn(line, "\n");
    if (strncmp(line, "  ", 2) == 0 && strncmp(line + 2, key, length) == 0 &&
        line[2 + length] == ':') {
      chi_text_add(out, "  %s: ", key);
      chi_text_add_quoted(out, value);
      chi_text_add(out, "\n");
    } else {
      chi_text_add(out, "%.*s\n", (int)n, line);
    }
    line += line[n] == '\0' ? n : n + 1;
  }
}

chi_status chi_config_value(const char *where, const char *text, const char *key, char **out)
{
  chi_entries entries = {0};
  *out = NULL;
  chi_status s = parse(text, &entries);
  if (s == CHI_ERR_INPUT) s = chi_fail(s, "%s: config.yaml: %s", where, chi_message());
  const char *value = find(&entries, key);
  if (s == CHI_OK && value != NULL) s = chi_strdup(value, out);
  entries_free(&entries);
  return s;
}

chi_status chi_config_selection(const char *where, const char *text, chi_selection *out)
{
  char *allow_missing = NULL, *subjects = NULL, *alignments = NULL, *layers = NULL;
  chi_status s = chi_config_value(where, text, "fit.subjects", &subjects);
  if (s == CHI_OK) s = chi_config_value(where, text, "fit.alignments", &alignments);
  if (s == CHI_OK) s = chi_config_value(where, text, "fit.layers", &layers);
  if (s == CHI_OK) s = chi_config_value(where, text, "fit.allow-missing", &allow_missing);
  out->subjects = subjects;
  out->alignments = alignments;
  out->layers = layers;
  out->allow_missing = allow_missing != NULL && strcmp(allow_missing, "true") == 0;
  chi_free(allow_missing);
  return s;
}

void chi_config_selection_free(chi_selection *selection)
{
  chi_free((void *)selection->subjects);
  chi_free((void *)selection->alignments);
  chi_free((void *)selection->layers);
}

chi_status chi_config_put(const char *run, const char *command, const char *section)
{
  char path[PATH_MAX], *old = NULL;
  chi_text text = {0}, older = {0};
  chi_entries entries = {0};
  CHI_TRY(chi_path_join(path, run, "config.yaml"));
  chi_status s = chi_run_folder_has(run, "config.yaml") ? chi_text_read(path, path, &old)
                                                        : chi_run_read_text(run, "config", &old);
  if (s != CHI_OK) goto cleanup;
  part_text(old, command, section, &older, &text);
  if (text.failed) s = chi_fail(CHI_ERR_MEMORY, "%s: no memory to write it", path);
  if (s == CHI_OK) s = parse(text.s, &entries);
  if (s == CHI_ERR_INPUT) s = chi_fail(s, "%s: %s", path, chi_message());
  if (s == CHI_OK) s = chi_file_write(run, "config.yaml", text.s, text.n);
cleanup:
  entries_free(&entries);
  chi_text_free(&text);
  chi_text_free(&older);
  chi_free(old);
  return s;
}
