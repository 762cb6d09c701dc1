#include "stage/found.h"

#include <math.h>

#include "base/log.h"

void chi_found_begin(int64_t min_bins, chi_found_table *t)
{
  *t = (chi_found_table){.min_bins = min_bins};
  chi_table_begin(&t->table, "alignment\tmodel\t>sites\t>predicted\t>their test r");
}

void chi_found_add(chi_found_table *t, const float *lower, const float *test_r, int64_t n_times,
                   int64_t needed, chi_found *f)
{
  int64_t bins = 0;
  double sum = 0;
  for (int64_t b = 0; b < n_times; b++) {
    t->undefined += isnan(lower[b]);
    if (!(lower[b] > 0) || !isfinite(test_r[b])) continue;
    bins++;
    sum += (double)test_r[b];
  }
  f->sites++;
  t->bins += n_times;
  if (bins < needed) return;
  t->predicted++;
  f->predicted++;
  f->bins += bins;
  f->sum += sum;
}

void chi_found_row(chi_found_table *t, const char *alignment, const char *model, const chi_found *f)
{
  char mean[CHI_CELL];
  chi_table_row(&t->table, "%s\t%s\t%lld\t%lld\t%s", alignment, model, (long long)f->sites,
                (long long)f->predicted,
                chi_cell(mean, "%.4f", f->bins > 0 ? f->sum / (double)f->bins : NAN));
}

void chi_found_end(chi_found_table *t, const char *stage, const char *certain,
                   const char *undefined, chi_text *out)
{
  chi_table_end(&t->table, out);
  chi_text_add(out,
               "\npredicted: sites with %lld bins or more%s whose validation r is above 0 %s\n",
               t->min_bins == 0 ? 10LL : (long long)t->min_bins,
               t->min_bins == 0 ? " (or all, of fewer)" : "", certain);
  if (t->predicted > 0) return;
  chi_log(CHI_LOG_WARNING,
          "%s: no model predicts any site, so that chiasm sites will have nothing to test: of %lld "
          "bins %lld have no interval, since %s, and the intervals of the others reach below 0 in "
          "too many bins of each site",
          stage, (long long)t->bins, (long long)t->undefined, undefined);
}
