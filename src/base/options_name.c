/* Names: finding them, and the nearest known one to a misspelt one. */
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

int chi_option_find(const chi_option *table, int n, unsigned commands, const char *name)
{
  for (int i = 0; i < n; i++)
    if ((table[i].commands & commands) != 0 && strcmp(table[i].name, name) == 0) return i;
  return -1;
}

const char *chi_option_nearest(const chi_option *table, int n, unsigned commands, const char *word)
{
  const char *best = "";
  int distance = LONGEST + 1;
  for (int i = 0; i < n; i++) {
    if ((table[i].commands & commands) == 0) continue;
    const int d = chi_edit_distance(word, table[i].name);
    if (d < distance) {
      distance = d;
      best = table[i].name;
    }
  }
  return best;
}
