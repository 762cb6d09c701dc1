/** \file internal.h
 * What the files of merge share. */
#ifndef CHIASM_MERGE_INTERNAL_H
#define CHIASM_MERGE_INTERNAL_H

#include <stdbool.h>

#include "base/text.h"
#include "merge/merge.h"
#include "run/bootstrap_read.h"
#include "run/stored.h"

/** One of the runs to be joined, as every rank has it open. */
typedef struct chi_part {
  const char *run;
  char *study, *config, *checksum, *kernel; /* what fit.h5 says */
  char **model;                             /* those it holds, sorted; borrowed from tables */
  int64_t n_models;
  chi_fit_table *tables;
  int32_t n_tables;
  chi_run *fit;
  chi_bootstrap_file *boot_file; /* NULL: it has no bootstrap.h5 */
  const chi_bootstrap_table *boot_tables;
  int32_t n_boot;
  chi_bootstrap *boot; /* NULL: not to be joined */
  char *boot_config, *boot_kernel;
  int lock; /* rank 0's */
} chi_part;

/** Everything a merge holds. */
typedef struct chi_merging {
  MPI_Comm comm;
  int rank, size;
  const chi_merge_options *options;
  chi_part *part; /* options->n_parts */
  chi_study *study;
  char **model; /* of all parts, sorted; borrowed from them */
  int64_t n_models;
  bool all_models; /* they are all that the study has */
  char checksum[17];
  chi_text models;                 /* as an option: "*", or the names with commas between */
  chi_text config, section, later; /* the fit's options, the bootstrap's, those of other stages */
  int64_t written, failed, left;   /* scores: layers x sites */
  int64_t boot_written, boot_left; /* blocks of replicates */
  bool with_bootstrap;
  bool begun; /* the new run is there */
} chi_merging;

/** Open the parts, which must be runs of the same study, options and BLAS kernel, other than the
 * one to be made, and not being written. Collective. */
chi_status chi_merge_open_parts(chi_merging *m);
void chi_merge_close_parts(chi_merging *m);

/** Open the study with the models of all parts; every part must be of the study as it is now.
 * Collective. */
chi_status chi_merge_open_study(chi_merging *m);

/** Decide whether bootstraps are joined, and make the texts of config.yaml. Local. */
chi_status chi_merge_make_config(chi_merging *m);

/** Copy the scores of all parts. Collective. */
chi_status chi_merge_fit(chi_merging *m);

/** Copy the replicates of all parts into a bootstrap.h5 beside the merged fit.h5, and summarise.
 * Collective. */
chi_status chi_merge_bootstrap(chi_merging *m);

/** The table of that name; NULL: none. */
const chi_fit_table *chi_merge_fit_table(const chi_part *part, const char *alignment, int32_t *at);

/** Sort names and drop those that are there twice. */
void chi_merge_sort_names(char **name, int64_t *n);

#endif
