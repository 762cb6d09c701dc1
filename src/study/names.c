#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "study/catalog.h"

enum { LABEL_MAX = 200 };

chi_status chi_names_add(chi_names *names, const char *name)
{
  if (names->n == names->room) {
    const int64_t room = 2 * names->room + 8;
    char **list = realloc(names->name, (size_t)room * sizeof *list);
    if (list == NULL) return chi_fail(CHI_ERR_MEMORY, "no memory for a list of names");
    names->name = list;
    names->room = room;
  }
  CHI_TRY(chi_strdup(name, &names->name[names->n]));
  names->n++;
  return CHI_OK;
}

static int compare(const void *a, const void *b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void chi_names_sort(chi_names *names)
{
  if (names->n == 0) return;
  qsort(names->name, (size_t)names->n, sizeof *names->name, compare);
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
  free(names->name);
  *names = (chi_names){0};
}

void chi_names_join(const chi_names *names, char *text, size_t size)
{
  const size_t reserve = 32; /* for "... and N more" */
  size_t used = 0;
  snprintf(text, size, "nothing");
  for (int64_t i = 0; i < names->n; i++) {
    if (used + strlen(names->name[i]) + reserve > size) {
      snprintf(text + used, size - used, ", ... and %lld more", (long long)(names->n - i));
      return;
    }
    used += (size_t)snprintf(text + used, size - used, "%s%s", i == 0 ? "" : ", ", names->name[i]);
  }
}

/* Bytes of the UTF-8 character at c, 0 if it is none or a control character. */
static int character(const unsigned char *c)
{
  if (c[0] < 0x80) return c[0] >= ' ' && c[0] != 127;
  const int n = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
  if (c[0] < 0xc2 || c[0] > 0xf4) return 0;
  for (int i = 1; i < n; i++)
    if ((c[i] & 0xc0) != 0x80) return 0;
  const bool overlong = (c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xf0 && c[1] < 0x90);
  const bool surrogate = c[0] == 0xed && c[1] > 0x9f;
  const bool too_high = c[0] == 0xf4 && c[1] > 0x8f;
  const bool control = c[0] == 0xc2 && c[1] < 0xa0;
  return overlong || surrogate || too_high || control ? 0 : n;
}

void chi_label_clean(char *text)
{
  for (unsigned char *c = (unsigned char *)text; *c != '\0';) {
    const int n = character(c);
    if (n == 0) *c = '?';
    c += n == 0 ? 1 : n;
  }
}

bool chi_label_ok(const char *text)
{
  if (strlen(text) > LABEL_MAX) return false;
  for (const unsigned char *c = (const unsigned char *)text; *c != '\0';) {
    const int n = character(c);
    if (n == 0) return false;
    c += n;
  }
  return true;
}

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

chi_status chi_selection_check(chi_findings *findings, const char *option, const char *patterns,
                               const chi_names *names)
{
  if (patterns == NULL) return CHI_OK;
  for (const char *at = patterns; *at != '\0';) {
    const size_t n = strcspn(at, ",");
    char *pattern = strndup(at, n), text[512];
    if (pattern == NULL) return chi_fail(CHI_ERR_MEMORY, "no memory for a pattern");
    bool fits = n == 0;
    for (int64_t i = 0; i < names->n && !fits; i++) fits = chi_name_fits(pattern, names->name[i]);
    chi_names_join(names, text, sizeof text);
    if (!fits)
      chi_findings_add(findings, true, "--%s %.200s fits none of what the study has: %s", option,
                       pattern, text);
    free(pattern);
    at += n;
    if (*at == ',') at++;
  }
  return CHI_OK;
}
