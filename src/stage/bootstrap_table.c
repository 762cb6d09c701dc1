#include "stage/bootstrap_table.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/table.h"
#include "store/bootstrap_read.h"

enum { ENOUGH_BINS = 10 }; /* as `chiasm sites` wants by default */

/* What the replicates say of one model: sites that have a layer; those of them where enough bins
 * have a validation r above 0 with 97.5 % of the replicates; and their mean test r in those bins.
 */
typedef struct found {
  int64_t sites, predicted, bins;
  double sum;
} found;

static void add_site(const float *lower, const float *test_r, int64_t n_times, found *f)
{
  int64_t bins = 0;
  double sum = 0;
  for (int64_t b = 0; b < n_times; b++) {
    if (!(lower[b] > 0) || !isfinite(test_r[b])) continue;
    bins++;
    sum += (double)test_r[b];
  }
  f->sites++;
  if (bins < ENOUGH_BINS && bins < n_times) return;
  f->predicted++;
  f->bins += bins;
  f->sum += sum;
}

static chi_status add_row(chi_bootstrap_file *file, int32_t table, const chi_bootstrap_table *t,
                          int64_t row, float *values, found *f)
{
  float *summary[CHI_N_SUMMARIES];
  for (int k = 0; k < CHI_N_SUMMARIES; k++) summary[k] = values + k * t->n_sites * t->n_times;
  CHI_TRY(chi_bootstrap_read_summaries(file, table, row, summary));
  for (int64_t i = 0; i < t->n_sites; i++)
    if (t->layer[row * t->n_sites + i][0] != '\0')
      add_site(summary[CHI_VAL_R_LOWER] + i * t->n_times, summary[CHI_TEST_R_MEAN] + i * t->n_times,
               t->n_times, f);
  return CHI_OK;
}

static chi_status add_alignment(chi_bootstrap_file *file, int32_t i, const chi_bootstrap_table *t,
                                chi_table *table)
{
  float *values = NULL;
  char mean[CHI_CELL];
  CHI_TRY(
      chi_alloc(CHI_N_SUMMARIES * t->n_sites * t->n_times, sizeof *values, "summaries", &values));
  chi_status s = CHI_OK;
  found f = {0};
  for (int64_t row = 0; row < t->n_rows && s == CHI_OK; row++) {
    s = add_row(file, i, t, row, values, &f);
    /* with every layer a row of its own, a model's rows make one line */
    if (row + 1 < t->n_rows && strcmp(t->model[row], t->model[row + 1]) == 0) continue;
    chi_table_row(table, "%s\t%s\t%lld\t%lld\t%s", t->alignment, t->model[row], (long long)f.sites,
                  (long long)f.predicted,
                  chi_cell(mean, "%.4f", f.bins > 0 ? f.sum / (double)f.bins : NAN));
    f = (found){0};
  }
  chi_free(values);
  return s;
}

chi_status chi_bootstrap_report_table(const char *run, chi_text *out)
{
  chi_bootstrap_file *file;
  const chi_bootstrap_table *tables;
  int32_t n;
  chi_table table;
  CHI_TRY(chi_bootstrap_file_open(run, &file, &tables, &n));
  chi_table_begin(&table, "alignment\tmodel\t>sites\t>predicted\t>their test r");
  chi_status s = CHI_OK;
  for (int32_t i = 0; i < n && s == CHI_OK; i++) s = add_alignment(file, i, &tables[i], &table);
  chi_bootstrap_file_close(&file);
  chi_table_end(&table, out);
  chi_text_add(
      out,
      "\npredicted: sites with %d bins or more whose validation r is above 0 in 97.5 %% of "
      "the replicates\n",
      ENOUGH_BINS);
  return s;
}
