/** \file bootstrap_file.h
 * bootstrap.h5 (formats.md) while it is made: created by rank 0, then written by all ranks through
 * parallel HDF5 with independent writes.
 *
 * Its first dimension, here called row, is `model`, or with --layer-selection all
 * `feature_space`. */
#ifndef CHIASM_RUN_BOOTSTRAP_FILE_H
#define CHIASM_RUN_BOOTSTRAP_FILE_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "chiasm/run.h"

enum { CHI_REPLICATE_BLOCK = 50 }; /* replicates under one flag and checksum */

/** What is bootstrapped in one alignment. */
typedef struct chi_bootstrap_rows {
  int64_t n_rows;
  int64_t *label;        /* n_rows: a feature space that bears the row's labels */
  int64_t *space;        /* n_rows x n_sites: the layer bootstrapped there; -1: none */
  int32_t *block_length; /* by subject: events drawn together */
} chi_bootstrap_rows;

/** What the file is to hold. All borrowed. */
typedef struct chi_bootstrap_content {
  const chi_bootstrap_rows *rows; /* by alignment */
  int64_t n_replicates;
  uint64_t seed;
  bool by_space;
} chi_bootstrap_content;

enum { CHI_N_SUMMARIES = 6 };
/** "val_r_mean", "val_r_lower", "val_r_upper", and the same of test_r. */
extern const char *const chi_summary_names[CHI_N_SUMMARIES];

typedef struct chi_bootstrap chi_bootstrap;

/** Whether RUN's bootstrap.h5 may be made or gone on with in this mode, as far as a look tells.
 * Local. \return CHI_ERR_USAGE */
chi_status chi_bootstrap_check(const char *run, chi_run_mode mode);

/** Take the run's lock and make bootstrap.h5, or check the one that is there against content and
 * provenance, then open it on all ranks. Overwriting removes the sites' and the report's files too.
 * On resume blocks whose checksum does not hold, or that failed, are to be done again. Collective
 * on comm. Close with chi_bootstrap_close, collectively.
 * \return CHI_ERR_USAGE  it exists and the mode is NEW; it is of other options, another study or
 *                        another fit; another job holds the lock
 *         CHI_ERR_INPUT  it is damaged;  CHI_ERR_IO  disk space, permissions */
chi_status chi_bootstrap_open(MPI_Comm comm, const char *run, chi_run_mode mode,
                              const chi_study *study, const chi_provenance *provenance,
                              const chi_bootstrap_content *content, chi_bootstrap **out);
chi_status chi_bootstrap_close(chi_bootstrap **bootstrap);

/** The state of every block: CHI_DONE_*, n_rows x n_sites x n_blocks row-major, known on all ranks.
 * Borrowed. Local. How many were torn when the last job ended. */
const uint8_t *chi_bootstrap_done(const chi_bootstrap *bootstrap, int32_t alignment);
int64_t chi_bootstrap_torn(const chi_bootstrap *bootstrap);
/** Whether the file is complete and its replicates have been removed: nothing can be written. */
bool chi_bootstrap_dropped(const chi_bootstrap *bootstrap);

/** Write one block of replicates of one site, its checksum, then its flag. Independent.
 * \param[in] done  CHI_DONE_WRITTEN or CHI_DONE_FAILED
 * \param[in] val_r, test_r  replicates of the block x n_times, row-major */
chi_status chi_bootstrap_write(chi_bootstrap *bootstrap, int32_t alignment, int64_t row,
                               int64_t site, int64_t block, uint8_t done, const float *val_r,
                               const float *test_r);

/** Read all replicates of one row and site. Independent.
 * \param[out] val_r, test_r  n_replicates x n_times, row-major */
chi_status chi_bootstrap_read(chi_bootstrap *bootstrap, int32_t alignment, int64_t row,
                              int64_t site, float *val_r, float *test_r);

/** Write the summaries of one row and site, then their flag. Independent.
 * \param[in] summary  CHI_N_SUMMARIES x n_times, in the order of their names */
chi_status chi_bootstrap_write_summary(chi_bootstrap *bootstrap, int32_t alignment, int64_t row,
                                       int64_t site, const float *summary);

#endif
