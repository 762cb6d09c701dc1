/** \file stored.h
 * What stands in a run's two files, place by place, with flags and checksums: for looking at runs
 * that are not written. Local unless it says otherwise, serial HDF5 where the file was opened by
 * the functions here. */
#ifndef CHIASM_RUN_STORED_H
#define CHIASM_RUN_STORED_H

#include <stdint.h>

#include "chiasm/run.h"
#include "run/bootstrap_file.h"
#include "run/bootstrap_read.h"

/** Open RUN/fit.h5 to read. Alignment a is tables[a]'s; chi_run_done gives the flags as they stand.
 * Close with chi_run_close.
 * \param[in] tables  n of them, of chi_run_read_tables
 * \param[in] rank, size  which share chi_run_check_share takes
 * \return CHI_ERR_INPUT, CHI_ERR_IO */
chi_status chi_run_open_read(const char *path, const chi_fit_table *tables, int32_t n, int rank,
                             int size, chi_run **out);

/** Read sites [site0, site0 + n) of one space.
 * \param[out] score     val_r, test_r, alpha: n x n_times each, row-major
 * \param[out] checksum  n, as stored */
chi_status chi_run_read_sites(const chi_run *run, int32_t alignment, int64_t space, int64_t site0,
                              int64_t n, float *const score[3], uint64_t *checksum);

/** XXH3-64 of one site's scores. */
uint64_t chi_run_checksum(int64_t n_times, const float *val_r, const float *test_r,
                          const float *alpha);

/** Of every size-th space: mark in torn (n_spaces x n_sites, zeroed) the sites whose flag says that
 * they are written, and whose scores do not fit their checksum. */
chi_status chi_run_check_share(const chi_run *run, int32_t alignment, uint8_t *torn);

/** Open RUN/bootstrap.h5, with its replicates, to read. As chi_run_open_read; close with
 * chi_bootstrap_close. \param[in] tables  n of them, of chi_bootstrap_file_open */
chi_status chi_bootstrap_open_read(const char *run, const chi_bootstrap_table *tables, int32_t n,
                                   int rank, int size, chi_bootstrap **out);

/** Read all blocks of one row and site.
 * \param[out] val_r, test_r  n_replicates x n_times each, row-major
 * \param[out] checksum       by block, as stored
 * \param[out] torn           by block: 1 where the replicates do not fit it */
chi_status chi_bootstrap_read_blocks(chi_bootstrap *bootstrap, int32_t alignment, int64_t row,
                                     int64_t site, float *val_r, float *test_r, uint64_t *checksum,
                                     uint8_t *torn);

/** Of every size-th row and site: mark in torn (n_rows x n_sites x n_blocks, zeroed) the blocks
 * whose flag says that they are written, and whose replicates do not fit their checksum. */
chi_status chi_bootstrap_check_share(chi_bootstrap *bootstrap, int32_t alignment, uint8_t *torn);

#endif
