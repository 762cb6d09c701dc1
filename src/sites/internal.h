/** \file internal.h
 * How the sites stage is put together: sites.c opens the run, contrasts.c, compare.c and both.c
 * make the list of comparisons, data.c holds the numbers of one alignment, work.c, events.c and
 * bins.c test one row, combine.c makes the rows that follow from others, output.c, regions.c and
 * report.c write. Inside src/sites only; all local. */
#ifndef CHIASM_SITES_INTERNAL_H
#define CHIASM_SITES_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "chiasm/run.h"
#include "run/bootstrap_read.h"
#include "sites/sites.h"

/* ---- data.c: one alignment ---- */

/** A model of one alignment that was bootstrapped; its names are borrowed from the fit's table. */
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
  const chi_bootstrap_table *boot;
  int32_t table; /* boot's index in its file */
  int64_t n_sites, n_times;
  int32_t n_models;
  chi_sites_model *model;
  int64_t *row;    /* of bootstrap.h5; -1: nothing */
  int64_t *space;  /* of fit.h5: the layer compared there; -1: nothing */
  float *val_low;  /* over the bootstrap's replicates */
  float *mean[2];  /* the same: of val_r, of test_r */
  float *r[2];     /* of the plain fit: val_r, test_r */
  int32_t *n_kept; /* by model: bins whose val_low is above 0 */
} chi_sites_data;

/** Find out which models there are and which layer of each is compared at a site. With feature
 * spaces as the bootstrap's rows that is the one with the highest val_r of the fit averaged over
 * its finite bins, the shallower on a tie. Free with chi_sites_data_free, also after a failure.
 * \return CHI_ERR_INPUT if the labels of the two files do not fit */
chi_status chi_sites_data_open(const char *run, const chi_fit_table *fit,
                               const chi_bootstrap_table *boot, int32_t table,
                               chi_sites_data *data);

/** Read the scores; chi_sites_data_drop frees them again. */
chi_status chi_sites_data_read(chi_bootstrap_file *file, chi_sites_data *data);
void chi_sites_data_drop(chi_sites_data *data);
void chi_sites_data_free(chi_sites_data *data);

/** Where model m's scores at a site begin. */
int64_t chi_sites_at(const chi_sites_data *data, int32_t model, int64_t site);

/* ---- contrasts.c, compare.c: what is compared ---- */

typedef enum chi_sites_kind {
  CHI_COMPARE_TWINS, /* per network its trained models and its random ones */
  CHI_COMPARE_SIDES,
  CHI_COMPARE_INTEGRATION,
  CHI_COMPARE_BOTH /* the largest p of another comparison over the alignments */
} chi_sites_kind;

enum { CHI_SITES_NAME = 256 };

/** Which models make a side: those of one name, or the trained ones of a network or of one of two
 * modalities. */
typedef struct chi_sites_choice {
  enum { CHI_CHOOSE_MODEL, CHI_CHOOSE_NETWORK, CHI_CHOOSE_MODALITY } by;
  char name[CHI_SITES_NAME], or_name[CHI_SITES_NAME]; /* or_name: "" if there is no second */
} chi_sites_choice;

typedef struct chi_sites_comparison {
  char name[CHI_SITES_NAME];
  chi_sites_kind kind;
  chi_sites_choice better, than; /* CHI_COMPARE_SIDES */
  int32_t of;                    /* CHI_COMPARE_BOTH: index of the other comparison */
} chi_sites_comparison;

/** A row's models, as indices into the alignment's. */
typedef struct chi_sites_side {
  int32_t n, *model;
} chi_sites_side;

typedef struct chi_sites_pair {
  const char *network; /* CHI_COMPARE_TWINS; else "" */
  chi_sites_side better, than;
} chi_sites_pair;

/** The rows of one comparison in one alignment: every site's, and of a site every pair's. Rows of
 * CHI_COMPARE_BOTH stand in the first alignment's block and may skip sites. */
