#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "study/catalog.h"

enum { LABEL_MAX = 200 };

chi_status chi_names_add(chi_names *names, const char *name)
{
  CHI_TRY(chi_grow(&names->name, &names->room, names->n + 1, sizeof *names->name, "names"));
  CHI_TRY(chi_strdup(name, &names->name[names->n]));
  names->n++;
  return CHI_OK;
}

int chi_names_compare(const void *a, const void *b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void chi_names_sort(chi_names *names)
{
  if (names->n == 0) return;
  qsort(names->name, (size_t)names->n, sizeof *names->name, chi_names_compare);
  int64_t kept = 1;
  for (int64_t i = 1; i < names->n; i++) {
    if (strcmp(names->name[i], names->name[kept - 1]) == 0)
      chi_free(names->name[i]);
    else
      names->name[kept++] = names->name[i];
  }
  names->n = kept;
}

bool chi_names_have(const chi_names *names, const char *name)
{
  for (int64_t i = 0; i < names->n; i++)
    if (strcmp(names->name[i], name) == 0) return true;
  return false;
}

void chi_names_free(chi_names *names)
{
  for (int64_t i = 0; i < names->n; i++) chi_free(names->name[i]);
  chi_free(names->name);
  *names = (chi_names){0};
}

bool chi_label_ok(const char *text) { return strlen(text) <= LABEL_MAX && chi_text_ok(text); }

chi_status chi_name_check(const char *text, const char *where, const char *what)
{
  const char *reason = NULL;
  if (text[0] == '\0')
    reason = "is empty";
  else if (!chi_label_ok(text))
    reason = "is over 200 bytes, no UTF-8 or has control characters";
  else if (strchr(text, '/') != NULL || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
    reason = "reads like a path";
  if (reason == NULL) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: %s \"%.*s\" %s, expected a name", where, what, LABEL_MAX,
                  text, reason);
}
