#include "stage/bootstrap_table.h"

#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/table.h"
#include "store/bootstrap_read.h"
#include "store/choose.h"

/* What the replicates say of one model: sites that have a layer; those of them where enough bins
 * have a validation r above 0 with 97.5 % of the replicates; and their mean test r in those bins.
 */
typedef struct found {
  int64_t sites, predicted, bins;
  double sum;
} found;

/* What makes the table. */
typedef struct reporting {
  chi_bootstrap_file *file;
  int64_t min_bins;
  chi_table table;
  int64_t predicted, bins, undefined; /* sites, bins, and bins without an interval, of all models */
} reporting;

static void add_site(const float *lower, const float *test_r, int64_t n_times, int64_t needed,
                     reporting *r, found *f)
{
  int64_t bins = 0;
  double sum = 0;
  for (int64_t b = 0; b < n_times; b++) {
    r->undefined += isnan(lower[b]);
    if (!(lower[b] > 0) || !isfinite(test_r[b])) continue;
    bins++;
    sum += (double)test_r[b];
  }
  f->sites++;
  r->bins += n_times;
  if (bins < needed) return;
  r->predicted++;
  f->predicted++;
  f->bins += bins;
  f->sum += sum;
}

static chi_status add_row(reporting *r, int32_t i, const chi_bootstrap_table *t, int64_t row,
                          float *values, found *f)
{
  float *summary[CHI_N_SUMMARIES];
  int64_t needed;
  for (int k = 0; k < CHI_N_SUMMARIES; k++) summary[k] = values + k * t->n_sites * t->n_times;
  CHI_TRY(chi_run_bins_needed(r->min_bins, t->alignment, t->n_times, &needed));
  CHI_TRY(chi_bootstrap_read_summaries(r->file, i, row, summary));
  for (int64_t s = 0; s < t->n_sites; s++)
    if (t->layer[row * t->n_sites + s][0] != '\0')
      add_site(summary[CHI_VAL_R_LOWER] + s * t->n_times, summary[CHI_TEST_R_MEAN] + s * t->n_times,
               t->n_times, needed, r, f);
  return CHI_OK;
}

static chi_status add_alignment(reporting *r, int32_t i, const chi_bootstrap_table *t)
{
  float *values = NULL;
  char mean[CHI_CELL];
  CHI_TRY(
      chi_alloc(CHI_N_SUMMARIES * t->n_sites * t->n_times, sizeof *values, "summaries", &values));
  chi_status s = CHI_OK;
  found f = {0};
  for (int64_t row = 0; row < t->n_rows && s == CHI_OK; row++) {
    s = add_row(r, i, t, row, values, &f);
    /* with every layer a row of its own, a model's rows make one line */
    if (row + 1 < t->n_rows && strcmp(t->model[row], t->model[row + 1]) == 0) continue;
    chi_table_row(&r->table, "%s\t%s\t%lld\t%lld\t%s", t->alignment, t->model[row],
                  (long long)f.sites, (long long)f.predicted,
                  chi_cell(mean, "%.4f", f.bins > 0 ? f.sum / (double)f.bins : NAN));
    f = (found){0};
  }
  chi_free(values);
  return s;
}

static void warn_none(const reporting *r)
{
  chi_log(
      CHI_LOG_WARNING,
      "bootstrap: no model predicts any site, so that chiasm sites will have nothing to test: of "
      "%lld bins %lld have no interval, since over 5 %% of their replicates have no score (too "
      "few events, or constant responses), and the intervals of the others reach below 0 in "
      "too many bins of each site",
      (long long)r->bins, (long long)r->undefined);
}

chi_status chi_bootstrap_report_table(const char *run, int64_t min_bins, chi_text *out)
{
  const chi_bootstrap_table *tables;
  int32_t n;
  reporting r = {.min_bins = min_bins};
  CHI_TRY(chi_bootstrap_file_open(run, &r.file, &tables, &n));
  chi_table_begin(&r.table, "alignment\tmodel\t>sites\t>predicted\t>their test r");
  chi_status s = CHI_OK;
  for (int32_t i = 0; i < n && s == CHI_OK; i++) s = add_alignment(&r, i, &tables[i]);
  chi_bootstrap_file_close(&r.file);
  chi_table_end(&r.table, out);
  chi_text_add(out,
               "\npredicted: sites with %lld bins or more%s whose validation r is above 0 in "
               "97.5 %% of the replicates\n",
               min_bins == 0 ? 10LL : (long long)min_bins,
               min_bins == 0 ? " (or all, of fewer)" : "");
  if (s == CHI_OK && r.predicted == 0) warn_none(&r);
  return s;
}