typedef struct chi_sites_block {
  int64_t first, n;
  int32_t n_pairs;
  chi_sites_pair *pair; /* CHI_COMPARE_TWINS and _SIDES */
  int64_t *part;        /* CHI_COMPARE_BOTH: n x n_alignments, the rows that a row is made of */
} chi_sites_block;

/** One row of sites.h5. Texts are borrowed. */
typedef struct chi_sites_row {
  int32_t comparison, alignment; /* alignment: whose labels, layers and numbers these are */
  int64_t site;
  const char *network, *better, *than, *layer_better, *layer_than;
  int32_t model_better, model_than; /* -1: none */
  int32_t bins_better, bins_than, bins;
  double r_better, r_than, difference, se, p, p_adjusted;
  bool significant, by_default;
} chi_sites_row;

/** Everything that the stage holds. */
typedef struct chi_sites_run {
  const chi_sites_options *options;
  int lock;
  char *study, *checksum; /* as fit.h5 says */
  char *config;           /* the text of config.yaml with this stage's options */
  int32_t n_fit;
  chi_fit_table *fit;
  chi_bootstrap_file *file;
  int32_t n_alignments; /* that both files have */
  chi_sites_data *data;
  int32_t n_comparisons;
  chi_sites_comparison *comparison;
  chi_sites_block *block; /* n_comparisons x n_alignments */
  int64_t n_rows;
  chi_sites_row *row;
  chi_text notes; /* lines on what is missing and why */
} chi_sites_run;

/** Read the contrasts of the study's study.yaml, behind the n comparisons in `list`, which has room
 * for CHI_SITES_CONTRASTS more. A study that is gone is warned of.
 * \return CHI_ERR_INPUT naming line and key; for a name that nothing in the run has, the nearest */
chi_status chi_sites_read_contrasts(const chi_sites_run *run, chi_sites_comparison *list,
                                    int32_t *n);
enum { CHI_SITES_CONTRASTS = 1000 };

/** Make the list of comparisons, their blocks and empty rows; note what is missing. */
chi_status chi_sites_list(chi_sites_run *run);
void chi_sites_list_free(chi_sites_run *run);

const chi_sites_block *chi_sites_block_of(const chi_sites_run *run, int32_t comparison,
                                          int32_t alignment);

/** A row before its test: all numbers NaN or 0, no models. */
chi_sites_row chi_sites_empty_row(int32_t comparison, int32_t alignment, int64_t site,
                                  const char *network);

/** both.c: add the rows of the comparisons over both alignments, where a site has the compared row
 * in every alignment, behind the others; run->row has room. */
chi_status chi_sites_list_both(chi_sites_run *run);

/** The comparison of this name, or -1. */
int32_t chi_sites_find(const chi_sites_run *run, const char *name);

/** "language", or "both". */
const char *chi_sites_alignment_name(const chi_sites_run *run, const chi_sites_row *row);

/* ---- events.c, bins.c: the tests of one row ---- */

/** What one site's tests share. */
typedef struct chi_sites_work {
  chi_bootstrap_file *file;
  const chi_sites_data *data;
  int64_t min_bins, site;
  bool *in_union;     /* n_times */
  float **replicates; /* 2 x n_models; val_r, then test_r of the site, n_replicates x n_times;
                         NULL: never read */
  bool *fresh;        /* 2 x n_models: replicates are those of this site */
  double *difference; /* n_replicates */
} chi_sites_work;

chi_status chi_sites_work_begin(chi_bootstrap_file *file, const chi_sites_data *data,
                                int64_t min_bins, chi_sites_work *work);
void chi_sites_work_site(chi_sites_work *work, int64_t site);
void chi_sites_work_end(chi_sites_work *work);

/** Whether enough of a model's bins are kept at the work's site. */
bool chi_sites_takes_part(const chi_sites_work *work, int32_t model);

/** Mark the union of the kept bins of the models of both sides that take part; its size goes into
 * the row. */
