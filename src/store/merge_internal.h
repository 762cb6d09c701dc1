/** \file merge_internal.h
 * What the files of merge share. */
#pragma once

#include <stdbool.h>

#include "base/text.h"
#include "store/content.h"
#include "store/merge.h"

/** One of the runs to be joined, as every rank has it open. */
typedef struct chi_part {
  const char *run;
  chi_store *store[CHI_N_RESULTS]; /* NULL: it has no such file */
  chi_content labels[CHI_N_RESULTS];
  char **model; /* those it holds, sorted */
  int64_t n_models;
  int lock; /* rank 0's */
} chi_part;

/** Cells of a joined file. */
typedef struct chi_merge_counts {
  int64_t written, failed, left;
} chi_merge_counts;

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
  chi_text models; /* as an option: "*", or the names with commas between */
  chi_text config; /* the fit's options */
  chi_text section[CHI_N_RESULTS],
      later; /* those of each later stage; of all stages after the fit */
  chi_merge_counts counts[CHI_N_RESULTS];
  bool with[CHI_N_RESULTS]; /* files that are joined */
  bool begun;               /* the new run is there */
} chi_merging;

/** Open the parts, which must be runs of the same study, options and BLAS kernel, other than the
 * one to be made, and not being written. Collective. */
chi_status chi_merge_open_parts(chi_merging *m);
void chi_merge_close_parts(chi_merging *m);

/** Open the study with the models of all parts; every part must be of the study as it is now.
 * Collective. */
chi_status chi_merge_open_study(chi_merging *m);

/** Decide which files are joined, and make the texts of config.yaml. Local. */
chi_status chi_merge_make_config(chi_merging *m);

/** Copy the cells of a file's first record from all parts, and count them. Collective.
 * \param[in] content  that the joined file was opened with */
chi_status chi_merge_copy(chi_merging *m, int file, const chi_content *content, chi_store *to);
