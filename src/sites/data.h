/** \file data.h
 * One alignment's numbers (data.c), and the tests that compare two models at a site by them
 * (site.c, events.c, bins.c). Inside src/sites only; all local. */
#pragma once

#include "chiasm/run.h"
#include "sites/draws.h"
#include "sites/sites.h"
#include "store/sites_columns.h"

/** A model of one alignment of whose scores it is known how sure they are; its names are borrowed
 * from the fit's table. */
typedef struct chi_sites_model {
  const char *name, *network, *modality;
  bool trained;
  int64_t space0, n_spaces; /* its feature spaces in fit.h5 */
} chi_sites_model;

/** What an alignment's comparisons are made of. Arrays by model are n_models x n_sites, those of
 * scores n_models x n_sites x n_times, row-major; NaN where a model has nothing at a site. */
typedef struct chi_sites_data {
  const char *run; /* the folder; borrowed */
  const chi_fit_table *fit;
  const chi_sites_table *draws;
  int32_t table; /* draws' index in its file */
  int64_t n_sites, n_times;
  int64_t min_bins; /* kept bins that a model needs to take part at a site */
  int32_t n_models;
  chi_sites_model *model;
  int64_t *row;    /* of draws; -1: nothing */
  int64_t *space;  /* of fit.h5: the layer compared there; -1: nothing */
  float *mean[2];  /* over the bootstrap's replicates: of val_r, of test_r; with influences as r */
  float *r[2];     /* of the plain fit: val_r, test_r */
  float *alpha;    /* that it chose */
  float edge[2];   /* the lowest and the highest that it could; NaN: it had no choice */
  bool *kept[2];   /* as scores: the lower end of the interval is above 0. Of a bootstrap that of
                      val_r, in both; with influences that of val_r and that of test_r, none where
                      the site is not sure, and known once its tests begin (chi_influence_lower) */
  int32_t *n_kept; /* by model: bins kept, with influences by the mean of val_r and test_r */
} chi_sites_data;

/** Find out which models there are and which layer of each is compared at a site. With feature
 * spaces as rows that is the one with the highest val_r of the fit averaged over
 * its finite bins, the shallower on a tie. Free with chi_sites_data_free, also after a failure.
 * \return CHI_ERR_INPUT if the labels of the two files do not fit */
chi_status chi_sites_data_open(const char *run, const chi_fit_table *fit,
                               const chi_sites_table *draws, int32_t table, chi_sites_data *data);

/** Read the scores; chi_sites_data_drop frees them again. */
chi_status chi_sites_data_read(chi_sites_draws *draws, chi_sites_data *data);
void chi_sites_data_drop(chi_sites_data *data);
void chi_sites_data_free(chi_sites_data *data);

/** Where model m's scores at a site begin. */
int64_t chi_sites_at(const chi_sites_data *data, int32_t model, int64_t site);

/** The models that stand for one side, as indices into the alignment's. */
typedef struct chi_sites_side {
  int32_t n, *model;
} chi_sites_side;

/** Two sides that are compared at every site. */
typedef struct chi_sites_pair {
  const char *network; /* whose trained and random models these are; of other comparisons "" */
  chi_sites_side side[2];
} chi_sites_pair;

/** A comparison at one site: the line that is written, and the models it was made from. */
typedef struct chi_sites_result {
  chi_sites_line line;
  int32_t model[2];         /* -1: none */
  bool few_blocks, at_edge; /* when p is less sure: see chi_sites_test_halves */
} chi_sites_result;

/** What one site's tests share. */
typedef struct chi_sites_work {
  chi_sites_draws *draws;
  const chi_sites_data *data;
  const chi_sites_options *options;
  int64_t site, n_draws; /* its own: of a recording of fewer blocks than others not all */
  int32_t subject;       /* its number */
  bool *in_union;        /* n_times */
  float **of_model;      /* n_models; val_r, then test_r of the site, n_draws x n_times each; NULL:
                            never read */
  int64_t *of;           /* n_models: the site whose draws these are, counted from 1 */
  double *difference;    /* n_draws */
  float *lower;          /* n_times */
  double *weight;        /* CHI_MULTIPLIERS x n_draws: of weighted_subject; NULL: not yet */
  int32_t weighted_subject;
} chi_sites_work;

/** End with chi_sites_work_end, also after a failure. */
chi_status chi_sites_work_begin(chi_sites_draws *draws, const chi_sites_data *data,
                                const chi_sites_options *options, chi_sites_work *work);
void chi_sites_work_end(chi_sites_work *work);

