/* Options from YAML and to it. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/options_private.h"
#include "base/yaml.h"

/** What the functions below need of one reading. */
typedef struct chi_reading {
  chi_options *options;
  const chi_command *commands;
  int n_commands;
  const char *where, *others;
  const chi_yaml *yaml;
} chi_reading;

/* What a mapping holds: anything, one command's options, or those of all. */
typedef enum section { SECTION_TOP, SECTION_BARE, SECTION_OWN, SECTION_OTHER } section;

static chi_status scalar_of(const chi_reading *r, const yaml_node_t *node, const char *what,
                            const char **text)
{
  *text = chi_yaml_scalar(node);
  if (*text != NULL) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: line %zu: %s: expected one value, without NUL bytes",
                  r->where, chi_yaml_line(node), what);
}

/* A value as the command line would have it: the items of a list parted by commas. */
static chi_status value_text(const chi_reading *r, const chi_option *option,
                             const yaml_node_t *node, chi_text *out)
{
  const char *item;
  const bool list = option->type == CHI_OPT_REALS || option->type == CHI_OPT_TEXT;
  if (node->type != YAML_SEQUENCE_NODE || !list) {
    CHI_TRY(scalar_of(r, node, option->name, &item));
    chi_text_add(out, "%s", item);
    return CHI_OK;
  }
  const yaml_node_item_t *top = node->data.sequence.items.top;
  for (const yaml_node_item_t *i = node->data.sequence.items.start; i < top; i++) {
    CHI_TRY(scalar_of(r, chi_yaml_node(r->yaml, *i), option->name, &item));
    chi_text_add(out, "%s%s", out->n == 0 ? "" : ",", item);
  }
  return CHI_OK;
}

/* Understand a value; keep it if the option is `row` of the command run, and nothing stronger set
 * it. */
static chi_status take_value(const chi_reading *r, int row, bool keep, const yaml_node_t *node)
{
  chi_options *o = r->options;
  chi_text text = {0};
  chi_option_value value = {.given = false};
  chi_status s = value_text(r, &o->table[row], node, &text);
  if (s == CHI_OK && text.failed) s = chi_fail(CHI_ERR_MEMORY, "%s: no memory", r->where);
  if (s != CHI_OK) goto cleanup;
  s = chi_option_value_parse(&o->table[row], o->table[row].name, text.n == 0 ? "" : text.s, &value);
  if (s == CHI_ERR_USAGE)
    s = chi_fail(CHI_ERR_INPUT, "%s: line %zu: %s", r->where, chi_yaml_line(node), chi_message());
  if (s == CHI_OK && keep && !o->value[row].given) {
    chi_option_value_free(&o->value[row]);
    o->value[row] = value;
    o->value[row].given = true;
    value = (chi_option_value){.given = false};
  }
cleanup:
  chi_option_value_free(&value);
  chi_text_free(&text);
  return s;
}

static const chi_command *command_named(const chi_reading *r, const char *name)
{
  for (int i = 0; i < r->n_commands; i++)
    if (strcmp(r->commands[i].name, name) == 0) return &r->commands[i];
  return NULL;
}

/* Whether `name` is one of the comma-separated words. */
static bool among(const char *words, const char *name)
{
  const size_t n = strlen(name);
  for (const char *at = words; *at != '\0'; at += *at == ',') {
    const size_t m = strcspn(at, ",");
    if (m == n && strncmp(at, name, n) == 0) return true;
    at += m;
  }
  return false;
}

/* Among sections (at the top: and other people's keys), or options of `bits`, the one nearest to
 * `key`. */
