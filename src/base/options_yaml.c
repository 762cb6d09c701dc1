/* Options from YAML and to it. */
#include <string.h>

#include "base/memory.h"
#include "base/options_private.h"
#include "base/yaml.h"

/* What the functions below need of one reading. */
typedef struct reading {
  chi_options *options;
  const char *where, *others;
  const chi_yaml *yaml;
  bool sections; /* it is the commands' sections' turn */
} reading;

/* A mapping is known by the commands whose options it may hold: none at the file's top, all where
 * it is everybody's `options`, or that whose section it is. */
static const unsigned at_top = 0, of_all = ~0u;

static chi_status scalar_of(const reading *r, const yaml_node_t *node, const char *what,
                            const char **text)
{
  *text = chi_yaml_scalar(node);
  if (*text != NULL) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: line %zu: %s: expected one value, without NUL bytes",
                  r->where, chi_yaml_line(node), what);
}

/* A value as the command line would have it: the items of a list parted by commas. */
static chi_status value_text(const reading *r, const chi_option *option, const yaml_node_t *node,
                             chi_text *out)
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
static chi_status take_value(const reading *r, int row, bool keep, const yaml_node_t *node)
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

/* Whether a key of the top is someone else's. */
static bool is_foreign(const reading *r, const char *key)
{
  char word[80];
  for (const char *at = r->others; chi_word_next(&at, ',', word, sizeof word);)
    if (strcmp(word, key) == 0) return true;
  return false;
}

static chi_status unknown_key(const reading *r, unsigned of, const yaml_node_t *node,
                              const char *key)
{
  char word[80];
  const char *at = r->others;
  chi_nearest nearest = {.wanted = key};
  chi_options_offer(r->options, of, &nearest);
  if (of == at_top || of == of_all) {
    chi_nearest_offer(&nearest, "options");
    for (int i = 0; i < r->options->program->n_commands; i++)
      chi_nearest_offer(&nearest, r->options->program->command[i].name);
  }
  while (of == at_top && chi_word_next(&at, ',', word, sizeof word))
    chi_nearest_offer(&nearest, word);
  return chi_fail(CHI_ERR_INPUT, "%s: line %zu: unknown key `%.60s`; the nearest is `%s`", r->where,
                  chi_yaml_line(node), key, nearest.word);
}

/* The row of an option that these commands have: the command's own, if it has it too and the
 * section is its own, one of its parts' or everybody's; or one that is read to be checked alone; or
 * -1. */
static int find_row(const chi_options *o, unsigned of, const char *key, bool *own)
{
  const bool holds = (of & (o->command->bit | o->command->parts)) != 0;
  int row = -1;
  *own = false;
  for (int i = 0; i < o->n && !*own; i++) {
    if ((o->table[i].commands & of) == 0 || strcmp(o->table[i].name, key) != 0) continue;
    *own = holds && chi_option_is_ours(o, i);
    if (*own || row < 0) row = i;
  }
  return row;
}

static chi_status read_mapping(const reading *r, const yaml_node_t *node, unsigned of);

static chi_status take_pair(const reading *r, unsigned of, const yaml_node_pair_t *pair)
{
  const yaml_node_t *key_node = chi_yaml_node(r->yaml, pair->key);
  const yaml_node_t *value = chi_yaml_node(r->yaml, pair->value);
  const char *key;
  CHI_TRY(scalar_of(r, key_node, "key", &key));
  if (of == at_top && is_foreign(r, key)) return CHI_OK;
  if (of == at_top && strcmp(key, "options") == 0) return read_mapping(r, value, of_all);
  const chi_command *command =
      of == at_top || of == of_all ? chi_program_command(r->options->program, key) : NULL;
  if (command != NULL) return r->sections ? read_mapping(r, value, command->bit) : CHI_OK;
  bool own;
  const int row = find_row(r->options, of, key, &own);
  if (row < 0) return unknown_key(r, of, key_node, key);
  return of == of_all && r->sections ? CHI_OK : take_value(r, row, own, value);
}

static chi_status read_mapping(const reading *r, const yaml_node_t *node, unsigned of)
{
  if (chi_yaml_is_null(node)) return CHI_OK;
  if (node->type != YAML_MAPPING_NODE)
    return chi_fail(CHI_ERR_INPUT, "%s: line %zu: expected `key: value` lines", r->where,
                    chi_yaml_line(node));
  const yaml_node_pair_t *start = node->data.mapping.pairs.start;
  for (const yaml_node_pair_t *p = start; p < node->data.mapping.pairs.top; p++) {
    CHI_TRY(take_pair(r, of, p));
    const yaml_node_t *key = chi_yaml_node(r->yaml, p->key);
    for (const yaml_node_pair_t *q = start; q < p; q++)
      if (strcmp(chi_yaml_scalar(chi_yaml_node(r->yaml, q->key)), chi_yaml_scalar(key)) == 0)
        return chi_fail(CHI_ERR_INPUT, "%s: line %zu: key `%.60s` a second time", r->where,
                        chi_yaml_line(key), chi_yaml_scalar(key));
  }
  return CHI_OK;
}

/* The file is gone through twice, sections first, since `fit: {folds: 4}` holds against a bare
 * `folds: 5` wherever it stands. */
chi_status chi_options_read_yaml(chi_options *options, const char *text, const char *where,
                                 const char *others)
{
  chi_yaml *yaml;
  CHI_TRY(chi_yaml_read(text, where, &yaml));
  reading r = {options, where, others, yaml, true};
  const yaml_node_t *root = chi_yaml_root(yaml);
  chi_status s = root == NULL ? CHI_OK : read_mapping(&r, root, at_top);
  r.sections = false;
  if (root != NULL && s == CHI_OK) s = read_mapping(&r, root, at_top);
  chi_yaml_free(&yaml);
  return s;
}

/* In YAML, or as the shell takes it. */
static void write_value(const chi_option *option, const chi_option_value *value, bool yaml,
                        chi_text *out)
{
  switch (option->type) {
    case CHI_OPT_FLAG:
      chi_text_add(out, "%s", value->flag ? "true" : "false");
      break;
    case CHI_OPT_INT:
    case CHI_OPT_BYTES:
      chi_text_add(out, "%lld", (long long)value->integer);
      break;
    case CHI_OPT_REAL:
      chi_text_add_real(out, value->real);
      break;
    case CHI_OPT_REALS:
      for (int i = 0; i < value->n_reals; i++) {
        chi_text_add(out, "%s", i > 0 ? (yaml ? ", " : ",") : yaml ? "[" : "");
        chi_text_add_real(out, value->reals[i]);
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
    if (!chi_option_is_ours(o, i) || (row->commands & command->bit) == 0 || !row->stored ||
        (!yaml && !value->given) || (text && value->text == NULL) ||
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
