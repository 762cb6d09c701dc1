#include "stage/bootstrap_table.h"

#include <string.h>

#include "base/memory.h"
#include "stage/found.h"
#include "store/bootstrap_read.h"
#include "store/choose.h"

/* One row of the file into what is said of its model. */
static chi_status add_row(chi_found_table *all, chi_bootstrap_file *file, int32_t i,
                          const chi_bootstrap_table *t, int64_t row, float *values, chi_found *f)
{
  float *summary[CHI_N_SUMMARIES];
  int64_t needed;
  for (int k = 0; k < CHI_N_SUMMARIES; k++) summary[k] = values + k * t->n_sites * t->n_times;
  CHI_TRY(chi_run_bins_needed(all->min_bins, t->alignment, t->n_times, &needed));
  CHI_TRY(chi_bootstrap_read_summaries(file, i, row, summary));
  for (int64_t s = 0; s < t->n_sites; s++)
    if (t->layer[row * t->n_sites + s][0] != '\0')
      chi_found_add(all, summary[CHI_VAL_R_LOWER] + s * t->n_times,
                    summary[CHI_TEST_R_MEAN] + s * t->n_times, t->n_times, needed, f);
  return CHI_OK;
}

static chi_status add_alignment(chi_found_table *all, chi_bootstrap_file *file, int32_t i,
                                const chi_bootstrap_table *t)
{
  float *values = NULL;
  CHI_TRY(
      chi_alloc(CHI_N_SUMMARIES * t->n_sites * t->n_times, sizeof *values, "summaries", &values));
  chi_status s = CHI_OK;
  chi_found f = {0};
  for (int64_t row = 0; row < t->n_rows && s == CHI_OK; row++) {
    s = add_row(all, file, i, t, row, values, &f);
    /* with every layer a row of its own, a model's rows make one line */
    if (row + 1 < t->n_rows && strcmp(t->model[row], t->model[row + 1]) == 0) continue;
    chi_found_row(all, t->alignment, t->model[row], &f);
    f = (chi_found){0};
  }
  chi_free(values);
  return s;
}

chi_status chi_bootstrap_report_table(const char *run, int64_t min_bins, chi_text *out)
{
  const chi_bootstrap_table *tables;
  chi_bootstrap_file *file;
  chi_found_table all;
  int32_t n;
  CHI_TRY(chi_bootstrap_file_open(run, &file, &tables, &n));
  chi_found_begin(min_bins, &all);
  chi_status s = CHI_OK;
  for (int32_t i = 0; i < n && s == CHI_OK; i++) s = add_alignment(&all, file, i, &tables[i]);
  chi_bootstrap_file_close(&file);
  chi_found_end(
      &all, "bootstrap", "in 97.5 % of the replicates",
      "over 5 % of their replicates have no score (too few events, or constant responses)", out);
  return s;
}
