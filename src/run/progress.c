#include "run/progress.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/file.h"
#include "base/text.h"
#include "run/folder.h"

/* One row per field, for writing and reading alike. */
typedef enum chi_field_type { FIELD_TEXT, FIELD_COUNT, FIELD_INT32, FIELD_REAL } chi_field_type;
typedef struct chi_field {
  const char *name;
  chi_field_type type;
  size_t offset, size;
} chi_field;
#define FIELD(name, type)                                                                 \
  {                                                                                       \
#name, FIELD_##type, offsetof(chi_progress, name), sizeof((chi_progress *)NULL)->name \
  }
static const chi_field fields[] = {
    FIELD(stage, TEXT),   FIELD(state, TEXT), FIELD(done, COUNT),        FIELD(running, COUNT),
    FIELD(failed, COUNT), FIELD(left, COUNT), FIELD(models_per_s, REAL), FIELD(seconds_left, REAL),
    FIELD(ranks, INT32),  FIELD(host, TEXT),  FIELD(written, TEXT),      FIELD(end, TEXT)};
enum { N_FIELDS = sizeof fields / sizeof *fields };

static void add_field(chi_text *text, const chi_field *field, const chi_progress *progress)
{
  const char *at = (const char *)progress + field->offset;
  int64_t count;
  int32_t small;
  double real;
  chi_text_add(text, "  \"%s\": ", field->name);
  switch (field->type) {
    case FIELD_TEXT:
      chi_text_add_quoted(text, at);
      break;
    case FIELD_COUNT:
      memcpy(&count, at, sizeof count);
      chi_text_add(text, "%lld", (long long)count);
      break;
    case FIELD_INT32:
      memcpy(&small, at, sizeof small);
      chi_text_add(text, "%d", small);
      break;
    case FIELD_REAL:
      memcpy(&real, at, sizeof real);
      if (isfinite(real)) /* JSON knows no NaN */
        chi_text_add(text, "%.17g", real);
      else
        chi_text_add(text, "null");
      break;
  }
}

chi_status chi_progress_write(const char *run_path, const chi_progress *progress)
{
  chi_text text = {0};
  chi_text_add(&text, "{\n");
  for (int i = 0; i < N_FIELDS; i++) {
    add_field(&text, &fields[i], progress);
    chi_text_add(&text, i + 1 < N_FIELDS ? ",\n" : "\n");
  }
  chi_text_add(&text, "}\n");
  const chi_status s = text.failed ? chi_fail(CHI_ERR_MEMORY, "%s/status.json: no memory", run_path)
                                   : chi_file_write(run_path, "status.json", text.s, text.n);
  chi_text_free(&text);
  return s;
}

/* Put one value in its field; false if it is not of the field's type. */
static bool take_value(const chi_field *field, const yaml_node_t *node, chi_progress *progress)
{
  if (node->type != YAML_SCALAR_NODE) return false;
  char *at = (char *)progress + field->offset, *end;
  const char *value = (const char *)node->data.scalar.value;
  const bool quoted = node->data.scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
  if (field->type == FIELD_TEXT) {
    snprintf(at, field->size, "%s", value);
    return quoted;
  }
  if (quoted || value[0] == '\0') return false;
  if (field->type == FIELD_REAL) {
    const bool missing = strcmp(value, "null") == 0;
    const double real = missing ? NAN : strtod(value, &end);
    memcpy(at, &real, sizeof real);
    return missing || *end == '\0';
  }
  errno = 0;
  const int64_t count = strtoll(value, &end, 10);
  if (errno != 0 || *end != '\0') return false;
  if (field->type == FIELD_COUNT) {
    memcpy(at, &count, sizeof count);
    return true;
  }
  const int32_t small = (int32_t)count;
  memcpy(at, &small, sizeof small);
  return small == count;
}

static chi_status take_fields(yaml_document_t *document, const char *path, chi_progress *progress)
{
  const yaml_node_t *root = yaml_document_get_root_node(document);
  if (root == NULL || root->type != YAML_MAPPING_NODE)
    return chi_fail(CHI_ERR_INPUT, "%s: holds no JSON object", path);
  for (int i = 0; i < N_FIELDS; i++) {
    bool found = false;
    for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start;
         pair < root->data.mapping.pairs.top; pair++) {
      const yaml_node_t *key = yaml_document_get_node(document, pair->key);
      if (key->type != YAML_SCALAR_NODE ||
          strcmp((const char *)key->data.scalar.value, fields[i].name) != 0)
        continue;
      found = take_value(&fields[i], yaml_document_get_node(document, pair->value), progress);
    }
    if (!found)
      return chi_fail(CHI_ERR_INPUT, "%s: \"%s\" is missing or of a wrong type", path,
                      fields[i].name);
  }
  return CHI_OK;
}

chi_status chi_progress_read(const char *run_path, chi_progress *progress)
{
  *progress = (chi_progress){0};
  char path[PATH_MAX];
  CHI_TRY(chi_path_join(path, run_path, "status.json"));
  FILE *file = fopen(path, "r");
  if (file == NULL) return chi_fail(CHI_ERR_INPUT, "%s: cannot be read: %s", path, strerror(errno));
  yaml_parser_t parser; /* JSON is YAML */
  yaml_document_t document;
  chi_status s = CHI_OK;
  if (!yaml_parser_initialize(&parser)) {
    fclose(file);
    return chi_fail(CHI_ERR_MEMORY, "%s: no memory to read it", path);
  }
  yaml_parser_set_input_file(&parser, file);
  if (yaml_parser_load(&parser, &document)) {
    s = take_fields(&document, path, progress);
    yaml_document_delete(&document);
  } else {
    s = chi_fail(CHI_ERR_INPUT, "%s: is no JSON (line %zu: %s)", path, parser.problem_mark.line + 1,
                 parser.problem);
  }
  yaml_parser_delete(&parser);
  fclose(file);
  return s;
}