void chi_sites_mark_union(const chi_sites_work *work, const chi_sites_pair *pair,
                          chi_sites_row *row);

/** Put the models that represent the sides into the row (-1: none; a side of one model is named
 * all the same). */
void chi_sites_name_models(const chi_sites_work *work, const chi_sites_pair *pair, int32_t better,
                           int32_t than, chi_sites_row *row);

/** Test one row by the replicates (protocol.md, `events`), where a model of either side takes part.
 * r and difference are means over the bins of the union where both models' plain-fit test_r is
 * finite; a replicate's difference is over those of them where both are finite in it, and missing
 * if there is none. p is NaN if over 5 % of the replicates are missing, or their standard deviation
 * (n - 1) is 0 or not finite. Neither is there a p where
 * a side has no finite r in the union: nobody wins by default here. */
chi_status chi_sites_test_events(chi_sites_work *work, const chi_sites_pair *pair,
                                 chi_sites_row *row);

/** The same on all of the events (`crossed`): the mean of two differences, that of test_r between
 * models chosen by the bootstrap mean of val_r, and that of val_r between models chosen by the
 * bootstrap mean of test_r; se is that of the mean. Models are never compared by the scores that
 * they were chosen by. The row names those chosen by val_r; its r are means of both differences'.
 */
chi_status chi_sites_test_crossed(chi_sites_work *work, const chi_sites_pair *pair,
                                  chi_sites_row *row);

/** Choose one row's models for the test `bins`, by score. Bins whose test r is NaN count as kept
 * but are not part of the score, nor drawn. */
chi_status chi_sites_choose_bins(chi_sites_work *work, const chi_sites_pair *pair,
                                 chi_sites_row *row);

/** Resample the bins of the rows [first, first + n) of one alignment, in threads.
 *
 * Random numbers: key (seed, FNV-1a of "sites"); word w is word w % 4 of the counter (w / 4, 1,
 * FNV-1a of the comparison's name, FNV-1a of "<alignment>/<subject>/<electrode>/<network>"; network
 * is empty but for trained-beats-random). With kb and kt bins to draw from, resample i takes the
 * kb + kt words from w = i (kb + kt) on, first the better side's, then the other's; each gives the
 * bin at index floor(word k / 2^64) of that model's bins in order of time. */
chi_status chi_sites_resample(const chi_sites_run *run, int32_t alignment, chi_sites_row *rows,
                              int64_t n);

/* ---- combine.c ---- */

/** Fill the rows of integration and of every -both, then adjust all p-values. */
chi_status chi_sites_combine(chi_sites_run *run);

/** Benjamini and Hochberg's adjusted p-values; NaN where p is NaN, which does not count. */
chi_status chi_sites_adjust(int64_t n, const double *p, double *adjusted);

/* ---- regions.c, output.c, report.c ---- */

/** Sites, not rows: a site of several networks is significant where any of its rows is. */
typedef struct chi_sites_count {
  int64_t sites, tested, significant, by_default; /* by_default: won so by the better side */
} chi_sites_count;

/** Count a block's sites; those of one region, unless `region` is NULL. */
chi_sites_count chi_sites_count_block(const chi_sites_run *run, const chi_sites_block *block,
                                      const char *region);

/** The regions of a block's rows, sorted, each once. \param[out] names  free with chi_free */
chi_status chi_sites_regions(const chi_sites_run *run, const chi_sites_block *block,
                             const char ***names, int64_t *n);

/** Write sites.h5, sites.csv and regions.csv. */
chi_status chi_sites_write(const chi_sites_run *run);

/** The tables for the terminal. */
chi_status chi_sites_report(const chi_sites_run *run, chi_text *text);

/** Against STUDY/truth.csv, if it is there: precision and recall of integration, and the share
 * called by kind of site. */
chi_status chi_sites_report_truth(const chi_sites_run *run, chi_text *text);

#endif
