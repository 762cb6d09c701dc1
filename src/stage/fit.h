/** \file fit.h
 * The fit stage: every encoding model of a study, by all ranks, into RUN/fit.h5. */
#pragma once

#include "stage/stage.h"

typedef struct chi_fit_options {
  chi_stage_options stage;
  const char *study;
  int64_t electrode_block; /* 0: whole layers, cut only when units run short */
  int64_t min_bins;        /* kept bins that `sites` is to want after it; 0: no matter */
} chi_fit_options;

/** Open the study, plan, make or resume the run, fit everything, print the summary and the table of
 * what was found. Collective on comm.
 * \param[out] failed  units that could not be done
 * \return CHI_OK (also where units failed), CHI_STOPPED, or an error before the first unit */
chi_status chi_fit(MPI_Comm comm, const chi_fit_options *options, int64_t *failed);
