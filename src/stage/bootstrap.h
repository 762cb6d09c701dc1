/** \file bootstrap.h
 * The bootstrap stage: every model of a run refitted on resampled events, by all ranks, into
 * RUN/bootstrap.h5. */
#pragma once

#include "stage/chosen.h"
#include "stage/stage.h"
#include "store/merge.h"

typedef struct chi_bootstrap_options {
  chi_stage_options stage;
  const char *models; /* patterns */
  int64_t replicates;
  uint64_t seed;
  int64_t block_length; /* events drawn together; 0: as the recording calls for */
  chi_layer_selection layers;
  int64_t min_bins; /* as of chi_run_bins_needed: for the table of what was found */
  bool keep;        /* the replicates, else only what `sites` needs of them */
} chi_bootstrap_options;

/** Open study and run, choose layers, draw, refit, summarise, print the table of what was found.
 * Collective on comm.
 * \param[out] failed  units that could not be done
 * \return CHI_OK (also where units failed), CHI_STOPPED, or an error before the first unit */
chi_status chi_bootstrap_stage(MPI_Comm comm, const chi_bootstrap_options *options,
                               int64_t *failed);

/** What merging runs needs of the stage. */
extern const chi_merge_stage chi_bootstrap_merge;
