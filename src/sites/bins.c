/* The test `bins`: each side's kept bins resampled (the paper's second-order bootstrap). */
#include <math.h>
#include <omp.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/random.h"
#include "sites/data.h"

enum { RESAMPLES = 10000, PURPOSE = 1 };

chi_status chi_sites_choose_bins(chi_sites_work *work, const chi_sites_pair *pair,
                                 chi_sites_result *result)
{
  chi_sites_line *line = &result->line;
  line->bins = chi_sites_mark_union(work, pair);
  const int32_t better = chi_sites_best(work, &pair->better, 1, NULL, &line->r_better);
  const int32_t than = chi_sites_best(work, &pair->than, 1, NULL, &line->r_than);
  chi_sites_name_models(work, pair, better, than, result);
  line->by_default = (better < 0) != (than < 0);
  line->difference = line->r_better - line->r_than;
  return CHI_OK;
}

/* The values that a model's score is the mean of: test r of its kept bins, in order of time.
 * \param[out] out  n_times at most */
static int64_t kept_values(const chi_sites_data *d, int32_t model, int64_t site, double *out)
{
  const int64_t at = chi_sites_at(d, model, site);
  int64_t n = 0;
  for (int64_t b = at; b < at + d->n_times; b++)
    if (d->kept[b] && isfinite(d->mean[1][b])) out[n++] = (double)d->mean[1][b];
  return n;
}

/* Random words one after the other. */
typedef struct words {
  chi_random_key key;
  uint64_t comparison, site, next, four[4];
} words;

static double draw_mean(words *w, const double *x, int64_t n)
{
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    if (w->next % 4 == 0)
      chi_random_bits(w->key, w->next / 4, PURPOSE, w->comparison, w->site, w->four);
    sum += x[chi_random_below(w->four[w->next % 4], (uint64_t)n)];
    w->next++;
  }
  return sum / (double)n;
}

static void resample(const chi_sites_data *d, chi_random_key key, double *room,
                     chi_sites_result *result)
{
  char name[1024];
  chi_sites_line *line = &result->line;
  snprintf(name, sizeof name, "%s/%s/%s/%s", line->alignment, line->subject, line->electrode,
           result->network);
  words w = {
      .key = key, .comparison = chi_random_hash(line->comparison), .site = chi_random_hash(name)};
  double *better = room, *than = room + d->n_times, sum = 0, squares = 0;
  const int64_t n_better = kept_values(d, result->model_better, result->site, better);
  const int64_t n_than = kept_values(d, result->model_than, result->site, than);
  int64_t losses = 0;
  for (int i = 0; i < RESAMPLES; i++) {
    const double x = draw_mean(&w, better, n_better), y = draw_mean(&w, than, n_than);
    const double off = x - y - line->difference; /* small: no digits are lost in the squares */
    losses += x - y <= 0;
    sum += off;
    squares += off * off;
  }
  line->se = sqrt(fmax(0, (squares - sum * sum / RESAMPLES) / (RESAMPLES - 1)));
  line->p = (double)(1 + losses) / (RESAMPLES + 1);
}

chi_status chi_sites_resample(const chi_sites_data *data, uint64_t seed, int threads,
                              chi_sites_result *results, int64_t n)
{
  const chi_random_key key = chi_random_make_key(seed, "sites");
  double *room = NULL;
  CHI_TRY(chi_alloc(2 * data->n_times * threads, sizeof *room, "bins", &room));
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (int64_t i = 0; i < n; i++)
    if (results[i].model_better >= 0 && results[i].model_than >= 0)
      resample(data, key, room + 2 * data->n_times * omp_get_thread_num(), &results[i]);
  chi_free(room);
  return CHI_OK;
}
