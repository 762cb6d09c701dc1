#include "import/channels.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"

enum { NAME_MAX_BYTES = 200 };

static chi_status check_name(const char *where, int64_t i, const char *name)
{
  const char *wrong = NULL;
  if (name[0] == '\0') wrong = "is empty";
  if (strlen(name) > NAME_MAX_BYTES) wrong = "is over 200 bytes long";
  for (const char *c = name; *c != '\0'; c++)
    if ((unsigned char)*c < ' ' || *c == 127 || *c == '/')
      wrong = "has a slash or control character";
  if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) wrong = "reads like a path";
  if (wrong == NULL) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: name %lld, `%.60s`, %s; expected an electrode's name", where,
                  (long long)i, name, wrong);
}

chi_status chi_channels_make(const char *where, int64_t n, const char *const *names,
                             chi_channels *out)
{
  *out = (chi_channels){0};
  chi_status s = chi_alloc(n, sizeof *out->item, "channels", &out->item);
  for (int64_t i = 0; i < n && s == CHI_OK; i++) {
    s = check_name(where, i, names[i]);
    const int64_t same = chi_channels_find(out, names[i]);
    if (s == CHI_OK && same >= 0)
      s = chi_fail(CHI_ERR_INPUT, "%s: names %lld and %lld are both `%s`, expected unique names",
                   where, (long long)same, (long long)i, names[i]);
    out->n = i + 1;
    chi_channel *c = &out->item[i];
    for (int k = 0; k < 3; k++) c->xyz[k] = NAN;
    if (s == CHI_OK) s = chi_strdup(names[i], &c->name);
    if (s == CHI_OK) s = chi_strdup("", &c->region);
  }
  if (s != CHI_OK) chi_channels_free(out);
  return s;
}

void chi_channels_free(chi_channels *channels)
{
  for (int64_t i = 0; i < channels->n; i++) {
    chi_free(channels->item[i].name);
    chi_free(channels->item[i].region);
  }
  chi_free(channels->item);
  *channels = (chi_channels){0};
}

int64_t chi_channels_find(const chi_channels *channels, const char *name)
{
  for (int64_t i = 0; i < channels->n; i++)
    if (strcmp(channels->item[i].name, name) == 0) return i;
  return -1;
}

/* Part a name into its shaft (how many bytes) and its number on it; false if it has none. */
static bool split(const char *name, size_t *stem, int64_t *number)
{
  size_t n = strlen(name);
  while (n > 0 && !isalpha((unsigned char)name[n - 1])) n--;
  *stem = n;
  *number = 0;
  const char *digits = name + n;
  const size_t n_digits = strlen(digits);
  if (n_digits == 0 || n_digits > 9 || strspn(digits, "0123456789") != n_digits) return false;
  for (; *digits != '\0'; digits++) *number = 10 * *number + (*digits - '0');
  return true;
}

/* The channel with this number on the shaft of `name`, or -1. */
static int64_t find_on_shaft(const chi_channels *channels, const char *name, size_t stem,
                             int64_t number)
{
  size_t other_stem;
  int64_t other;
  for (int64_t i = 0; i < channels->n; i++)
    if (split(channels->item[i].name, &other_stem, &other) && other_stem == stem &&
        other == number && strncmp(channels->item[i].name, name, stem) == 0)
      return i;
  return -1;
}

static bool find_neighbours(const chi_channels *channels, chi_electrode *e)
{
  size_t stem;
  int64_t number;
  const char *name = channels->item[e->channel].name;
  if (!split(name, &stem, &number)) return false;
  e->before = find_on_shaft(channels, name, stem, number - 1);
  e->after = find_on_shaft(channels, name, stem, number + 1);
  return e->before >= 0 && e->after >= 0 && !channels->item[e->before].left_out &&
         !channels->item[e->after].left_out;
}

chi_status chi_channels_choose(const chi_channels *channels, bool laplacian, const char *where,
                               int64_t *n, chi_electrode **out)
{
  *n = 0;
  CHI_TRY(chi_alloc(channels->n, sizeof **out, "electrodes", out));
  for (int64_t i = 0; i < channels->n; i++) {
    chi_electrode e = {i, -1, -1};
    if (channels->item[i].left_out || (laplacian && !find_neighbours(channels, &e))) continue;
    (*out)[(*n)++] = e;
  }
  if (*n > 0) return CHI_OK;
  chi_free(*out);
  *out = NULL;
  return chi_fail(CHI_ERR_INPUT, "%s: of %lld channels no electrode is left to import%s", where,
                  (long long)channels->n,
                  laplacian ? " that has both its neighbours on the shaft" : "");
}
