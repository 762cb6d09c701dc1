#include "store/bootstrap_read.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "store/internal.h"

struct chi_bootstrap_file {
  chi_store *store;
  char *checksum;
  int32_t n;
  chi_bootstrap_table *table;
};

/* Entries must be sorted, so that those of a row and site stand together. */
static chi_status check_kept(const char *path, const chi_bootstrap_table *t)
{
  int64_t last = -1;
  for (int64_t i = 0; i < t->n_kept; i++) {
    const int64_t row = t->kept_row[i], site = t->kept_site[i], time = t->kept_time[i];
    const bool inside = row >= 0 && row < t->n_rows && site >= 0 && site < t->n_sites &&
                        time >= 0 && time < t->n_times;
    const int64_t at = inside ? (row * t->n_sites + site) * t->n_times + time : -1;
    if (at <= last)
      return chi_fail(CHI_ERR_INPUT,
                      "%s: /%s: entry %lld of kept_test_r is out of range or out of order", path,
                      t->alignment, (long long)i);
    last = at;
  }
  return CHI_OK;
}

/* Take a group's labels, and count what is left and what failed. */
static chi_status take_table(const chi_store *store, chi_content *content, int32_t a,
                             chi_bootstrap_table *t)
{
  chi_group_content *g = &content->group[a];
  t->n_left = chi_store_count(store, content, a, CHI_SUMMARIES, false).left;
  t->n_failed = chi_store_count(store, content, a, CHI_REPLICATES, false).failed;
  chi_content_view(content, a, t);
  t->by_space = (content->variants & CHI_BY_SPACE) != 0;
  t->n_subjects = g->n_subjects;
  t->block_length = g->block_length;
  g->block_length = NULL;
  return check_kept(store->path, t);
}

chi_status chi_bootstrap_file_open(const char *run, chi_bootstrap_file **file,
                                   const chi_bootstrap_table **tables, int32_t *n)
{
  chi_bootstrap_file *f = NULL;
  chi_content labels;
  *file = NULL;
  CHI_TRY(chi_alloc(1, sizeof *f, "bootstrap.h5", &f));
  chi_status s = chi_store_open_read(run, &chi_bootstrap_schema, &f->store, &labels);
  if (s == CHI_OK) s = chi_alloc(labels.n_groups, sizeof *f->table, "tables", &f->table);
  for (; s == CHI_OK && f->n < labels.n_groups; f->n++)
    s = take_table(f->store, &labels, f->n, &f->table[f->n]);
  f->checksum = labels.study_checksum;
  labels.study_checksum = NULL;
  chi_content_free(&labels);
  *file = f;
  *tables = f->table;
  *n = f->n;
  if (s != CHI_OK) chi_bootstrap_file_close(file);
  return s;
}

void chi_bootstrap_file_close(chi_bootstrap_file **file)
{
  chi_bootstrap_file *f = *file;
  if (f == NULL) return;
  *file = NULL;
  chi_store_finish(&f->store, CHI_OK);
  for (int32_t i = 0; i < f->n; i++) {
    chi_content_free_view(&chi_bootstrap_schema, &f->table[i]);
    chi_free(f->table[i].block_length);
  }
  chi_free(f->table);
  chi_free(f->checksum);
  chi_free(f);
}

const char *chi_bootstrap_file_checksum(const chi_bootstrap_file *file) { return file->checksum; }

bool chi_bootstrap_file_keeps(const chi_bootstrap_file *file)
{
  return (chi_store_variants(file->store) & CHI_DROPPED) == 0;
}

/* What does not fit its checksum. */
static chi_status torn_at(const chi_bootstrap_file *file, int32_t table, int64_t row, int64_t site,
                          const char *noun)
{
  const chi_bootstrap_table *t = &file->table[table];
  return chi_fail(CHI_ERR_INPUT,
                  "%s: /%s: %s/%s at %s: the %s do not fit their checksum; chiasm bootstrap %s "
                  "--resume makes them again",
                  file->store->path, t->alignment, t->model[row], t->layer[row * t->n_sites + site],
                  t->site[site], noun, file->store->run);
}

/* A box of all blocks. */
static chi_status read_box(const chi_bootstrap_file *file, const chi_box *box, float *const *data)
{
  int64_t torn;
  CHI_TRY(chi_store_read_whole(file->store, box, data, &torn));
  if (torn < 0) return CHI_OK;
  return torn_at(file, box->group, box->row, box->site + torn / box->n_blocks,
                 chi_bootstrap_schema.record[box->record].noun);
}

chi_status chi_bootstrap_read_summaries(chi_bootstrap_file *file, int32_t table, int64_t row,
                                        float *const out[CHI_N_SUMMARIES])
{
  const chi_box box = {table, CHI_SUMMARIES, row, 0, file->table[table].n_sites, 0, 1};
  return read_box(file, &box, out);
}

/* The first kept entry that does not stand before (row, site). */
static int64_t find_kept(const chi_bootstrap_table *t, int64_t row, int64_t site)
{
  int64_t low = 0, high = t->n_kept;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (t->kept_row[middle] < row || (t->kept_row[middle] == row && t->kept_site[middle] < site))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static chi_status read_kept(const chi_bootstrap_file *file, int32_t table, int64_t row,
                            int64_t site, float *const out[2])
{
  const chi_bootstrap_table *t = &file->table[table];
  const int64_t first = find_kept(t, row, site), n = find_kept(t, row, site + 1) - first;
  float *entries = NULL;
  int64_t torn;
  CHI_TRY(chi_alloc(2 * n * t->n_replicates, sizeof *entries, "replicates", &entries));
  float *const half[] = {entries, entries + n * t->n_replicates};
  chi_status s = chi_store_read_kept(file->store, table, first, n, half, &torn);
  if (s == CHI_OK && torn >= 0) s = torn_at(file, table, row, site, "replicates of kept bins");
  for (int h = 0; h < 2 && s == CHI_OK; h++) {
    for (int64_t i = 0; i < t->n_replicates * t->n_times; i++) out[h][i] = NAN;
    for (int64_t i = 0; i < n; i++)
      for (int64_t r = 0; r < t->n_replicates; r++)
        out[h][r * t->n_times + t->kept_time[first + i]] = half[h][i * t->n_replicates + r];
  }
  chi_free(entries);
  return s;
}

chi_status chi_bootstrap_read_replicates(chi_bootstrap_file *file, int32_t table, int64_t row,
                                         int64_t site, float *const out[2])
{
  if (!chi_bootstrap_file_keeps(file)) return read_kept(file, table, row, site, out);
  const chi_box box = {
      table, CHI_REPLICATES, row, site, 1, 0, chi_store_blocks(file->store, table, CHI_REPLICATES)};
  return read_box(file, &box, out);
}
