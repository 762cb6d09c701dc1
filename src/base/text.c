#include "base/text.h"

#include <errno.h>
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

void chi_text_add_line(chi_text *text, const char *format, ...)
{
  const int64_t start = text->n;
  va_list args;
  va_start(args, format);
  chi_text_add_list(text, format, args);
  va_end(args);
  if (text->n > start) chi_text_clean(text->s + start, "");
  chi_text_add(text, "\n");
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

static bool is_formula(const char *field)
{
  const char *first = field + strspn(field, "'");
  return *first != '\0' && strchr("=+-@\t\r\n", *first) != NULL;
}

void chi_text_add_csv(chi_text *text, const char *field)
{
  const char *quote = strpbrk(field, ",\"\r\n") == NULL ? "" : "\"";
  chi_text_add(text, "%s%s", quote, is_formula(field) ? "'" : "");
  for (const char *c = field; *c != '\0'; c++) chi_text_add(text, *c == '"' ? "\"\"" : "%c", *c);
  chi_text_add(text, "%s", quote);
}

const char *chi_csv_plain(const char *field)
{
  return field[0] == '\'' && is_formula(field) ? field + 1 : field;
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

int chi_character_bytes(const char *at)
{
  const unsigned char *c = (const unsigned char *)at;
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

bool chi_text_ok(const char *text)
{
  int n;
  for (; *text != '\0'; text += n)
    if ((n = chi_character_bytes(text)) == 0) return false;
  return true;
}

/* Whether the UTF-8 character at c parts lines or turns their direction. */
static bool is_mark(const char *c)
{
  static const char *const marks[] = {"\u061c", "\u200e", "\u200f", "\u2028", "\u2029",
                                      "\u202a", "\u202b", "\u202c", "\u202d", "\u202e",
                                      "\u2066", "\u2067", "\u2068", "\u2069"};
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
    if (strncmp(c, marks[i], strlen(marks[i])) == 0) return true;
  return false;
}

void chi_text_clean(char *text, const char *keep)
{
  for (char *c = text; *c != '\0';) {
    const int n = chi_character_bytes(c);
    if (n == 0 && strchr(keep, *c) == NULL) *c = *c >= '\t' && *c <= '\r' ? ' ' : '?';
    if (n > 1 && is_mark(c)) memset(c, '?', (size_t)n);
    c += n == 0 ? 1 : n;
  }
}

chi_status chi_text_print(chi_text *text)
{
  if (text->failed) return chi_fail(CHI_ERR_MEMORY, "no memory for the text to print");
  if (text->s != NULL) chi_text_clean(text->s, "\n");
  errno = 0;
  const bool failed = text->s != NULL && (fputs(text->s, stdout) == EOF || fflush(stdout) != 0);
  if (!failed || errno == EPIPE) return CHI_OK;
  return chi_fail(CHI_ERR_IO, "standard output could not be written: %s", strerror(errno));
}

void chi_bytes_text(int64_t bytes, char *text, size_t n)
{
  static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = (double)bytes;
  int u = 0;
  for (; value >= 1024 && u < 5; u++) value /= 1024;
  snprintf(text, n, u == 0 ? "%.0f %s" : "%.1f %s", value, units[u]);
}
