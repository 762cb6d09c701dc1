/* The test `bins`: each side's kept bins resampled (the paper's second-order bootstrap). */
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/random.h"
#include "sites/data.h"

enum { RESAMPLES = 10000, PURPOSE = 1 };

/* The random words of one result. */
typedef struct words {
  chi_random_key key;
  uint64_t comparison, site;
} words;

static words make_words(uint64_t seed, const chi_sites_line *line, const char *network)
{
  char name[1024];
  snprintf(name, sizeof name, "%s/%s/%s/%s", line->alignment, line->subject, line->electrode,
           network);
  return (words){.key = chi_random_make_key(seed, "sites"),
                 .comparison = chi_random_hash(line->comparison),
                 .site = chi_random_hash(name)};
}

/* The mean of n values drawn from n by as many words from `first` on. */
static double draw_mean(const words *w, uint64_t first, const double *x, int64_t n)
{
  uint64_t four[4];
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    const uint64_t word = first + (uint64_t)i;
    if (i == 0 || word % 4 == 0)
      chi_random_bits(w->key, word / 4, PURPOSE, w->comparison, w->site, four);
    sum += x[chi_random_below(four[word % 4], (uint64_t)n)];
  }
  return sum / (double)n;
}

/* The values that a model's score is the mean of: test r of its kept bins, in order of time.
 * \param[out] out  n_times at most */
static int64_t kept_values(const chi_sites_work *work, int32_t model, double *out)
{
  const chi_sites_data *d = work->data;
  const int64_t at = chi_sites_at(d, model, work->site);
  int64_t n = 0;
  for (int64_t b = at; b < at + d->n_times; b++)
    if (d->kept[0][b] && isfinite(d->mean[1][b])) out[n++] = (double)d->mean[1][b];
  return n;
}

/* \param room  2 n_times, then RESAMPLES */
static void resample(const chi_sites_work *work, const char *network, double *room,
                     chi_sites_result *result)
{
  chi_sites_line *line = &result->line;
  double *better = room, *than = better + work->data->n_times;
  double *difference = than + work->data->n_times, sum = 0, squares = 0;
  const int64_t n_better = kept_values(work, result->model[CHI_BETTER], better);
  const int64_t n_than = kept_values(work, result->model[CHI_THAN], than);
  const words w = make_words(work->options->seed, line, network);
#pragma omp parallel for num_threads(work->options->threads)
  for (int i = 0; i < RESAMPLES; i++) {
    const uint64_t first = (uint64_t)i * (uint64_t)(n_better + n_than);
    difference[i] = draw_mean(&w, first, better, n_better) -
                    draw_mean(&w, first + (uint64_t)n_better, than, n_than);
  }
  int64_t losses = 0;
  for (int i = 0; i < RESAMPLES; i++) {
    const double off = difference[i] - line->difference; /* small: the squares keep their digits */
    losses += difference[i] <= 0;
    sum += off;
    squares += off * off;
  }
  line->se = sqrt(fmax(0, (squares - sum * sum / RESAMPLES) / (RESAMPLES - 1)));
  line->p = (double)(1 + losses) / (RESAMPLES + 1);
}

chi_status chi_sites_test_bins(chi_sites_work *work, const chi_sites_pair *pair,
                               chi_sites_result *result)
{
  chi_sites_line *line = &result->line;
  double *room = NULL;
  line->bins = chi_sites_mark_union(work, pair, 0);
  for (int i = 0; i < 2; i++)
    result->model[i] = chi_sites_best(work, &pair->side[i], 1, NULL, &line->r[i]);
  line->by_default = (result->model[CHI_BETTER] < 0) != (result->model[CHI_THAN] < 0);
  line->difference = line->r[CHI_BETTER] - line->r[CHI_THAN];
  if (result->model[CHI_BETTER] < 0 || result->model[CHI_THAN] < 0) return CHI_OK;
  CHI_TRY(chi_alloc(2 * work->data->n_times + RESAMPLES, sizeof *room, "resamples", &room));
  resample(work, pair->network, room, result);
  chi_free(room);
  return CHI_OK;
}
