#include "import/channels.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "study/catalog.h"

chi_status chi_channels_add(chi_channels *channels, const char *where, const char *name,
                            bool left_out)
{
  char what[32];
  const int64_t i = channels->n, same = chi_channels_find(channels, name);
  snprintf(what, sizeof what, "name %lld", (long long)i);
  CHI_TRY(chi_name_check(name, where, what));
  if (same >= 0)
    return chi_fail(CHI_ERR_INPUT, "%s: names %lld and %lld are both `%s`, expected unique names",
                    where, (long long)same, (long long)i, name);
  CHI_TRY(chi_grow(&channels->item, &channels->room, i + 1, sizeof *channels->item, "channels"));
  chi_channel *c = &channels->item[channels->n++];
  *c = (chi_channel){.left_out = left_out, .xyz = {NAN, NAN, NAN}};
  CHI_TRY(chi_strdup(name, &c->name));
  return chi_strdup("", &c->region);
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
