/** \file internal.h
 * How the sites stage is put together: sites.c opens the run, contrasts.c and compare.c list what
 * is compared, results.c makes the results' places and those that follow from others, count.c,
 * output.c, report.c and truth.c tell of them. Inside src/sites only; all local. */
#pragma once

#include "base/text.h"
#include "base/yaml.h"
#include "sites/data.h"

/* ---- what is compared ---- */

/** Which models make a side: those of one name, the trained or the random ones of a network, or the
 * trained ones of one of two modalities. */
typedef struct chi_sites_choice {
  enum { CHI_CHOOSE_MODEL, CHI_CHOOSE_NETWORK, CHI_CHOOSE_RANDOM, CHI_CHOOSE_MODALITY } by;
  const char *name, *or_name; /* borrowed; or_name: NULL if there is no second */
} chi_sites_choice;

typedef enum chi_sites_kind {
  CHI_COMPARE_TWINS, /* per network its trained models and its random ones */
  CHI_COMPARE_SIDES,
  CHI_COMPARE_INTEGRATION, /* the larger p of two other comparisons */
  CHI_COMPARE_BOTH         /* the largest p of another comparison over the alignments */
} chi_sites_kind;

enum { CHI_SITES_NAME = 256, CHI_SITES_CONTRASTS = 1000 };

/** The comparisons that are always there stand first. */
enum { CHI_SITES_TWINS, CHI_SITES_UNIMODAL, CHI_SITES_LINEAR, CHI_SITES_BUILT_IN };

typedef struct chi_sites_comparison {
  const char *name; /* borrowed */
  chi_sites_kind kind;
  chi_sites_choice side[2];  /* CHI_COMPARE_SIDES */
  int32_t of;                /* CHI_COMPARE_BOTH: index of the other comparison */
  char both[CHI_SITES_NAME]; /* room for its own name */
} chi_sites_comparison;

/** The results of one comparison in one alignment: every site's, and of a site every pair's. Those
 * of CHI_COMPARE_BOTH stand in the first alignment's block and may skip sites. A comparison's
 * blocks follow each other. */
typedef struct chi_sites_block {
  int64_t first, n;
  int32_t n_pairs;
  chi_sites_pair *pair; /* not of CHI_COMPARE_BOTH */
} chi_sites_block;

/** Everything that the stage holds. */
typedef struct chi_sites_run {
  const chi_sites_options *options;
  int lock;
  char *study, *checksum; /* as fit.h5 says */
  char *config;           /* the text of config.yaml with this stage's options */
  chi_yaml *yaml;         /* study.yaml, which contrasts borrow from; NULL: none */
  int32_t n_fit;
  chi_fit_table *fit;
  chi_sites_draws draws;
  int32_t n_alignments; /* that both files have */
  chi_sites_data *data;
  int32_t n_comparisons, integration; /* its index: those before are tested, the others follow */
  chi_sites_comparison *comparison;
  chi_sites_block *block; /* n_comparisons x n_alignments */
  int64_t n_results;
  chi_sites_result *result;
  chi_text notes; /* lines on what is missing and why */
} chi_sites_run;

/** Read the contrasts of the study's study.yaml, behind the n comparisons in `list`, which has room
 * for CHI_SITES_CONTRASTS more. A study that is gone is warned of.
 * \return CHI_ERR_INPUT naming line and key; for a name that nothing in the run has, the nearest */
chi_status chi_sites_read_contrasts(chi_sites_run *run, chi_sites_comparison *list, int32_t *n);

/** Make the list of comparisons and the pairs of their blocks; note what is missing. */
chi_status chi_sites_list(chi_sites_run *run);

chi_sites_block *chi_sites_block_of(const chi_sites_run *run, int32_t comparison,
                                    int32_t alignment);

/** Lay out the results behind each other, those to be tested without models and numbers. */
chi_status chi_sites_place_results(chi_sites_run *run);

/** Fill the results of integration, add those of every -both, then adjust all p-values. */
chi_status chi_sites_combine(chi_sites_run *run);
void chi_sites_list_free(chi_sites_run *run);

/* ---- what is told of it ---- */

/** Sites, not results: a site of several networks is significant where any of its results is. */
typedef struct chi_sites_count {
  const char *region;
  int64_t sites, tested, significant, by_default; /* by_default: won so by the better side */
} chi_sites_count;

/** Count a block's sites. */
chi_sites_count chi_sites_count_block(const chi_sites_run *run, const chi_sites_block *block);

/** Count them by region. \param[out] regions  n of them, sorted; free with chi_free */
chi_status chi_sites_count_regions(const chi_sites_run *run, const chi_sites_block *block,
                                   chi_sites_count **regions, int64_t *n);

/** A share of so many in percent, NaN of none. */
double chi_sites_percent(int64_t part, int64_t of);

/** Write sites.h5, sites.csv and regions.csv. */
chi_status chi_sites_write(const chi_sites_run *run);

/** The tables for the terminal. */
chi_status chi_sites_report(const chi_sites_run *run, chi_text *text);

/** Against STUDY/truth.csv, if it is there: precision and recall of integration, and the share
 * called by kind of site. */
chi_status chi_sites_report_truth(const chi_sites_run *run, chi_text *text);