static chi_status unknown_key(const chi_reading *r, section where, unsigned bits,
                              const yaml_node_t *node, const char *key)
{
  char best[80] = "options", word[80];
  int distance = chi_edit_distance(key, best);
  for (int i = 0; where <= SECTION_BARE && i < r->n_commands; i++) {
    if (chi_edit_distance(key, r->commands[i].name) >= distance) continue;
    distance = chi_edit_distance(key, r->commands[i].name);
    snprintf(best, sizeof best, "%s", r->commands[i].name);
  }
  for (const char *at = r->others; where == SECTION_TOP && *at != '\0'; at += *at == ',') {
    const int m = (int)strcspn(at, ",");
    snprintf(word, sizeof word, "%.*s", m, at);
    at += m;
    if (chi_edit_distance(key, word) >= distance) continue;
    distance = chi_edit_distance(key, word);
    snprintf(best, sizeof best, "%s", word);
  }
  if (where != SECTION_TOP) {
    const char *option = chi_option_nearest(r->options->table, r->options->n, bits, key);
    if (where != SECTION_BARE || chi_edit_distance(key, option) <= distance)
      snprintf(best, sizeof best, "%s", option);
  }
  return chi_fail(CHI_ERR_INPUT, "%s: line %zu: unknown key `%.60s`; the nearest is `%s`", r->where,
                  chi_yaml_line(node), key, best);
}

static chi_status read_mapping(const chi_reading *r, const yaml_node_t *node, section where,
                               unsigned bits, bool sections);

/* The row of an option that the commands of a section have and the command run has too, if that
 * section is its own, one of its parts' or everybody's; or -1. */
static int own_row(const chi_options *o, unsigned bits, const char *key)
{
  const unsigned own = o->command->bit;
  if ((bits & (own | o->command->parts)) == 0) return -1;
  for (int i = 0; i < o->n; i++)
    if ((o->table[i].commands & own) != 0 && (o->table[i].commands & bits) != 0 &&
        strcmp(o->table[i].name, key) == 0)
      return i;
  return -1;
}

/* A key that is an option's name. With the sections' turn bare options are looked at later. */
static chi_status take_option(const chi_reading *r, section where, unsigned bits, bool sections,
                              const yaml_node_t *key_node, const char *key,
                              const yaml_node_t *value)
{
  const chi_options *o = r->options;
  int row = own_row(o, bits, key);
  const bool own = row >= 0;
  if (!own) row = chi_option_find(o->table, o->n, bits, key);
  if (row < 0) return unknown_key(r, where, bits, key_node, key);
  if (where == SECTION_BARE && sections) return CHI_OK;
  return take_value(r, row, own, value);
}

static chi_status take_pair(const chi_reading *r, section where, unsigned bits, bool sections,
                            const yaml_node_pair_t *pair)
{
  const yaml_node_t *key_node = chi_yaml_node(r->yaml, pair->key);
  const yaml_node_t *value = chi_yaml_node(r->yaml, pair->value);
  const char *key;
  CHI_TRY(scalar_of(r, key_node, "key", &key));
  if (where == SECTION_TOP) {
    if (among(r->others, key)) return CHI_OK;
    if (strcmp(key, "options") == 0) return read_mapping(r, value, SECTION_BARE, ~0u, sections);
  }
  const chi_command *command = where <= SECTION_BARE ? command_named(r, key) : NULL;
  if (command != NULL && !sections) return CHI_OK; /* had its turn */
  if (command != NULL)
    return read_mapping(r, value,
                        command->bit == r->options->command->bit ? SECTION_OWN : SECTION_OTHER,
                        command->bit, sections);
  if (where == SECTION_TOP) return unknown_key(r, where, 0, key_node, key);
  return take_option(r, where, bits, sections, key_node, key, value);
}

/* Read a mapping's pairs. The file is gone through twice, sections first, since `fit: {folds: 4}`
 * holds against a bare `folds: 5` wherever it stands. */
