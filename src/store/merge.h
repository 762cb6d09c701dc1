/** \file merge.h
 * Joining runs of one study and the same options that differ in their models. */
#pragma once

#include <mpi.h>

#include "chiasm/run.h"
#include "store/store.h"

/** What a stage after the fit does for its file in the joined run. */
typedef struct chi_merge_stage {
  const chi_schema *schema;
  /** What the joined run's file is to hold. Collective on comm.
   * \param[in] run      the joined run, whose fit.h5 is whole
   * \param[in] section  the stage's options, as YAML
   * \param[in] like     what a part's file says of itself
   * \param[out] out     free with chi_content_free */
  chi_status (*describe)(MPI_Comm comm, const char *run, const chi_study *study,
                         const char *section, const chi_content *like, chi_content *out);
  /** Make the rest of it, once every cell is there; NULL: that is all. Collective on comm. */
  chi_status (*complete)(MPI_Comm comm, const chi_content *content, chi_store *store);
} chi_merge_stage;

typedef struct chi_merge_options {
  const char *const *part; /* n_parts runs, which are only read */
  int n_parts;
  const char *run;   /* to be made */
  chi_run_mode mode; /* CHI_RUN_NEW or CHI_RUN_OVERWRITE */
  const char *libraries;
  const chi_merge_stage *stage[CHI_N_RESULTS]; /* of the fit: NULL */
} chi_merge_options;

/** Make a run of what the parts hold: fit.h5 and, if all parts have one, influence.h5 and
 * bootstrap.h5, the same bytes as if one job had calculated them for all their models. What no part
 * has is left to
 * --resume. Prints what was joined. Collective on comm.
 * \return CHI_ERR_USAGE  parts that do not belong together, naming both; a study that has changed
 *         CHI_ERR_INPUT  a damaged part, naming it and the place */
chi_status chi_merge(MPI_Comm comm, const chi_merge_options *options);
