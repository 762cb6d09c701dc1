#include "store/influence_read.h"

#include <math.h>

#include "base/memory.h"
#include "base/statistics.h"
#include "store/internal.h"

struct chi_influence_file {
  chi_store *store;
  char *checksum;
  int32_t n;
  chi_influence_table *table;
};

static void take_table(const chi_store *store, chi_content *content, int32_t a,
                       chi_influence_table *t)
{
  const chi_counts cells = chi_store_count(store, content, a, CHI_INFLUENCES, false);
  t->n_left = cells.left;
  t->n_failed = cells.failed;
  chi_content_view(content, a, t);
  t->by_space = (content->variants & CHI_BY_SPACE) != 0;
}

chi_status chi_influence_file_open(const char *run, chi_influence_file **file,
                                   const chi_influence_table **tables, int32_t *n)
{
  chi_influence_file *f = NULL;
  chi_content labels;
  *file = NULL;
  CHI_TRY(chi_alloc(1, sizeof *f, "influence.h5", &f));
  chi_status s = chi_store_open_read(run, &chi_influence_schema, &f->store, &labels);
  if (s == CHI_OK) s = chi_alloc(labels.n_groups, sizeof *f->table, "tables", &f->table);
  for (; s == CHI_OK && f->n < labels.n_groups; f->n++)
    take_table(f->store, &labels, f->n, &f->table[f->n]);
  f->checksum = labels.study_checksum;
  labels.study_checksum = NULL;
  chi_content_free(&labels);
  *file = f;
  *tables = f->table;
  *n = f->n;
  if (s != CHI_OK) chi_influence_file_close(file);
  return s;
}

void chi_influence_file_close(chi_influence_file **file)
{
  chi_influence_file *f = *file;
  if (f == NULL) return;
  *file = NULL;
  chi_store_finish(&f->store, CHI_OK);
  for (int32_t i = 0; i < f->n; i++) chi_content_free_view(&chi_influence_schema, &f->table[i]);
  chi_free(f->table);
  chi_free(f->checksum);
  chi_free(f);
}

const char *chi_influence_file_checksum(const chi_influence_file *file) { return file->checksum; }

chi_status chi_influence_read(chi_influence_file *file, int32_t table, int64_t row, int64_t site,
                              float *const out[2])
{
  const chi_influence_table *t = &file->table[table];
  const chi_box box = {table, CHI_INFLUENCES, row, site, 1, 0, 1};
  int64_t torn;
  CHI_TRY(chi_store_read_whole(file->store, &box, out, &torn));
  if (torn < 0) return CHI_OK;
  return chi_fail(
      CHI_ERR_INPUT,
      "%s: /%s: %s/%s at %s: the influences do not fit their checksum; chiasm influence "
      "%s --resume makes them again",
      file->store->path, t->alignment, t->model[row], t->layer[row * t->n_sites + site],
      t->site[site], file->store->run);
}

static double spread_of(int64_t n_blocks, int64_t n_times, const float *const influence[2],
                        double share, int64_t bin)
{
  double sum = 0;
  for (int64_t i = bin; i < n_blocks * n_times; i += n_times) {
    const double value = (1 - share) * (double)influence[0][i] + share * (double)influence[1][i];
    sum += value * value;
  }
  return sqrt(sum);
}

bool chi_influence_lower(int64_t n_blocks, int64_t n_times, const float *const influence[2],
                         const float *const r[2], double share, double tail, float *lower)
{
  static const double best = 0.05;
  const double df = (double)(n_blocks - 1);
  double squares = 0, largest = -INFINITY;
  int64_t known = 0;
  for (int64_t t = 0; t < n_times; t++) {
    lower[t] = (float)spread_of(n_blocks, n_times, influence, share, t);
    if (!isfinite(r[0][t] + r[1][t]) || !isfinite(lower[t])) lower[t] = NAN;
    if (isnan(lower[t])) continue;
    squares += (double)lower[t] * (double)lower[t];
    known++;
  }
  if (known == 0 || n_blocks < 2) return false;
  const double all = sqrt(squares / (double)known), least = chi_student_quantile(tail, df);
  for (int64_t t = 0; t < n_times; t++) {
    if (isnan(lower[t])) continue;
    const double score = (1 - share) * (double)r[0][t] + share * (double)r[1][t];
    const double s = fmax(all, (double)lower[t]);
    largest = fmax(largest, score / s);
    lower[t] = (float)(score - least * s);
  }
  return largest > chi_student_quantile(best / (double)known, df);
}