static chi_status read_mapping(const chi_reading *r, const yaml_node_t *node, section where,
                               unsigned bits, bool sections)
{
  if (chi_yaml_is_null(node)) return CHI_OK;
  if (node->type != YAML_MAPPING_NODE)
    return chi_fail(CHI_ERR_INPUT, "%s: line %zu: expected `key: value` lines", r->where,
                    chi_yaml_line(node));
  const yaml_node_pair_t *start = node->data.mapping.pairs.start;
  for (const yaml_node_pair_t *p = start; p < node->data.mapping.pairs.top; p++) {
    CHI_TRY(take_pair(r, where, bits, sections, p));
    const yaml_node_t *key = chi_yaml_node(r->yaml, p->key);
    for (const yaml_node_pair_t *q = start; q < p; q++)
      if (strcmp(chi_yaml_scalar(chi_yaml_node(r->yaml, q->key)), chi_yaml_scalar(key)) == 0)
        return chi_fail(CHI_ERR_INPUT, "%s: line %zu: key `%.60s` a second time", r->where,
                        chi_yaml_line(key), chi_yaml_scalar(key));
  }
  return CHI_OK;
}

chi_status chi_options_read_yaml(chi_options *options, const chi_command *commands, int n,
                                 const char *text, const char *where, const char *others)
{
  chi_yaml *yaml;
  CHI_TRY(chi_yaml_read(text, where, &yaml));
  const chi_reading r = {options, commands, n, where, others, yaml};
  const yaml_node_t *root = chi_yaml_root(yaml);
  chi_status s = CHI_OK;
  if (root != NULL) s = read_mapping(&r, root, SECTION_TOP, 0, true);
  if (root != NULL && s == CHI_OK) s = read_mapping(&r, root, SECTION_TOP, 0, false);
  chi_yaml_free(&yaml);
  return s;
}

/* In YAML, or as the shell takes it. */
static void write_value(const chi_option *option, const chi_option_value *value, bool yaml,
                        chi_text *out)
{
  char number[32];
  switch (option->type) {
    case CHI_OPT_FLAG:
      chi_text_add(out, "%s", value->flag ? "true" : "false");
      break;
    case CHI_OPT_INT:
    case CHI_OPT_BYTES:
      chi_text_add(out, "%lld", (long long)value->integer);
      break;
    case CHI_OPT_REAL:
      chi_real_format(value->real, number, sizeof number);
      chi_text_add(out, "%s", number);
      break;
    case CHI_OPT_REALS:
      for (int i = 0; i < value->n_reals; i++) {
        chi_real_format(value->reals[i], number, sizeof number);
        chi_text_add(out, "%s%s", i > 0 ? (yaml ? ", " : ",") : yaml ? "[" : "", number);
      }
      if (yaml) chi_text_add(out, "]");
      break;
    case CHI_OPT_CHOICE:
    case CHI_OPT_TEXT:
      if (yaml)
        chi_text_add_quoted(out, value->text);
      else
        chi_text_add(out, "'%s'", value->text);
      break;
  }
}

static void write_stored(const chi_options *o, const chi_command *command, bool yaml, chi_text *out)
{
  for (int i = 0; i < o->n; i++) {
    const chi_option *row = &o->table[i];
    const chi_option_value *value = &o->value[i];
    const bool text = row->type == CHI_OPT_TEXT || row->type == CHI_OPT_CHOICE;
    if ((row->commands & o->command->bit) == 0 || (row->commands & command->bit) == 0 ||
        !row->stored || (!yaml && !value->given) || (text && value->text == NULL) ||
        (row->type == CHI_OPT_REALS && value->n_reals == 0))
      continue;
    chi_text_add(out, yaml ? "  %s: " : row->type == CHI_OPT_FLAG ? " --%s=" : " --%s ", row->name);
    write_value(row, value, yaml, out);
    if (yaml) chi_text_add(out, "\n");
  }
}

void chi_options_write_yaml(const chi_options *options, const chi_command *command, chi_text *out)
{
  chi_text_add(out, "%s:\n", command->name);
  write_stored(options, command, true, out);
}

void chi_options_write_line(const chi_options *options, const chi_command *command, chi_text *out)
{
  write_stored(options, command, false, out);
}
