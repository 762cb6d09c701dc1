#include "store/choose.h"

#include <math.h>

#include "base/memory.h"
#include "base/statistics.h"

/* What the sites have of feature space f, after those before it. */
static void look_at_space(const chi_fit_table *t, chi_layer_selection selection, int64_t f,
                          const float *val_r, double *best, int64_t *space)
{
  for (int64_t i = 0; i < t->n_sites; i++) {
    if (t->done[f * t->n_sites + i] != CHI_DONE_WRITTEN || t->present[f * t->n_sites + i] == 0)
      continue;
    const double mean = chi_mean(t->n_times, val_r + i * t->n_times);
    const bool better = selection == CHI_LAYERS_SITE ? mean > best[i] : isfinite(mean);
    if (!better) continue;
    best[i] = mean;
    space[i] = f;
  }
}

chi_status chi_run_choose_layer(const char *run, const chi_fit_table *table,
                                chi_layer_selection selection, int64_t begin, int64_t end,
                                int64_t *space)
{
  const int64_t n = table->n_sites;
  const int64_t n_scores = n * table->n_times;
  float *scores = NULL;
  double *best = NULL;
  chi_status s = chi_alloc(CHI_N_SCORES * n_scores, sizeof *scores, "scores", &scores);
  if (s == CHI_OK) s = chi_alloc(n, sizeof *best, "scores", &best);
  for (int64_t i = 0; i < n && s == CHI_OK; i++) {
    space[i] = -1;
    best[i] = -INFINITY;
  }
  for (int64_t f = begin; f < end && s == CHI_OK; f++) {
    float *const out[] = {scores, scores + n_scores, scores + 2 * n_scores};
    s = chi_run_read_scores(run, table, f, out);
    if (s == CHI_OK) look_at_space(table, selection, f, out[CHI_VAL_R], best, space);
  }
  chi_free(scores);
  chi_free(best);
  return s;
}

chi_status chi_run_bins_needed(int64_t min_bins, const char *alignment, int64_t n_times,
                               int64_t *needed)
{
  const int64_t enough = n_times < 10 ? n_times : 10;
  *needed = min_bins == 0 ? enough : min_bins;
  if (*needed <= n_times) return CHI_OK;
  return chi_fail(CHI_ERR_USAGE,
                  "--min-bins %lld: the alignment %s has %lld bins in all; choose fewer",
                  (long long)min_bins, alignment, (long long)n_times);
}