/** Begin the next site, from 0 on: with influences find the bins that its models keep. */
chi_status chi_sites_work_site(chi_sites_work *work, int64_t site);

/** The draws of one model at the site, read once. \param[out] out  n_draws of the table x n_times
 */
chi_status chi_sites_load(chi_sites_work *work, int32_t model, int half, const float **out);

/** Mark the union of the bins that the models of both sides that take part keep by a half of the
 * events: bins, like models, are chosen by the half that they are not compared in, since those in
 * which one of two equal models had luck make their difference look larger. \return its size */
int32_t chi_sites_mark_union(const chi_sites_work *work, const chi_sites_pair *pair, int half);

/** The mean of `x` over the marked ones of n bins where it is finite, and `also` too unless that is
 * NULL; NaN if there is none. */
double chi_sites_mean(const bool *marked, const float *x, const float *also, int64_t n);

/** The side's model with the highest mean (data.mean) of val_r (half 0) or test_r (1), the first on
 * a tie.
 * \param[in]  over   bins; NULL: each model's own kept bins, of those that take part
 * \param[out] score  of that model; NaN if there is none
 * \return its index; -1 if there is none */
int32_t chi_sites_best(const chi_sites_work *work, const chi_sites_side *side, int half,
                       const bool *over, double *score);

/** Name the result's models in its line, and of a side that has none but consists of one model,
 * that one. */
void chi_sites_name_models(const chi_sites_work *work, const chi_sites_pair *pair,
                           chi_sites_result *result);

/** Test one pair by the draws (protocol.md, `events` and `influence`), where a model of either side
 * takes part, with Student's t of one degree of freedom less than there are draws. r and difference
 * are means over the bins of the union where both models' plain-fit test_r is finite; a replicate's
 * difference is over those of them where both are finite in it, and missing if there is none. p is
 * NaN if over 5 % of the replicates are missing, or their standard deviation (n - 1) is 0 or not
 * finite; with influences, whose spread is the root of the sum of their squares, if any is missing
 * or there are fewer than CHI_FEW_BLOCKS. Neither is there a p where a side has no finite r in the
 * union: nobody wins by default here.
 *
 * `crossed` is the same on all of the events: the mean of two differences, that of test_r between
 * models chosen by the bootstrap mean of val_r, and that of val_r between models chosen by the
 * bootstrap mean of test_r; se is that of the mean. Models are never compared by the scores that
 * they were chosen by. Marked are results with influences of fewer than CHI_SCARCE_BLOCKS blocks,
 * and those where the better model chose the lowest or the highest alpha in most bins: a fit at an
 * edge of its choice overfits, or predicts next to nothing, and the derivative holds for small
 * steps alone. The result has those chosen by val_r; its r are means of both differences'.
 */
enum { CHI_SCARCE_BLOCKS = 20 };
chi_status chi_sites_test_halves(chi_sites_work *work, const chi_sites_pair *pair,
                                 chi_sites_result *result);

/** The p of a difference with the choice of the models as part of the test, with influences
 * (`--selection multiplier`): of CHI_MULTIPLIERS draws of normal weights for the blocks, the same
 * for all models of a recording, each perturbs scores of 0 by its weighted sum of influences,
 * averaged over the union, and chooses the models anew; p = (1 + those whose difference is no
 * smaller) / (CHI_MULTIPLIERS + 1). That is the null hypothesis that all models are equal, and no
 * more.
 *
 * Random numbers: key (seed, FNV-1a of "<subject>.<alignment>"), standard normal numbers of all
 * blocks for draw i at the counters (., i, 2, 0).
 * \param[out] p  NaN: a side has no model of which all is known */
enum { CHI_MULTIPLIERS = 1000 };
chi_status chi_sites_multiplier_p(chi_sites_work *work, const chi_sites_pair *pair,
                                  double difference, double *p);

/** Test one pair by resampling its models' kept bins (`bins`), in threads; the models are chosen by
 * score. Bins whose test r is NaN count as kept but are not part of the score, nor drawn.
 *
 * Random numbers: key (seed, FNV-1a of "sites"); word w is word w % 4 of the counter (w / 4, 1,
 * FNV-1a of the comparison's name, FNV-1a of "<alignment>/<subject>/<electrode>/<network>"; network
 * is empty but for trained-beats-random). With kb and kt bins to draw from, resample i takes the
 * kb + kt words from w = i (kb + kt) on, first the better side's, then the other's; each gives the
 * bin at index floor(word k / 2^64) of that model's bins in order of time. */
chi_status chi_sites_test_bins(chi_sites_work *work, const chi_sites_pair *pair,
                               chi_sites_result *result);
