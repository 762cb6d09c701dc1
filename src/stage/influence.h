/** \file influence.h
 * The influence stage: how the scores of every model hang on the events, by all ranks, into
 * RUN/influence.h5. */
#pragma once

#include "chiasm/influence.h"
#include "stage/chosen.h"
#include "stage/stage.h"
#include "store/merge.h"

typedef struct chi_influence_options {
  chi_stage_options stage;
  const char *models; /* patterns */
  chi_residual residual;
  int64_t block_length; /* events that go together, at least; 0: as the recording calls for */
  chi_layer_selection layers;
  int64_t min_bins; /* as of chi_run_bins_needed: for the table of what was found */
} chi_influence_options;

/** A block is long enough for at most so many of a recording, but for those that sessions end. */
enum { CHI_MOST_BLOCKS = 200 };

/** By how many blocks a recording's influences are stored at most, whatever their length.
 * \param[out] blocks  by dataset: for all of an alignment the same */
chi_status chi_influence_most_blocks(const chi_study *study, int32_t *blocks);

/** Open study and run, choose layers, calculate, print the table of what was found. Collective on
 * comm.
 * \param[out] failed  units that could not be done
 * \return CHI_OK (also where units failed), CHI_STOPPED, or an error before the first unit */
chi_status chi_influence_stage(MPI_Comm comm, const chi_influence_options *options,
                               int64_t *failed);

/** What merging runs needs of the stage. */
extern const chi_merge_stage chi_influence_merge;
