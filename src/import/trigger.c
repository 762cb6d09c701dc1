#include "import/trigger.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/memory.h"
#include "import/csv.h"

/* Whether the film goes on, or begins, with this row. */
static bool begins_part(const chi_csv *csv, int64_t row)
{
  static const char *const columns[] = {"trig_type", "type"};
  for (int i = 0; i < 2; i++) {
    const int64_t column = chi_csv_find(csv, columns[i]);
    if (column < 0) continue;
    const char *kind = chi_csv_text(csv, row, column);
    if (strcmp(kind, "unpause") == 0 || strcmp(kind, "beginning") == 0) return true;
  }
  return false;
}

static chi_status take_number(const chi_csv *csv, int64_t row, int64_t column, double *value)
{
  CHI_TRY(chi_csv_number(csv, row, column, value));
  if (!isnan(*value) && fabs(*value) < 1e15) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: line %lld: %s is `%s`, expected a number", csv->where,
                  (long long)csv->line[row], csv->header[column], chi_csv_text(csv, row, column));
}

static chi_status take_rows(const chi_csv *csv, chi_triggers *out)
{
  int64_t time, index;
  CHI_TRY(chi_csv_require(csv, "movie_time", &time));
  CHI_TRY(chi_csv_require(csv, "index", &index));
  if (csv->n_rows == 0) return chi_fail(CHI_ERR_INPUT, "%s: has no triggers", csv->where);
  CHI_TRY(chi_alloc(csv->n_rows, sizeof *out->movie_time, "triggers", &out->movie_time));
  CHI_TRY(chi_alloc(csv->n_rows, sizeof *out->index, "triggers", &out->index));
  CHI_TRY(chi_alloc(csv->n_rows + 1, sizeof *out->part, "triggers", &out->part));
  for (int64_t i = 0; i < csv->n_rows; i++) {
    CHI_TRY(take_number(csv, i, time, &out->movie_time[i]));
    CHI_TRY(take_number(csv, i, index, &out->index[i]));
    if (i == 0 || begins_part(csv, i)) out->part[out->n_parts++] = i;
  }
  out->n = csv->n_rows;
  out->part[out->n_parts] = out->n;
  return CHI_OK;
}

chi_status chi_triggers_read(const char *path, chi_triggers *out)
{
  chi_csv csv;
  *out = (chi_triggers){0};
  CHI_TRY(chi_csv_read(path, &csv));
  const chi_status s = take_rows(&csv, out);
  chi_csv_free(&csv);
  if (s != CHI_OK) chi_triggers_free(out);
  return s;
}

void chi_triggers_free(chi_triggers *triggers)
{
  chi_free(triggers->movie_time);
  chi_free(triggers->index);
  chi_free(triggers->part);
  *triggers = (chi_triggers){0};
}

chi_trigger_place chi_triggers_sample(const chi_triggers *g, double t, double rate, int64_t *sample)
{
  int64_t p = 0;
  while (p < g->n_parts - 1 && t > g->movie_time[g->part[p + 1] - 1]) p++;
  const int64_t first = g->part[p], end = g->part[p + 1];
  if (p == g->n_parts - 1 && t > g->movie_time[end - 1]) return CHI_TRIGGER_AFTER_END;
  int64_t nearest = first; /* a row of a pause may step back in time: no search by halves */
  for (int64_t i = first + 1; i < end; i++)
    if (fabs(g->movie_time[i] - t) < fabs(g->movie_time[nearest] - t)) nearest = i;
  const double at = rint(g->index[nearest] + (t - g->movie_time[nearest]) * rate);
  *sample = (int64_t)at;
  if (p > 0 && at < g->index[first] && at > g->index[first - 1]) return CHI_TRIGGER_IN_PAUSE;
  if (p < g->n_parts - 1 && at > g->index[end - 1] && at < g->index[end])
    return CHI_TRIGGER_IN_PAUSE;
  return CHI_TRIGGER_FOUND;
}
