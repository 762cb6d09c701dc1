#include "import/shafts.h"

#include <ctype.h>
#include <regex.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

enum { MOST_DIGITS = 9 };

struct chi_shafts {
  bool own; /* there is a pattern */
  regex_t pattern;
};

chi_status chi_shafts_create(const char *pattern, chi_shafts **out)
{
  char why[256];
  CHI_TRY(chi_alloc(1, sizeof **out, "names of shafts", out));
  if (pattern == NULL) return CHI_OK;
  const int wrong = regcomp(&(*out)->pattern, pattern, REG_EXTENDED);
  (*out)->own = wrong == 0;
  if (wrong == 0 && (*out)->pattern.re_nsub >= 2) return CHI_OK;
  if (wrong != 0) regerror(wrong, &(*out)->pattern, why, sizeof why);
  chi_shafts_destroy(out);
  return chi_fail(CHI_ERR_USAGE,
                  "--shaft-pattern: `%.200s`: %s; expected an extended regular expression with two "
                  "groups, of the shaft and of the number, such as '^([A-Z]+)-([0-9]+)$'",
                  pattern, wrong != 0 ? why : "has fewer than two groups");
}

void chi_shafts_destroy(chi_shafts **shafts)
{
  if (*shafts == NULL) return;
  if ((*shafts)->own) regfree(&(*shafts)->pattern);
  chi_free(*shafts);
  *shafts = NULL;
}

/* Digits, few enough for a number. */
static bool take_number(const char *text, size_t n, int64_t *out)
{
  *out = 0;
  if (n == 0 || n > MOST_DIGITS) return false;
  for (size_t i = 0; i < n; i++) {
    if (!isdigit((unsigned char)text[i])) return false;
    *out = 10 * *out + (text[i] - '0');
  }
  return true;
}

static bool part_by_pattern(const regex_t *pattern, const char *name, chi_contact *out)
{
  regmatch_t m[3];
  if (regexec(pattern, name, 3, m, 0) != 0 || m[1].rm_so < 0 || m[2].rm_so < 0) return false;
  *out = (chi_contact){.stem = name + m[1].rm_so, .n_stem = (int32_t)(m[1].rm_eo - m[1].rm_so)};
  return take_number(name + m[2].rm_so, (size_t)(m[2].rm_eo - m[2].rm_so), &out->number);
}

/* What EDF files put before the name of a channel. */
static size_t prefix(const char *name)
{
  static const char *const known[] = {"EEG ", "SEEG ", "IEEG ", "ECOG ", "POL "};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strncasecmp(name, known[i], strlen(known[i])) == 0) return strlen(known[i]);
  return 0;
}

bool chi_shafts_part(const chi_shafts *shafts, const char *name, chi_contact *out)
{
  if (shafts->own) return part_by_pattern(&shafts->pattern, name, out);
  name += prefix(name);
  size_t end = strlen(name), letters = end;
  while (letters > 0 && isalpha((unsigned char)name[letters - 1])) letters--;
  if (letters > 1 && letters < end && name[letters - 1] == '-') end = letters - 1; /* -Ref */
  while (end > 0 && strchr("*# ", name[end - 1]) != NULL) end--;
  const bool prime = end > 0 && name[end - 1] == '\'';
  end -= prime;
  size_t stem = end;
  while (stem > 0 && isdigit((unsigned char)name[stem - 1])) stem--;
  *out = (chi_contact){.stem = name, .n_stem = (int32_t)stem, .prime = prime};
  bool named = false;
  for (size_t i = 0; i < stem; i++) named = named || isalpha((unsigned char)name[i]);
  return named && take_number(name + stem, end - stem, &out->number);
}

bool chi_contact_next(const chi_contact *a, const chi_contact *b, int64_t step)
{
  return a->n_stem == b->n_stem && a->prime == b->prime && b->number == a->number + step &&
         memcmp(a->stem, b->stem, (size_t)a->n_stem) == 0;
}
