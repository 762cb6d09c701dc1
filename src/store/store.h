/** \file store.h
 * A results file of a run, by its table of fields (schema.h): made by rank 0 whole or not at all,
 * then written by all ranks through parallel HDF5, each into boxes of its own, without a change of
 * the file's metadata; or read by one process. */
#pragma once

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "chiasm/run.h"
#include "store/content.h"

typedef struct chi_store chi_store;

/** Whether the run's file could be made or gone on with in this mode, as far as a look tells: worth
 * asking before a study is read. Local.
 * \return CHI_ERR_USAGE as chi_store_open */
chi_status chi_store_look(const char *run, const chi_schema *schema, chi_run_mode mode);

/** Take the run's lock and make its file, or take up the one that is there, then open it on all
 * ranks. The first file of a run comes with its folder and config.yaml; a later one puts its
 * section there. Overwriting removes what later stages wrote, too. On resume, cells whose data do
 * not fit their checksum are named in the log and, like those that failed, are to be done again; a
 * file that is damaged is put aside, with a warning. Collective on comm. Close with
 * chi_store_finish, collectively.
 * \param[in] content     as chi_fit_content and the like make it; borrowed during the call
 * \param[in] provenance  `section` is what config.yaml gets of this stage
 * \return CHI_ERR_USAGE  it exists and the mode is NEW, or is no run of chiasm; options, study or
 *                        labels differ, naming the first difference; another job holds the lock
 *                        (after 30 s, naming it)
 *         CHI_ERR_IO     disk space, permissions, a file that another program holds */
chi_status chi_store_open(MPI_Comm comm, const char *run, chi_run_mode mode,
                          const chi_content *content, const chi_provenance *provenance,
                          chi_store **out);

/** Open a file to read, by one process alone. Close with chi_store_finish. Local.
 * \param[out] labels  what it says of itself; free with chi_content_free
 * \return CHI_ERR_INPUT if it is missing, damaged or not of this schema */
chi_status chi_store_open_read(const char *run, const chi_schema *schema, chi_store **out,
                               chi_content *labels);

/** Close it and give the lock back. NULL-safe. Collective on the communicator it was opened on.
 * \return the first failure of any rank: `status`, else what closing met */
chi_status chi_store_finish(chi_store **store, chi_status status);

/** Which variant of its schema a file is. Local. */
unsigned chi_store_variants(const chi_store *store);

/** The flags of a record: CHI_DONE_* of every cell (row, site, block), row-major, as they were when
 * the file was opened. Borrowed. Local. */
const uint8_t *chi_store_flags(const chi_store *store, int32_t group, int record);

/** What has become of a record's cells, where there is something: in cells, or in encoding models,
 * which are the values of a data field. Local. */
typedef struct chi_counts {
  int64_t done, failed, left;
} chi_counts;
chi_counts chi_store_count(const chi_store *store, const chi_content *content, int32_t group,
                           int record, bool models);

/** Cells whose data did not fit their checksum when the file was opened. Local. */
int64_t chi_store_torn(const chi_store *store);

/** Cells of one row: some sites, some blocks (1 where the record has none). */
typedef struct chi_box {
  int32_t group;
  int record;
  int64_t row, site, n_sites, block, n_blocks;
} chi_box;

/** Values of one data field in a box. Local. */
int64_t chi_box_values(const chi_store *store, const chi_box *box);

/** Write the cells of a box of one block: the data, then their checksums, then their flags.
 * Independent: any rank, at any time between open and finish.
 * \param[in] state  CHI_DONE_WRITTEN, or CHI_DONE_FAILED: then NaN is written and data is NULL
 * \param[in] data   by field of the record: (site, place of the block, ...) row-major
 * \return CHI_ERR_IO (a full disk: the flags are then not set) */
chi_status chi_store_write(chi_store *store, const chi_box *box, uint8_t state,
                           const float *const *data);

/** Read the cells of a box. Local.
 * \param[out] data      by field of the record, as chi_store_write takes it
 * \param[out] checksum  n_sites x n_blocks, as stored; NULL: not asked for */
chi_status chi_store_read(const chi_store *store, const chi_box *box, float *const *data,
                          uint64_t *checksum);

/** Read the cells of a box of all blocks, and compare those that are written with their checksums.
 * Local. \param[out] torn  the first that does not fit, (site of the box, block); -1: none */
chi_status chi_store_read_whole(const chi_store *store, const chi_box *box, float *const *data,
                                int64_t *torn);

/** Read n entries of the kept bins of a file without its other replicates, and compare them with
 * their checksums. Local.
 * \param[out] data  of val_r and test_r: n x replicates
 * \param[out] torn  the first that does not fit, counted from `first`; -1: none */
chi_status chi_store_read_kept(const chi_store *store, int32_t group, int64_t first, int64_t n,
                               float *const data[2], int64_t *torn);

/** The first entry of a group that does not fit; -1: none, or the file has its replicates. Local.
 */
chi_status chi_store_find_torn_kept(const chi_store *store, int32_t group, int64_t *torn);

/** Read a box of one data field. \param[in] start, count  by dimension of the field */
chi_status chi_store_read_field(const chi_store *store, int32_t group, int field,
                                const int64_t *start, const int64_t *count, float *out);

/** XXH3-64 of one cell's values: `n` of each data field, one field after the other. Local. */
uint64_t chi_store_checksum(int n_data, const float *const *data, int64_t n);

/** Mark the cells whose flag says that they are written, and whose data do not fit their checksum.
 * Ranks share the reading. Collective on comm.
 * \param[out] torn  by cell of the record; on all ranks */
chi_status chi_store_find_torn(MPI_Comm comm, const chi_store *store, int32_t group, int record,
                               uint8_t *torn);
