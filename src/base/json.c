#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void chi_json_add(chi_text *out, json_t *value)
{
  char *line = json_dumps(value, JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12));
  if (line == NULL)
    out->failed = true;
  else
    chi_text_add(out, "%s\n", line);
  free(line);
  json_decref(value);
}

chi_status chi_json_read(const char *path, json_type type, json_t **out)
{
  char *text = NULL;
  json_error_t error;
  *out = NULL;
  CHI_TRY(chi_text_read(path, path, &text));
  *out = json_loadb(text, strlen(text), 0, &error);
  chi_free(text);
  if (*out == NULL)
    return chi_fail(CHI_ERR_INPUT, "%s: line %d, column %d: is no JSON: %s", path, error.line,
                    error.column, error.text);
  if (json_typeof(*out) == type) return CHI_OK;
  json_decref(*out);
  *out = NULL;
  return chi_fail(CHI_ERR_INPUT, "%s: expected %s at the top", path,
                  type == JSON_ARRAY ? "a list" : "an object");
}

chi_status chi_json_each(const char *path, const char *what, const json_t *list,
                         chi_json_take *take, void *context)
{
  if (!json_is_array(list))
    return chi_fail(CHI_ERR_INPUT, "%s: %s is no list, expected a list of strings", path, what);
  for (size_t i = 0; i < json_array_size(list); i++) {
    const char *text = json_string_value(json_array_get(list, i));
    if (text == NULL)
      return chi_fail(CHI_ERR_INPUT, "%s: %s: element %zu is no string", path, what, i);
    CHI_TRY(take(context, path, what, text));
  }
  return CHI_OK;
}
