#include "store/progress.h"

#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

/* One row per member, for writing and reading alike. */
typedef enum member_type { MEMBER_TEXT, MEMBER_COUNT, MEMBER_INT32, MEMBER_REAL } member_type;
typedef struct member {
  const char *name;
  member_type type;
  size_t offset, size;
} member;
#define MEMBER(name, type)                                                                 \
  {                                                                                        \
#name, MEMBER_##type, offsetof(chi_progress, name), sizeof((chi_progress *)NULL)->name \
  }
static const member members[] = {
    MEMBER(stage, TEXT),        MEMBER(state, TEXT),        MEMBER(done, COUNT),
    MEMBER(running, COUNT),     MEMBER(failed, COUNT),      MEMBER(left, COUNT),
    MEMBER(models_per_s, REAL), MEMBER(seconds_left, REAL), MEMBER(ranks, INT32),
    MEMBER(host, TEXT),         MEMBER(written, TEXT),      MEMBER(end, TEXT)};
enum { N_MEMBERS = sizeof members / sizeof *members };

/* A member as JSON; NULL where there is no memory, or text that is no UTF-8. */
static json_t *pack(const member *m, const chi_progress *progress)
{
  const char *at = (const char *)progress + m->offset;
  int64_t count;
  int32_t small;
  double real;
  switch (m->type) {
    case MEMBER_TEXT:
      return json_string(at);
    case MEMBER_COUNT:
      memcpy(&count, at, sizeof count);
      return json_integer(count);
    case MEMBER_INT32:
      memcpy(&small, at, sizeof small);
      return json_integer(small);
    default:
      memcpy(&real, at, sizeof real);
      return isfinite(real) ? json_real(real) : json_null(); /* JSON knows no NaN */
  }
}

chi_status chi_progress_write(const char *run_path, const chi_progress *progress)
{
  json_t *object = json_object();
  bool good = object != NULL;
  for (int i = 0; i < N_MEMBERS && good; i++)
    good = json_object_set_new(object, members[i].name, pack(&members[i], progress)) == 0;
  char *text = good ? json_dumps(object, JSON_INDENT(2)) : NULL;
  const chi_status s = text == NULL
                           ? chi_fail(CHI_ERR_MEMORY, "%s/status.json: cannot be made", run_path)
                           : chi_file_write(run_path, "status.json", text, (int64_t)strlen(text));
  free(text);
  json_decref(object);
  return s;
}

/* Put one value in its member; false if it is not of the member's type. */
static bool take(const member *m, const json_t *value, chi_progress *progress)
{
  char *at = (char *)progress + m->offset;
  const int64_t count = json_integer_value(value);
  const int32_t small = (int32_t)count;
  const double real = json_is_null(value) ? NAN : json_number_value(value);
  switch (m->type) {
    case MEMBER_TEXT:
      if (json_is_string(value)) snprintf(at, m->size, "%s", json_string_value(value));
      return json_is_string(value);
    case MEMBER_COUNT:
      memcpy(at, &count, sizeof count);
      return json_is_integer(value);
    case MEMBER_INT32:
      memcpy(at, &small, sizeof small);
      return json_is_integer(value) && small == count;
    default:
      memcpy(at, &real, sizeof real);
      return json_is_null(value) || json_is_number(value);
  }
}

chi_status chi_progress_read(const char *run_path, chi_progress *progress)
{
  char path[PATH_MAX], *text = NULL;
  json_error_t error;
  *progress = (chi_progress){0};
  CHI_TRY(chi_path_join(path, run_path, "status.json"));
  CHI_TRY(chi_text_read(path, path, &text));
  json_t *object = json_loads(text, JSON_DECODE_ANY, &error);
  chi_free(text);
  chi_status s = CHI_OK;
  if (object == NULL)
    s = chi_fail(CHI_ERR_INPUT, "%s: is no JSON (line %d: %s)", path, error.line, error.text);
  else if (!json_is_object(object))
    s = chi_fail(CHI_ERR_INPUT, "%s: holds no JSON object", path);
  for (int i = 0; i < N_MEMBERS && s == CHI_OK; i++)
    if (!take(&members[i], json_object_get(object, members[i].name), progress))
      s = chi_fail(CHI_ERR_INPUT, "%s: \"%s\" is missing or of a wrong type", path,
                   members[i].name);
  json_decref(object);
  return s;
}
