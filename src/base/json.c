#include "base/json.h"

#include <stdlib.h>

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
