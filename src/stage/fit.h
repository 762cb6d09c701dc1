/** \file fit.h
 * The fit stage: every encoding model of a study, by all ranks, into RUN/fit.h5. */
#ifndef CHIASM_STAGE_FIT_H
#define CHIASM_STAGE_FIT_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "chiasm/encode.h"
#include "chiasm/run.h"
#include "chiasm/study.h"

typedef struct chi_fit_options {
  const char *study, *run;
  chi_run_mode mode;
  chi_selection selection;
  chi_encode_options encode;
  int64_t electrode_block;  /* 0: whole layers, cut only when units run short */
  int64_t memory_per_rank;  /* bytes; 0: what the node has, shared by its ranks */
  const char *config;       /* the fit's section of config.yaml */
  const char *later_config; /* the sections of stages that will follow; NULL: none */
  const char *blas_kernel, *libraries;
  const char *again; /* the command that goes on with a run that was stopped */
} chi_fit_options;

/** Open the study, plan, make or resume the run, fit everything, print the summary and the table of
 * what was found. Collective on comm.
 * \param[out] failed  units that could not be done
 * \return CHI_OK (also where units failed), CHI_STOPPED, or an error before the first unit */
chi_status chi_fit(MPI_Comm comm, const chi_fit_options *options, int64_t *failed);

#endif
