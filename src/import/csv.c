#include "import/csv.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"

static const int64_t size_max = INT64_C(1) << 30; /* bytes; transcripts have a few million */

/* The place that is read next, and where the table's fields go. */
typedef struct cursor {
  char *at;
  const char *ends; /* of a field: the separator, CR, LF */
  int64_t line;
  bool row_ends; /* the field read last was the last of its row */
} cursor;

/* Step over the separator or line end after a field, which becomes the field's NUL at `end`. */
static void pass_end(cursor *c, char *end)
{
  c->row_ends = *c->at != c->ends[0];
  if (c->at[0] == '\r' && c->at[1] == '\n') c->at++;
  if (*c->at == '\n') c->line++;
  if (*c->at != '\0') c->at++;
  *end = '\0';
}

/* A field in quotes, written back over itself without them. */
static chi_status take_quoted(const chi_csv *csv, cursor *c, char **out)
{
  const int64_t first_line = c->line;
  char *to = c->at;
  *out = to;
  for (c->at++;; c->at++) {
    if (*c->at == '\0')
      return chi_fail(CHI_ERR_INPUT, "%s: line %lld: a quote begins here and does not end",
                      csv->where, (long long)first_line);
    if (*c->at == '"' && *++c->at != '"') break;
    if (*c->at == '\n') c->line++;
    *to++ = *c->at;
  }
  if (strchr(c->ends, *c->at) == NULL) /* the NUL at the end too is found */
    return chi_fail(CHI_ERR_INPUT, "%s: line %lld: text after a closing quote", csv->where,
                    (long long)c->line);
  pass_end(c, to);
  return CHI_OK;
}

static chi_status take_field(const chi_csv *csv, cursor *c, char **out)
{
  if (*c->at == '"') return take_quoted(csv, c, out);
  *out = c->at;
  c->at += strcspn(c->at, c->ends);
  while (c->at[0] == '\r' && c->at[1] != '\n') c->at += 1 + strcspn(c->at + 1, c->ends);
  pass_end(c, c->at);
  return CHI_OK;
}

static void skip_empty_lines(cursor *c)
{
  for (; *c->at == '\n' || (c->at[0] == '\r' && c->at[1] == '\n'); c->at++)
    c->line += *c->at == '\n';
}

/* The header and the rows, which lie behind it. */
static chi_status take_table(chi_csv *csv, cursor *c)
{
  int64_t n = 0, fields_room = 0, lines_room = 0;
  for (skip_empty_lines(c); *c->at != '\0'; skip_empty_lines(c)) {
    const int64_t line = c->line, before = n;
    do {
      CHI_TRY(chi_grow(&csv->header, &fields_room, n + 1, sizeof *csv->header, csv->where));
      CHI_TRY(take_field(csv, c, &csv->header[n++]));
    } while (!c->row_ends);
    if (before == 0) {
      csv->n_columns = n;
      continue;
    }
    if (n - before != csv->n_columns)
      return chi_fail(CHI_ERR_INPUT, "%s: line %lld has %s fields than the header, which has %lld",
                      csv->where, (long long)line, n - before < csv->n_columns ? "fewer" : "more",
                      (long long)csv->n_columns);
    CHI_TRY(chi_grow(&csv->line, &lines_room, csv->n_rows + 1, sizeof *csv->line, csv->where));
    csv->line[csv->n_rows++] = line;
  }
  if (n == 0) return chi_fail(CHI_ERR_INPUT, "%s: is empty", csv->where);
  csv->field = csv->header + csv->n_columns;
  return CHI_OK;
}

chi_status chi_csv_read(const char *path, chi_csv *out)
{
  *out = (chi_csv){0};
  chi_status s = chi_strdup(path, &out->where);
  if (s == CHI_OK) s = chi_text_read_large(path, path, size_max, &out->text);
  if (s == CHI_OK) {
    const size_t n = strlen(path);
    const bool tabs = n > 4 && strcasecmp(path + n - 4, ".tsv") == 0;
    cursor c = {.at = out->text, .ends = tabs ? "\t\r\n" : ",\r\n", .line = 1};
    if (strncmp(c.at, "\xef\xbb\xbf", 3) == 0) c.at += 3;
    s = take_table(out, &c);
  }
  if (s != CHI_OK) chi_csv_free(out);
  return s;
}

void chi_csv_free(chi_csv *csv)
{
  chi_free(csv->where);
  chi_free(csv->text);
  chi_free(csv->header); /* and the fields, which lie behind it */
  chi_free(csv->line);
  *csv = (chi_csv){0};
}

int64_t chi_csv_find(const chi_csv *csv, const char *name)
{
  for (int64_t i = 0; i < csv->n_columns; i++)
    if (strcmp(csv->header[i], name) == 0) return i;
  return -1;
}

chi_status chi_csv_require(const chi_csv *csv, const char *name, int64_t *column)
{
  *column = chi_csv_find(csv, name);
  if (*column >= 0) return CHI_OK;
  char there[400] = "";
  size_t n = 0;
  for (int64_t i = 0; i < csv->n_columns && n < sizeof there - 1; i++)
    n += (size_t)snprintf(there + n, sizeof there - n, "%s%s", i == 0 ? "" : ", ", csv->header[i]);
  return chi_fail(CHI_ERR_INPUT, "%s: has no column `%s`; its columns are %s", csv->where, name,
                  there);
}

const char *chi_csv_text(const chi_csv *csv, int64_t row, int64_t column)
{
  return csv->field[row * csv->n_columns + column];
}

chi_status chi_csv_number(const chi_csv *csv, int64_t row, int64_t column, double *value)
{
  const char *text = chi_csv_text(csv, row, column);
  char *end;
  *value = NAN;
  text += strspn(text, " \t");
  if (*text == '\0' || strcasecmp(text, "nan") == 0 || strcasecmp(text, "n/a") == 0) return CHI_OK;
  *value = strtod(text, &end);
  if (end != text && end[strspn(end, " \t")] == '\0' && isfinite(*value)) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: line %lld: %s is `%.60s`, expected a number", csv->where,
                  (long long)csv->line[row], csv->header[column], text);
}
