/* Reading fit.h5, of runs that are finished or not. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
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

/* A store with the one alignment of a table, without its labels, and the flags of one space. The
 * caller holds chi_h5_lock. */
static chi_status open_table(const chi_fit_table *t, int64_t space, chi_store *store)
{
  CHI_TRY(chi_store_add_groups(store, 1));
  chi_store_group *g = &store->group[0];
  g->length[CHI_ROW] = t->n_spaces;
  g->length[CHI_SITE] = t->n_sites;
  g->length[CHI_TIME] = t->n_times;
  CHI_TRY(chi_strdup(t->alignment, &g->name));
  CHI_TRY(chi_h5_open_read(store->path, store->path, &store->file));
  CHI_TRY(chi_store_open_fields(store, 0));
  const int64_t first = space * t->n_sites;
  if (space >= 0 && space < t->n_spaces) /* else reading says so */
    memcpy(g->flags[CHI_SCORES] + first, t->done + first, (size_t)t->n_sites);
  return CHI_OK;
}

/* NaN where nothing is written: a job that was killed may have left a part there. */
static void blank(const chi_fit_table *t, int64_t space, float *const out[CHI_N_SCORES])
{
  for (int64_t i = 0; i < t->n_sites; i++) {
    if (t->done[space * t->n_sites + i] == CHI_DONE_WRITTEN) continue;
    for (int k = 0; k < CHI_N_SCORES; k++)
      for (int64_t b = 0; b < t->n_times; b++) out[k][i * t->n_times + b] = NAN;
  }
}

chi_status chi_run_read_scores(const char *run_path, const chi_fit_table *table, int64_t space,
                               float *const out[CHI_N_SCORES])
{
  chi_store *store = NULL;
  int64_t torn = -1;
  const chi_box box = {0, CHI_SCORES, space, 0, table->n_sites, 0, 1};
  CHI_TRY(chi_store_create(run_path, &chi_fit_schema, &store));
  chi_h5_lock();
  chi_status s = open_table(table, space, store);
  chi_h5_unlock();
  if (s == CHI_OK) s = chi_store_read_whole(store, &box, out, &torn);
  if (torn >= 0)
    s = chi_fail(CHI_ERR_INPUT,
                 "%s: /%s: %s at %s: the scores do not fit their checksum; chiasm fit STUDY -o %s "
                 "--resume calculates them again",
                 store->path, table->alignment, table->space[space], table->site[torn], run_path);
  if (s == CHI_OK) blank(table, space, out);
  return chi_store_finish(&store, s);
}
