/* Texts to values and back: the same rules for the command line, YAML and defaults. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/options_private.h"

/* What a value of a type looks like in --help, and what one that is wrong is not. */
static const struct {
  const char *placeholder, *wrong;
} types[] = {[CHI_OPT_FLAG] = {"", "is neither true nor false"},
             [CHI_OPT_INT] = {"N", "is no whole number"},
             [CHI_OPT_REAL] = {"X", "is no number"},
             [CHI_OPT_REALS] = {"X,...", "is no number; expected numbers parted by commas"},
             [CHI_OPT_BYTES] = {"SIZE", "is no size; expected bytes, or e.g. 512M or 4G"},
             [CHI_OPT_TEXT] = {"TEXT", NULL}};

const char *chi_option_placeholder(const chi_option *option)
{
  if (option->type == CHI_OPT_CHOICE) return option->choices;
  if (option->type == CHI_OPT_TEXT && option->unit != NULL) return option->unit;
  return types[option->type].placeholder;
}

void chi_option_add_range(const chi_option *option, const char *between, chi_text *out)
{
  chi_text_add_real(out, option->min);
  chi_text_add(out, "%s", between);
  chi_text_add_real(out, option->max);
}

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

static chi_status check_range(const chi_option *option, const char *name, double number,
                              const char *text)
{
  if (number >= option->min && number <= option->max) return CHI_OK;
  chi_text range = {0};
  chi_option_add_range(option, " and ", &range);
  const chi_status s = chi_fail(CHI_ERR_USAGE, "%s: %s is not between %s", name, text,
                                range.failed ? "bounds" : range.s);
  chi_text_free(&range);
  return s;
}

static chi_status parse_reals(const chi_option *option, const char *name, const char *text,
                              chi_option_value *value)
{
  int n = 1;
  for (const char *c = text; *c != '\0'; c++) n += *c == ',';
  chi_status s = chi_alloc(n, sizeof(double), name, &value->reals);
  for (value->n_reals = 0; s == CHI_OK && value->n_reals < n; value->n_reals++) {
    double *number = &value->reals[value->n_reals];
    char item[64] = "";
    chi_word_next(&text, ',', item, sizeof item);
    if (strlen(item) + 1 < sizeof item && to_real(item, number))
      s = check_range(option, name, *number, item);
    else
      s = chi_fail(CHI_ERR_USAGE, "%s: `%s` %s", name, item, types[CHI_OPT_REALS].wrong);
  }
  if (s != CHI_OK) chi_option_value_free(value);
  return s;
}

static chi_status parse_choice(const chi_option *option, const char *name, const char *text,
                               chi_option_value *value)
{
  char choice[64];
  for (const char *at = option->choices; chi_word_next(&at, '|', choice, sizeof choice);
       value->integer++)
    if (strcmp(choice, text) == 0) return chi_strdup(text, &value->text);
  return chi_fail(CHI_ERR_USAGE, "%s: `%s` is none of %s", name, text, option->choices);
}

chi_status chi_option_value_parse(const chi_option *option, const char *name, const char *text,
                                  chi_option_value *value)
{
  bool good = false;
  double number = option->min; /* what is no number is in any range */
  *value = (chi_option_value){.given = false};
  switch (option->type) {
    case CHI_OPT_FLAG:
      value->flag = strcmp(text, "true") == 0;
      good = value->flag || strcmp(text, "false") == 0;
      break;
    case CHI_OPT_INT:
    case CHI_OPT_BYTES:
      good = option->type == CHI_OPT_INT ? to_int(text, &value->integer)
                                         : to_bytes(text, &value->integer);
      number = (double)value->integer;
      break;
    case CHI_OPT_REAL:
      good = to_real(text, &value->real);
      number = value->real;
      break;
    case CHI_OPT_REALS:
      return parse_reals(option, name, text, value);
    case CHI_OPT_CHOICE:
      return parse_choice(option, name, text, value);
    case CHI_OPT_TEXT:
      if (option->stored && !chi_text_ok(text)) /* config.yaml could not be read again */
        return chi_fail(CHI_ERR_USAGE, "%s: `%s` has control characters or is no UTF-8", name,
                        text);
      if (text[0] != '\0') return chi_strdup(text, &value->text);
      return chi_fail(CHI_ERR_USAGE, "%s: empty value", name);
  }
  if (good) return check_range(option, name, number, text);
  return chi_fail(CHI_ERR_USAGE, "%s: `%s` %s", name, text, types[option->type].wrong);
}

void chi_option_value_free(chi_option_value *value)
{
  chi_free(value->reals);
  chi_free(value->text);
  *value = (chi_option_value){.given = false};
}
