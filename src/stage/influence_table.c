#include "stage/influence_table.h"

#include <string.h>

#include "base/memory.h"
#include "chiasm/run.h"
#include "stage/found.h"
#include "store/choose.h"
#include "store/influence_read.h"

/* One alignment: its part of both files, and room for what is read of them. */
typedef struct reading {
  const char *run;
  chi_influence_file *file;
  int32_t table;
  const chi_influence_table *t;
  const chi_fit_table *fit;
  int64_t needed;
  float *scores;       /* CHI_N_SCORES x n_sites x n_times */
  float *influence[2]; /* n_blocks x n_times */
  float *lower;        /* n_times */
} reading;

static chi_status add_site(reading *r, int64_t row, int64_t site, int64_t n_blocks,
                           chi_found_table *all, chi_found *f)
{
  const int64_t n_times = r->t->n_times, scores = r->t->n_sites * n_times;
  const float *val_r = r->scores + CHI_VAL_R * scores + site * n_times;
  const float *test_r = r->scores + CHI_TEST_R * scores + site * n_times;
  CHI_TRY(chi_influence_read(r->file, r->table, row, site, r->influence));
  const float *const influence[] = {r->influence[0], r->influence[1]}, *const score[] = {val_r,
                                                                                         test_r};
  const bool sure =
      chi_influence_lower(n_blocks, n_times, influence, score, 0.5, CHI_TAIL_TAKES_PART, r->lower);
  for (int64_t b = 0; b < n_times && !sure; b++)
    if (r->lower[b] > 0) r->lower[b] = 0;
  chi_found_add(all, r->lower, test_r, n_times, r->needed, f);
  return CHI_OK;
}

/* The sites at which a feature space is the layer of its model's row. */
static chi_status add_space(reading *r, int64_t row, int64_t space, chi_found_table *all,
                            chi_found *f)
{
  const int64_t n_sites = r->t->n_sites, scores = n_sites * r->t->n_times;
  float *const out[] = {r->scores, r->scores + scores, r->scores + 2 * scores};
  char *const *layer = r->t->layer + row * n_sites;
  bool read = false;
  int64_t subject = 0;
  for (int64_t s = 0; s < n_sites; s++) {
    if (s > 0) subject += strcmp(r->fit->subject[s], r->fit->subject[s - 1]) != 0;
    if (strcmp(layer[s], r->fit->layer[space]) != 0) continue;
    if (!read) CHI_TRY(chi_run_read_scores(r->run, r->fit, space, out));
    read = true;
    CHI_TRY(add_site(r, row, s, r->t->subject_blocks[subject], all, f));
  }
  return CHI_OK;
}

static chi_status add_rows(reading *r, chi_found_table *all)
{
  chi_found f = {0};
  const chi_influence_table *t = r->t;
  CHI_TRY(chi_run_bins_needed(all->min_bins, t->alignment, t->n_times, &r->needed));
  for (int64_t row = 0; row < t->n_rows; row++) {
    for (int64_t space = 0; space < r->fit->n_spaces; space++)
      if (strcmp(r->fit->model[space], t->model[row]) == 0)
        CHI_TRY(add_space(r, row, space, all, &f));
    /* with every layer a row of its own, a model's rows make one line */
    if (row + 1 < t->n_rows && strcmp(t->model[row], t->model[row + 1]) == 0) continue;
    chi_found_row(all, t->alignment, t->model[row], &f);
    f = (chi_found){0};
  }
  return CHI_OK;
}

static chi_status add_alignment(reading *r, chi_found_table *all)
{
  const chi_influence_table *t = r->t;
  const int64_t blocks = t->n_blocks * t->n_times;
  chi_status s =
      chi_alloc(CHI_N_SCORES * t->n_sites * t->n_times, sizeof *r->scores, "scores", &r->scores);
  for (int half = 0; half < 2 && s == CHI_OK; half++)
    s = chi_alloc(blocks, sizeof *r->influence[half], "influences", &r->influence[half]);
  if (s == CHI_OK) s = chi_alloc(t->n_times, sizeof *r->lower, "intervals", &r->lower);
  if (s == CHI_OK) s = add_rows(r, all);
  void *arrays[] = {r->scores, r->influence[0], r->influence[1], r->lower};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) chi_free(arrays[i]);
  return s;
}

chi_status chi_influence_report_table(const char *run, int64_t min_bins, chi_text *out)
{
  const chi_influence_table *tables;
  chi_influence_file *file;
  chi_fit_table *fit = NULL;
  chi_found_table all;
  int32_t n, n_fit = 0;
  CHI_TRY(chi_influence_file_open(run, &file, &tables, &n));
  chi_found_begin(min_bins, &all);
  chi_status s = chi_run_read_tables(run, &fit, &n_fit);
  for (int32_t i = 0; i < n && s == CHI_OK; i++)
    for (int32_t k = 0; k < n_fit && s == CHI_OK; k++) {
      reading r = {.run = run, .file = file, .table = i, .t = &tables[i], .fit = &fit[k]};
      if (strcmp(fit[k].alignment, tables[i].alignment) == 0) s = add_alignment(&r, &all);
    }
  chi_fit_tables_free(&fit, n_fit);
  chi_influence_file_close(&file);
  chi_found_end(&all, "influence",
                "by their influences (and its mean with test r in the best of all bins surely so)",
                "they have no score or no spread of it", out);
  return s;
}
