/** \file merge.h
 * Joining runs of one study and the same options that differ in their models. */
#ifndef CHIASM_MERGE_H
#define CHIASM_MERGE_H

#include <mpi.h>

#include "chiasm/run.h"

typedef struct chi_merge_options {
  const char *const *part; /* n_parts runs, which are only read */
  int n_parts;
  const char *run;   /* to be made */
  chi_run_mode mode; /* CHI_RUN_NEW or CHI_RUN_OVERWRITE */
  const char *libraries;
} chi_merge_options;

/** Make a run of what the parts hold: fit.h5 and, if all parts have one, bootstrap.h5, the same
 * bytes as if one job had fitted and bootstrapped all their models. What no part has is left to
 * --resume. Prints what was joined. Collective on comm.
 * \return CHI_ERR_USAGE  parts that do not belong together, naming both; a study that has changed
 *         CHI_ERR_INPUT  a damaged part, naming it and the place */
chi_status chi_merge(MPI_Comm comm, const chi_merge_options *options);

#endif
