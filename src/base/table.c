#include "base/table.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void chi_table_begin(chi_table *table, const char *heads)
{
  *table = (chi_table){0};
  for (const char *at = heads; table->n_columns < CHI_TABLE_COLUMNS; at++) {
    const bool right = at[0] == '>';
    const int n = (int)strcspn(at, "\t") - right;
    chi_text_add(&table->lines, "%s%.*s", table->n_columns == 0 ? "" : "\t", n, at + right);
    table->right[table->n_columns++] = right;
    at += right + n;
    if (*at == '\0') break;
  }
  chi_text_add(&table->lines, "\n");
}

void chi_table_row(chi_table *table, const char *format, ...)
{
  chi_text *lines = &table->lines;
  const int64_t start = lines->n;
  va_list args;
  va_start(args, format);
  chi_text_add_list(lines, format, args);
  va_end(args);
  if (lines->n > start) chi_text_clean(lines->s + start, "\t");
  int column = 0;
  for (int64_t i = start; i < lines->n; i++)
    if (lines->s[i] == '\t' && ++column >= table->n_columns) lines->s[i] = ' ';
  chi_text_add(lines, "\n");
}

/* Go on to the next cell, and to column 0 after a line's last. */
static const char *next_cell(const char *at, int length, int *column)
{
  *column = at[length] == '\n' ? 0 : *column + 1;
  return at + length + 1;
}

void chi_table_end(chi_table *table, chi_text *out)
{
  const char *lines = table->lines.failed ? "" : table->lines.s;
  int width[CHI_TABLE_COLUMNS] = {0}, column = 0, n, blanks = 0;
  for (const char *at = lines; *at != '\0'; at = next_cell(at, n, &column)) {
    n = (int)strcspn(at, "\t\n");
    if (n > width[column]) width[column] = n;
  }
  const char *first = lines[strspn(lines, "\t")] == '\n' ? strchr(lines, '\n') + 1 : lines;
  for (const char *at = first; *at != '\0'; at = next_cell(at, n, &column)) {
    n = (int)strcspn(at, "\t\n");
    const int left = table->right[column] ? width[column] - n : 0;
    if (n > 0) chi_text_add(out, "%*s%.*s", blanks + left, "", n, at);
    blanks = (n > 0 ? width[column] - n - left : blanks + width[column]) + 2;
    if (at[n] != '\n') continue;
    chi_text_add(out, "\n");
    blanks = 0;
  }
  out->failed = out->failed || table->lines.failed;
  chi_text_free(&table->lines);
}

const char *chi_cell(char *room, const char *format, double value)
{
  if (isnan(value))
    snprintf(room, CHI_CELL, "-");
  else
    snprintf(room, CHI_CELL, format, value);
  return room;
}
