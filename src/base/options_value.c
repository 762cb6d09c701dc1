/* Texts to values and back: the same rules for the command line, YAML and defaults. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/options_private.h"

/* strtod and strtoll skip blanks and take inf, nan and hexadecimals; an option's number does not.
 */
static bool looks_decimal(const char *text)
{
  return text[0] != '\0' && text[strspn(text, "+-.eE0123456789")] == '\0';
}

static bool to_int(const char *text, int64_t *value)
{
  char *end;
  errno = 0;
  *value = strtoll(text, &end, 10);
  return looks_decimal(text) && *end == '\0' && errno == 0;
}

static bool to_real(const char *text, double *value)
{
  char *end;
  *value = strtod(text, &end);
  return looks_decimal(text) && end != text && *end == '\0' && isfinite(*value);
}

/* "512M": a whole number of bytes, or of powers of 1024 of them. */
static bool to_bytes(const char *text, int64_t *value)
{
  char *end;
  errno = 0;
  *value = strtoll(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || errno != 0) return false;
  static const char letters[] = "kKmMgGtT";
  if (*end != '\0') {
    const char *letter = strchr(letters, *end);
    if (letter == NULL || end[1] != '\0') return false;
    const int64_t factor = INT64_C(1) << (10 * ((letter - letters) / 2 + 1));
    if (__builtin_mul_overflow(*value, factor, value)) return false;
  }
  return true;
}

void chi_real_format(double value, char *text, size_t n)
{
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, n, "%.*g", digits, value);
    if (strtod(text, NULL) == value) return;
  }
}

static chi_status check_range(const chi_option *option, const char *name, double number,
                              const char *text)
{
  if (number >= option->min && number <= option->max) return CHI_OK;
  char low[32], high[32];
  chi_real_format(option->min, low, sizeof low);
  chi_real_format(option->max, high, sizeof high);
  return chi_fail(CHI_ERR_USAGE, "%s: %s is not between %s and %s", name, text, low, high);
}

static chi_status parse_reals(const chi_option *option, const char *name, const char *text,
                              chi_option_value *value)
{
  int n = 1;
  for (const char *c = text; *c != '\0'; c++) n += *c == ',';
  chi_status s = chi_alloc(n, sizeof(double), name, &value->reals);
  const char *at = text;
  for (int i = 0; s == CHI_OK && i < n; i++) {
    char item[64];
    const size_t m = strcspn(at, ",");
    snprintf(item, sizeof item, "%.*s", (int)(m < sizeof item ? m : sizeof item), at);
    if (m < sizeof item && to_real(item, &value->reals[i]))
      s = check_range(option, name, value->reals[i], item);
    else
      s = chi_fail(CHI_ERR_USAGE, "%s: `%s` is no number; expected numbers parted by commas", name,
                   item);
    at += m + 1;
  }
  value->n_reals = n;
  if (s != CHI_OK) chi_option_value_free(value);
  return s;
}

static chi_status parse_choice(const chi_option *option, const char *name, const char *text,
                               chi_option_value *value)
{
  const size_t n = strlen(text);
  for (const char *at = option->choices; *at != '\0'; at += *at == '|', value->integer++) {
    const size_t m = strcspn(at, "|");
    if (m == n && strncmp(at, text, n) == 0) return chi_strdup(text, &value->text);
    at += m;
  }
  return chi_fail(CHI_ERR_USAGE, "%s: `%s` is none of %s", name, text, option->choices);
}

chi_status chi_option_value_parse(const chi_option *option, const char *name, const char *text,
                                  chi_option_value *value)
{
  *value = (chi_option_value){.given = false};
  switch (option->type) {
    case CHI_OPT_FLAG:
      value->flag = strcmp(text, "true") == 0;
      if (value->flag || strcmp(text, "false") == 0) return CHI_OK;
      return chi_fail(CHI_ERR_USAGE, "%s: `%s` is neither true nor false", name, text);
    case CHI_OPT_INT:
      if (to_int(text, &value->integer))
        return check_range(option, name, (double)value->integer, text);
      return chi_fail(CHI_ERR_USAGE, "%s: `%s` is no whole number", name, text);
    case CHI_OPT_REAL:
      if (to_real(text, &value->real)) return check_range(option, name, value->real, text);
      return chi_fail(CHI_ERR_USAGE, "%s: `%s` is no number", name, text);
    case CHI_OPT_REALS:
      return parse_reals(option, name, text, value);
    case CHI_OPT_BYTES:
      if (to_bytes(text, &value->integer))
        return check_range(option, name, (double)value->integer, text);
      return chi_fail(CHI_ERR_USAGE, "%s: `%s` is no size; expected bytes, or e.g. 512M or 4G",
                      name, text);
    case CHI_OPT_CHOICE:
      return parse_choice(option, name, text, value);
    case CHI_OPT_TEXT:
      if (text[0] != '\0') return chi_strdup(text, &value->text);
      return chi_fail(CHI_ERR_USAGE, "%s: empty value", name);
  }
  return chi_fail(CHI_ERR_BUG, "%s: unknown type of option", name);
}

void chi_option_value_free(chi_option_value *value)
{
  chi_free(value->reals);
  chi_free(value->text);
  *value = (chi_option_value){.given = false};
}
