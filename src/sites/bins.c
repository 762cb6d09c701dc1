/* The test `bins`: each side's kept bins resampled (the paper's second-order bootstrap). */
#include <math.h>
#include <omp.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/random.h"
#include "sites/internal.h"

enum { RESAMPLES = 10000, PURPOSE = 1 };

/* The values that a model's score is the mean of: test r of its kept bins, in order of time.
 * \param[out] out  n_times at most */
static int64_t kept_values(const chi_sites_data *d, int32_t model, int64_t site, double *out)
{
  const float *low = d->val_low + chi_sites_at(d, model, site);
  const float *test = d->mean[1] + chi_sites_at(d, model, site);
  int64_t n = 0;
  for (int64_t b = 0; b < d->n_times; b++) {
    if (!(low[b] > 0) || !isfinite(test[b])) continue;
    out[n++] = (double)test[b];
  }
  return n;
}

static double mean_of(const double *x, int64_t n)
{
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += x[i];
  return n > 0 ? sum / (double)n : NAN;
}

/* The side's model with the highest score among those that take part, the first on a tie; or -1. */
static int32_t best_model(chi_sites_work *work, const chi_sites_side *side, double *values,
                          double *score)
{
  int32_t best = -1;
  double highest = -INFINITY;
  for (int32_t i = 0; i < side->n; i++) {
    if (!chi_sites_takes_part(work, side->model[i])) continue;
    const int64_t n = kept_values(work->data, side->model[i], work->site, values);
    const double mean = mean_of(values, n);
    if (!(mean > highest)) continue;
    highest = mean;
    best = side->model[i];
  }
  *score = best < 0 ? NAN : highest;
  return best;
}

chi_status chi_sites_choose_bins(chi_sites_work *work, const chi_sites_pair *pair,
                                 chi_sites_row *row)
{
  double *values = NULL;
  CHI_TRY(chi_alloc(work->data->n_times, sizeof *values, "bins", &values));
  chi_sites_mark_union(work, pair, row);
  const int32_t better = best_model(work, &pair->better, values, &row->r_better);
  const int32_t than = best_model(work, &pair->than, values, &row->r_than);
  chi_free(values);
  chi_sites_name_models(work, pair, better, than, row);
  row->by_default = (better < 0) != (than < 0);
  row->difference = row->r_better - row->r_than;
  return CHI_OK;
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

static void resample(const chi_sites_run *run, const chi_sites_data *d, double *room,
                     chi_sites_row *row)
{
  char name[1024];
  snprintf(name, sizeof name, "%s/%s/%s/%s", d->fit->alignment, d->fit->subject[row->site],
           d->fit->electrode[row->site], row->network);
  words w = {.key = chi_random_make_key(run->options->seed, "sites"),
             .comparison = chi_random_hash(run->comparison[row->comparison].name),
             .site = chi_random_hash(name)};
  double *better = room, *than = room + d->n_times, sum = 0, squares = 0;
  const int64_t n_better = kept_values(d, row->model_better, row->site, better);
  const int64_t n_than = kept_values(d, row->model_than, row->site, than);
  int64_t losses = 0;
  for (int i = 0; i < RESAMPLES; i++) {
    const double x = draw_mean(&w, better, n_better), y = draw_mean(&w, than, n_than);
    const double off = x - y - row->difference; /* small: no digits are lost in the squares */
    losses += x - y <= 0;
    sum += off;
    squares += off * off;
  }
  row->se = sqrt(fmax(0, (squares - sum * sum / RESAMPLES) / (RESAMPLES - 1)));
  row->p = (double)(1 + losses) / (RESAMPLES + 1);
}

chi_status chi_sites_resample(const chi_sites_run *run, int32_t alignment, chi_sites_row *rows,
                              int64_t n)
{
  const chi_sites_data *d = &run->data[alignment];
  const int threads = run->options->threads;
  double *room = NULL;
  CHI_TRY(chi_alloc(2 * d->n_times * threads, sizeof *room, "bins", &room));
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (int64_t i = 0; i < n; i++)
    if (rows[i].model_better >= 0 && rows[i].model_than >= 0)
      resample(run, d, room + 2 * d->n_times * omp_get_thread_num(), &rows[i]);
  chi_free(room);
  return CHI_OK;
}
