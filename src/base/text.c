#include "base/text.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(chi_text *text, int64_t more)
{
  if (text->failed) return false;
  if (text->n + more + 1 <= text->room) return true;
  const int64_t room = 2 * (text->n + more + 1);
  char *s = realloc(text->s, (size_t)room);
  if (s == NULL) {
    text->failed = true;
    return false;
  }
  text->s = s;
  text->room = room;
  return true;
}

void chi_text_add_list(chi_text *text, const char *format, va_list args)
{
  va_list again;
  va_copy(again, args);
  const int n = vsnprintf(NULL, 0, format, args);
  if (n >= 0 && reserve(text, n)) {
    vsnprintf(text->s + text->n, (size_t)n + 1, format, again);
    text->n += n;
  }
  va_end(again);
}

void chi_text_add(chi_text *text, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  chi_text_add_list(text, format, args);
  va_end(args);
}

void chi_text_add_real(chi_text *text, double value)
{
  char digits[32];
  for (int n = 15; n <= 17; n++) {
    snprintf(digits, sizeof digits, "%.*g", n, value);
    if (strtod(digits, NULL) == value) break;
  }
  chi_text_add(text, "%s", digits);
}

void chi_text_add_quoted(chi_text *text, const char *string)
{
  chi_text_add(text, "\"");
  for (const unsigned char *c = (const unsigned char *)string; *c != '\0'; c++) {
    if (*c == '"' || *c == '\\')
      chi_text_add(text, "\\%c", *c);
    else if (*c < ' ' || *c == 127)
      chi_text_add(text, "\\u%04x", *c);
    else
      chi_text_add(text, "%c", *c);
  }
  chi_text_add(text, "\"");
}

void chi_text_free(chi_text *text)
{
  free(text->s);
  *text = (chi_text){0};
}

bool chi_name_ok(const char *name, bool dots)
{
  const size_t n = strlen(name);
  if (n == 0 || n > 200 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return false;
  const char *allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
  for (const char *c = name; *c != '\0'; c++)
    if (strchr(allowed, *c) == NULL || (*c == '.' && !dots)) return false;
  return true;
}

bool chi_word_next(const char **at, char parted_by, char *word, size_t n)
{
  if (**at == '\0') return false;
  const char *end = strchrnul(*at, parted_by);
  snprintf(word, n, "%.*s", (int)(end - *at), *at);
  *at = *end == '\0' ? end : end + 1;
  return true;
}

bool chi_name_fits(const char *patterns, const char *name)
{
  if (patterns == NULL || patterns[0] == '\0') return true;
  char pattern[512];
  while (chi_word_next(&patterns, ',', pattern, sizeof pattern))
    if (fnmatch(pattern, name, 0) == 0) return true;
  return false;
}

chi_status chi_text_print(const chi_text *text)
{
  if (text->failed) return chi_fail(CHI_ERR_MEMORY, "no memory for the text to print");
  if (text->s != NULL && (fputs(text->s, stdout) == EOF || fflush(stdout) != 0))
    return chi_fail(CHI_ERR_IO, "standard output could not be written");
  return CHI_OK;
}

void chi_bytes_text(int64_t bytes, char *text, size_t n)
{
  static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = (double)bytes;
  int u = 0;
  for (; value >= 1024 && u < 5; u++) value /= 1024;
  snprintf(text, n, u == 0 ? "%.0f %s" : "%.1f %s", value, units[u]);
}
