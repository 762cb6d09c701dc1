#include "import/localise.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "import/csv.h"

enum { LABEL_ROOM = 201 };

void chi_label_strip(char *label)
{
  char *to = label;
  for (const char *c = label; *c != '\0'; c++)
    if (strchr("*#_", *c) == NULL) *to++ = *c;
  *to = '\0';
}

/* The channel whose name a field is, or -1. */
static int64_t find_channel(const chi_plan *plan, const char *field)
{
  char label[LABEL_ROOM];
  if (strlen(field) >= sizeof label) return -1;
  snprintf(label, sizeof label, "%s", field);
  chi_label_strip(label);
  return chi_channels_find(&plan->channels, label);
}

static bool is_missing(chi_plan *plan, const char *path, const char *what)
{
  if (access(path, F_OK) == 0 || errno != ENOENT) return false;
  chi_plan_note(plan, "!%s: there is no such file, so the electrodes get no %s", path, what);
  return true;
}

/* The name of a region without its side, which the coordinates tell. */
static const char *without_side(const char *region)
{
  static const char *const sides[] = {"ctx-lh-", "ctx-rh-", "ctx_lh_",
                                      "ctx_rh_", "Left-",   "Right-"};
  for (size_t i = 0; i < sizeof sides / sizeof *sides; i++)
    if (strncmp(region, sides[i], strlen(sides[i])) == 0) return region + strlen(sides[i]);
  return region;
}

static chi_status choose_atlas(const chi_csv *csv, const char *atlas, int64_t *column)
{
  static const char *const preferred[] = {"DKT", "DesikanKilliany", "Destrieux"};
  if (atlas != NULL) return chi_csv_require(csv, atlas, column);
  *column = chi_csv_find(csv, preferred[0]);
  for (int64_t i = 0; *column < 0 && i < csv->n_columns; i++)
    if (strstr(csv->header[i], "DKT") != NULL) *column = i;
  for (int i = 1; *column < 0 && i < 3; i++) *column = chi_csv_find(csv, preferred[i]);
  return *column >= 0 ? CHI_OK : chi_csv_require(csv, preferred[0], column);
}

static chi_status take_region(chi_plan *plan, const chi_csv *csv, int64_t row, int64_t name,
                              int64_t column)
{
  const int64_t c = find_channel(plan, chi_csv_text(csv, row, name));
  if (c < 0) return CHI_OK;
  chi_channel *channel = &plan->channels.item[c];
  const char *region = without_side(chi_csv_text(csv, row, column));
  if (channel->region[0] != '\0')
    return chi_fail(CHI_ERR_INPUT, "%s: line %lld: electrode %s has had a row before", csv->where,
                    (long long)csv->line[row], channel->name);
  if (strlen(region) >= LABEL_ROOM || strpbrk(region, "\r\n\t") != NULL)
    return chi_fail(CHI_ERR_INPUT, "%s: line %lld: %s is no short text", csv->where,
                    (long long)csv->line[row], csv->header[column]);
  chi_free(channel->region);
  channel->region = NULL;
  return chi_strdup(region, &channel->region);
}

/* Count the imported electrodes that a table does not have. */
static void note_without(chi_plan *plan, const char *path, const char *what, bool regions)
{
  int64_t n = 0;
  const char *first = "";
  for (int64_t i = 0; i < plan->n_electrodes; i++) {
    const chi_channel *c = &plan->channels.item[plan->electrode[i].channel];
    if (regions ? c->region[0] != '\0' : !isnan(c->xyz[0])) continue;
    if (n++ == 0) first = c->name;
  }
  if (n > 0)
    chi_plan_note(plan, "!%s: %lld of %lld electrodes have no %s there, the first is %s", path,
                  (long long)n, (long long)plan->n_electrodes, what, first);
}

chi_status chi_localise_regions(chi_plan *plan, const char *path, const char *atlas)
{
  chi_csv csv;
  int64_t name, column = -1;
  if (atlas == NULL && is_missing(plan, path, "regions")) return CHI_OK;
  CHI_TRY(chi_csv_read(path, &csv));
  chi_status s = chi_csv_require(&csv, "Electrode", &name);
  if (s == CHI_OK) s = choose_atlas(&csv, atlas, &column);
  for (int64_t i = 0; i < csv.n_rows && s == CHI_OK; i++)
    s = take_region(plan, &csv, i, name, column);
  if (s == CHI_OK) {
    plan->has_regions = true;
    chi_plan_note(plan, "%s: regions are those of column %s", path, csv.header[column]);
    note_without(plan, path, "region", true);
  }
  chi_csv_free(&csv);
  return s;
}

/* Whether an ID is "<subject>-<label>"; the label then. */
static const char *label_of(const chi_plan *plan, const char *id)
{
  const size_t n = strlen(plan->subject);
  return strncmp(id, plan->subject, n) == 0 && id[n] == '-' ? id + n + 1 : NULL;
}

static chi_status take_place(chi_plan *plan, const chi_csv *csv, int64_t row, int64_t id,
                             const int64_t *column)
{
  const char *label = label_of(plan, chi_csv_text(csv, row, id));
  const int64_t c = label == NULL ? -1 : find_channel(plan, label);
  for (int k = 0; k < 3 && c >= 0; k++) {
    double value;
    CHI_TRY(chi_csv_number(csv, row, column[k], &value));
    plan->channels.item[c].xyz[k] = (float)value;
  }
  return CHI_OK;
}

chi_status chi_localise_places(chi_plan *plan, const char *path)
{
  chi_csv csv;
  int64_t id, column[3];
  if (is_missing(plan, path, "coordinates")) return CHI_OK;
  CHI_TRY(chi_csv_read(path, &csv));
  chi_status s = chi_csv_require(&csv, "ID", &id);
  if (s == CHI_OK) s = chi_csv_require(&csv, "X", &column[0]);
  if (s == CHI_OK) s = chi_csv_require(&csv, "Y", &column[1]);
  if (s == CHI_OK) s = chi_csv_require(&csv, "Z", &column[2]);
  for (int64_t i = 0; i < csv.n_rows && s == CHI_OK; i++) s = take_place(plan, &csv, i, id, column);
  if (s == CHI_OK) {
    plan->has_places = true;
    note_without(plan, path, "coordinates", false);
  }
  chi_csv_free(&csv);
  return s;
}
