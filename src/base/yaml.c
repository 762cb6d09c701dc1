/* A first pass over the events refuses what would be dear or dangerous to load, so that the
 * document that is then built is small and flat. */
#include "base/yaml.h"

#include <string.h>

#include "base/memory.h"

enum { MAX_DEPTH = 32 };

struct chi_yaml {
  yaml_document_t document;
};

static chi_status start(yaml_parser_t *parser, const char *text, const char *where)
{
  if (!yaml_parser_initialize(parser)) return chi_fail(CHI_ERR_MEMORY, "%s: no memory", where);
  yaml_parser_set_input_string(parser, (const unsigned char *)text, strlen(text));
  return CHI_OK;
}

static chi_status parser_error(const yaml_parser_t *parser, const char *where)
{
  const char *problem = parser->problem == NULL ? "no memory" : parser->problem;
  return chi_fail(CHI_ERR_INPUT, "%s: line %zu: no valid YAML: %s", where,
                  parser->problem_mark.line + 1, problem);
}

static chi_status check_events(const char *text, const char *where)
{
  yaml_parser_t parser;
  CHI_TRY(start(&parser, text, where));
  chi_status s = CHI_OK;
  int depth = 0, n_documents = 0;
  bool more = true;
  while (s == CHI_OK && more) {
    yaml_event_t event;
    if (!yaml_parser_parse(&parser, &event)) {
      s = parser_error(&parser, where);
      break;
    }
    const size_t line = event.start_mark.line + 1;
    const yaml_event_type_t type = event.type;
    depth += type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT;
    depth -= type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT;
    n_documents += type == YAML_DOCUMENT_START_EVENT;
    more = type != YAML_STREAM_END_EVENT;
    yaml_event_delete(&event);
    if (depth > MAX_DEPTH)
      s = chi_fail(CHI_ERR_INPUT, "%s: line %zu: nested more than %d deep", where, line, MAX_DEPTH);
    else if (n_documents > 1)
      s = chi_fail(CHI_ERR_INPUT, "%s: line %zu: a second document; expected one", where, line);
  }
  yaml_parser_delete(&parser);
  return s;
}

chi_status chi_yaml_read(const char *text, const char *where, chi_yaml **out)
{
  *out = NULL;
  if (strlen(text) > CHI_YAML_MAX)
    return chi_fail(CHI_ERR_INPUT, "%s: over %d bytes; no file of options is so long", where,
                    CHI_YAML_MAX);
  CHI_TRY(check_events(text, where));
  chi_yaml *yaml;
  yaml_parser_t parser;
  CHI_TRY(chi_alloc(1, sizeof *yaml, where, &yaml));
  chi_status s = start(&parser, text, where);
  if (s == CHI_OK) {
    if (!yaml_parser_load(&parser, &yaml->document)) s = parser_error(&parser, where);
    yaml_parser_delete(&parser);
  }
  if (s == CHI_OK)
    *out = yaml;
  else
    chi_free(yaml);
  return s;
}

void chi_yaml_free(chi_yaml **yaml)
{
  if (*yaml == NULL) return;
  yaml_document_delete(&(*yaml)->document);
  chi_free(*yaml);
  *yaml = NULL;
}

/* libyaml's functions that only read take no const. */
static yaml_document_t *document_of(const chi_yaml *yaml)
{
  return (yaml_document_t *)&yaml->document;
}

const yaml_node_t *chi_yaml_root(const chi_yaml *yaml)
{
  return yaml_document_get_root_node(document_of(yaml));
}

const yaml_node_t *chi_yaml_node(const chi_yaml *yaml, int index)
{
  return yaml_document_get_node(document_of(yaml), index);
}

const yaml_node_t *chi_yaml_get(const chi_yaml *yaml, const yaml_node_t *mapping, const char *key)
{
  if (mapping == NULL || mapping->type != YAML_MAPPING_NODE) return NULL;
  const yaml_node_pair_t *top = mapping->data.mapping.pairs.top;
  for (const yaml_node_pair_t *p = mapping->data.mapping.pairs.start; p < top; p++) {
    const char *name = chi_yaml_scalar(chi_yaml_node(yaml, p->key));
    if (name != NULL && strcmp(name, key) == 0) return chi_yaml_node(yaml, p->value);
  }
  return NULL;
}

bool chi_yaml_is_null(const yaml_node_t *node)
{
  if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
    return false;
  const char *text = (const char *)node->data.scalar.value;
  return text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

const char *chi_yaml_scalar(const yaml_node_t *node)
{
  if (node == NULL || node->type != YAML_SCALAR_NODE || chi_yaml_is_null(node)) return NULL;
  const char *text = (const char *)node->data.scalar.value;
  return strlen(text) == node->data.scalar.length ? text : NULL;
}

size_t chi_yaml_line(const yaml_node_t *node) { return node->start_mark.line + 1; }
