/* The choice of a side's best model as part of the test, by weights for the blocks of events. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "sites/data.h"

enum { PURPOSE = 2 };

/* The weights of the site's recording. */
static chi_status make_weights(chi_sites_work *work)
{
  const chi_fit_table *fit = work->data->fit;
  const int64_t most = work->data->draws->n_draws, n = work->n_draws;
  char stream[1024];
  if (work->weight != NULL && work->weighted_subject == work->subject) return CHI_OK;
  if (work->weight == NULL)
    CHI_TRY(chi_alloc(CHI_MULTIPLIERS * most, sizeof *work->weight, "weights", &work->weight));
  snprintf(stream, sizeof stream, "%s.%s", fit->subject[work->site], fit->alignment);
  const chi_random_key key = chi_random_make_key(work->options->seed, stream);
  for (int64_t i = 0; i < CHI_MULTIPLIERS; i++)
    chi_random_normals(key, (uint64_t)i, PURPOSE, 0, n, work->weight + i * n);
  work->weighted_subject = work->subject;
  return CHI_OK;
}

/* The perturbed scores of one side's models over one union: by half, (model, draw). */
typedef struct perturbed {
  int64_t n;
  double *score[2];
} perturbed;

/* A model's influences averaged over the union: n_draws. \return whether all are known */
static bool average(const chi_sites_work *work, const float *influence, double *mean)
{
  const int64_t n_times = work->data->n_times;
  bool known = true;
  for (int64_t g = 0; g < work->n_draws; g++) {
    mean[g] = chi_sites_mean(work->in_union, influence + g * n_times, NULL, n_times);
    known = known && isfinite(mean[g]);
  }
  return known;
}

/* \param room  2 x n_draws */
static chi_status perturb(chi_sites_work *work, const chi_sites_side *side, double *room,
                          perturbed *out)
{
  const chi_sites_data *d = work->data;
  const int64_t n = work->n_draws;
  for (int half = 0; half < 2; half++)
    CHI_TRY(chi_alloc(side->n * CHI_MULTIPLIERS, sizeof(double), "draws", &out->score[half]));
  for (int32_t m = 0; m < side->n; m++) {
    bool known = d->row[side->model[m] * d->n_sites + work->site] >= 0;
    for (int half = 0; half < 2 && known; half++) {
      const float *influence;
      CHI_TRY(chi_sites_load(work, side->model[m], half, &influence));
      known = average(work, influence, room + half * n);
    }
    if (!known) continue;
    for (int half = 0; half < 2; half++)
      for (int64_t i = 0; i < CHI_MULTIPLIERS; i++) {
        const double *w = work->weight + i * n, *mean = room + half * n;
        double sum = 0;
        for (int64_t g = 0; g < n; g++) sum += w[g] * mean[g];
        out->score[half][out->n * CHI_MULTIPLIERS + i] = sum;
      }
    out->n++;
  }
  return CHI_OK;
}

/* The score in `half` of the model that is best in the other one. */
static double chosen_score(const perturbed *side, int half, int64_t draw)
{
  int64_t best = draw;
  for (int64_t at = draw; at < side->n * CHI_MULTIPLIERS; at += CHI_MULTIPLIERS)
    if (side->score[1 - half][at] > side->score[1 - half][best]) best = at;
  return side->score[half][best];
}

/* Add weight times what the models of a pair, chosen anew in the other half, differ by in this one.
 * \param[in,out] sum  CHI_MULTIPLIERS; NaN: a side has no model of which all is known */
static chi_status add_half(chi_sites_work *work, const chi_sites_pair *pair, int half,
                           double weight, double *room, double *sum)
{
  perturbed side[2] = {{0}, {0}};
  chi_status s = CHI_OK;
  chi_sites_mark_union(work, pair, 1 - half);
  for (int i = 0; i < 2 && s == CHI_OK; i++) s = perturb(work, &pair->side[i], room, &side[i]);
  const bool known = s == CHI_OK && side[0].n > 0 && side[1].n > 0;
  for (int64_t i = 0; i < CHI_MULTIPLIERS; i++)
    sum[i] += known ? weight * (chosen_score(&side[CHI_BETTER], half, i) -
                                chosen_score(&side[CHI_THAN], half, i))
                    : NAN;
  for (int i = 0; i < 4; i++) chi_free(side[i / 2].score[i % 2]);
  return s;
}

chi_status chi_sites_multiplier_p(chi_sites_work *work, const chi_sites_pair *pair,
                                  double difference, double *p)
{
  const bool crossed = work->options->test == CHI_SITES_INFLUENCE_CROSSED;
  double *room = NULL, *sum = NULL;
  int64_t larger = 0;
  *p = NAN;
  chi_status s = make_weights(work);
  if (s == CHI_OK) s = chi_alloc(2 * work->n_draws, sizeof *room, "draws", &room);
  if (s == CHI_OK) s = chi_alloc(CHI_MULTIPLIERS, sizeof *sum, "draws", &sum); /* zeros */
  for (int half = 1; half >= !crossed && s == CHI_OK; half--)
    s = add_half(work, pair, half, crossed ? 0.5 : 1, room, sum);
  for (int64_t i = 0; i < CHI_MULTIPLIERS && s == CHI_OK; i++) larger += sum[i] >= difference;
  if (s == CHI_OK && !isnan(sum[0])) *p = (double)(1 + larger) / (CHI_MULTIPLIERS + 1);
  chi_free(room);
  chi_free(sum);
  return s;
}
