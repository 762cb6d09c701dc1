/* Names: finding them, and the nearest known one to a misspelt one. */
#include <stdio.h>
#include <string.h>

#include "base/options_private.h"

enum { LONGEST = 64 };

static int least(int a, int b) { return a < b ? a : b; }

int chi_edit_distance(const char *a, const char *b)
{
  const int n = least((int)strlen(a), LONGEST), m = least((int)strlen(b), LONGEST);
  int row[3][LONGEST + 1]; /* of the last three letters of a */
  for (int j = 0; j <= m; j++) row[0][j] = j;
  for (int i = 1; i <= n; i++) {
    int *now = row[i % 3];
    const int *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
    now[0] = i;
    for (int j = 1; j <= m; j++) {
      now[j] = least(last[j - 1] + (a[i - 1] != b[j - 1]), 1 + least(last[j], now[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        now[j] = least(now[j], before[j - 2] + 1);
    }
  }
  return row[n % 3][m];
}

bool chi_nearest_offer(chi_nearest *nearest, const char *known)
{
  const int distance = chi_edit_distance(nearest->wanted, known);
  if (nearest->word[0] == '\0' || distance < nearest->distance) {
    snprintf(nearest->word, sizeof nearest->word, "%s", known);
    nearest->distance = distance;
  }
  return distance == 0;
}

bool chi_option_is_ours(const chi_options *options, int i)
{
  return (options->table[i].commands & options->command->bit) != 0;
}

int chi_option_find(const chi_options *options, const char *name)
{
  for (int i = 0; i < options->n; i++)
    if (chi_option_is_ours(options, i) && strcmp(options->table[i].name, name) == 0) return i;
  return -1;
}

void chi_options_offer(const chi_options *options, unsigned commands, chi_nearest *nearest)
{
  for (int i = 0; i < options->n; i++)
    if ((options->table[i].commands & commands) != 0)
      chi_nearest_offer(nearest, options->table[i].name);
}

const chi_command *chi_program_command(const chi_program *program, const char *name)
{
  for (int i = 0; i < program->n_commands; i++)
    if (strcmp(program->command[i].name, name) == 0) return &program->command[i];
  return NULL;
}
