/* Reading fit.h5, of runs that are finished or not. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "h5/box.h"
#include "h5/h5.h"
#include "store/internal.h"

/* Take a group's labels and flags out of what was opened. */
static chi_status take_table(chi_store *store, chi_content *content, int32_t a, chi_fit_table *t)
{
  const int64_t *length = store->group[a].length, sites = length[CHI_SITE];
  CHI_TRY(chi_alloc(length[CHI_ROW] * sites, 1, "flags", &t->present));
  for (int64_t i = 0; i < length[CHI_ROW] * sites; i++)
    t->present[i] = chi_content_has(content, a, i / sites, i % sites);
  chi_content_view(content, a, t);
  t->done = store->group[a].flags[CHI_SCORES];
  store->group[a].flags[CHI_SCORES] = NULL;
  return CHI_OK;
}

chi_status chi_run_read_tables(const char *run_path, chi_fit_table **tables, int32_t *n)
{
  chi_store *store = NULL;
  chi_content labels;
  *tables = NULL;
  *n = 0;
  CHI_TRY(chi_store_open_read(run_path, &chi_fit_schema, &store, &labels));
  chi_status s = chi_alloc(labels.n_groups, sizeof **tables, "tables", tables);
  for (; *n < labels.n_groups && s == CHI_OK; (*n)++)
    s = take_table(store, &labels, *n, &(*tables)[*n]);
  chi_content_free(&labels);
  s = chi_store_finish(&store, s);
  if (s != CHI_OK) chi_fit_tables_free(tables, *n);
  return s;
}

void chi_fit_tables_free(chi_fit_table **tables, int32_t n)
{
  for (int32_t i = 0; *tables != NULL && i < n; i++) {
    chi_content_free_view(&chi_fit_schema, &(*tables)[i]);
    chi_free((*tables)[i].done);
    chi_free((*tables)[i].present);
  }
  chi_free(*tables);
  *tables = NULL;
}

/* One space of a score. */
typedef struct score {
  const chi_fit_table *table;
  const char *name;
  int64_t space;
  float *out;
} score;

static chi_status read_score(hid_t file, const char *path, const score *c)
{
  const chi_fit_table *t = c->table;
  char where[PATH_MAX + 256];
  chi_h5_dataset set;
  hid_t group;
  snprintf(where, sizeof where, "%s: /%s", path, t->alignment);
  CHI_TRY(chi_h5_open_group(file, path, t->alignment, &group));
  chi_status s = chi_h5_open_dataset(group, where, "", c->name, &set);
  const int64_t start[] = {c->space, 0, 0}, count[] = {1, t->n_sites, t->n_times};
  if (s == CHI_OK && (set.rank != 3 || set.type_class != H5T_FLOAT))
    s = chi_fail(CHI_ERR_INPUT, "%s: %s is not feature_space x site x time", where, c->name);
  if (s == CHI_OK && chi_h5_box(set.id, false, H5T_NATIVE_FLOAT, 3, start, count, c->out) < 0)
    s = chi_fail(CHI_ERR_INPUT, "%s: %s of %s cannot be read (%s)", where, c->name,
                 t->space[c->space], chi_h5_reason());
  chi_h5_close_dataset(&set);
  H5Gclose(group);
  return s;
}

chi_status chi_run_read_score(const char *run_path, const chi_fit_table *table, const char *name,
                              int64_t space, float *out)
{
  char path[PATH_MAX];
  hid_t file;
  const score c = {table, name, space, out};
  CHI_TRY(chi_path_join(path, run_path, "fit.h5"));
  chi_h5_lock();
  chi_status s = chi_h5_open_read(path, path, &file);
  if (s == CHI_OK) {
    s = read_score(file, path, &c);
    H5Fclose(file);
  }
  chi_h5_unlock();
  return s;
}
