/** \file bootstrap_internal.h
 * A bootstrap.h5 that is open on all ranks: what the files that implement bootstrap_file.h share.
 */
#ifndef CHIASM_RUN_BOOTSTRAP_INTERNAL_H
#define CHIASM_RUN_BOOTSTRAP_INTERNAL_H

#include <hdf5.h>
#include <limits.h>

#include "h5/labelled.h"
#include "run/bootstrap_file.h"
#include "run/bootstrap_read.h"

enum {
  CHI_BOOT_VAL_R,
  CHI_BOOT_TEST_R,
  CHI_BOOT_CHECKSUM,
  CHI_BOOT_DONE,
  CHI_BOOT_SUMMARISED,
  CHI_BOOT_SUMMARY, /* the first of CHI_N_SUMMARIES */
  CHI_N_BOOT_TABLES = CHI_BOOT_SUMMARY + CHI_N_SUMMARIES
};

typedef struct chi_bootstrap_group {
  int64_t n_rows, n_sites, n_times;
  hid_t table[CHI_N_BOOT_TABLES]; /* datasets, open; -1 before that */
  uint8_t *done;                  /* n_rows x n_sites x n_blocks, as it was when opened */
} chi_bootstrap_group;

struct chi_bootstrap {
  MPI_Comm comm; /* our own */
  int rank, size;
  char folder[PATH_MAX], path[PATH_MAX];
  int lock;   /* descriptor, or -1 */
  hid_t file; /* through MPI-IO; -1: nothing can be written */
  int64_t n_replicates, n_blocks;
  int32_t n_groups;
  chi_bootstrap_group *group;
  int64_t torn;
  bool dropped;
};

/** The name of a table, CHI_BOOT_*. */
const char *chi_boot_table_name(int table);

/** Open the tables of group a of a file that is open. The caller holds chi_h5_lock. */
chi_status chi_boot_open_tables(chi_bootstrap *b, int32_t a, const char *alignment);

/** Read or write all flags of a table of a group. */
chi_status chi_boot_transfer_flags(const chi_bootstrap *b, const chi_bootstrap_group *group,
                                   int table, bool write, uint8_t *flags);

/** Replicates of a block: CHI_REPLICATE_BLOCK, or what is left. */
int64_t chi_boot_block_size(const chi_bootstrap *b, int64_t block);

/** XXH3-64 of one block of one site: n_values of val_r, then of test_r. */
uint64_t chi_boot_checksum(int64_t n_values, const float *val_r, const float *test_r);

/** Write or read one site's part of a table: of the replicates [first, first + n) or, in tables
 * without them, of the blocks; of summaries all. Independent; the caller holds chi_h5_lock. */
herr_t chi_boot_transfer(const chi_bootstrap_group *group, int table, bool write, int64_t row,
                         int64_t site, int64_t first, int64_t n, void *memory);

/** One alignment's group while it is made: its dimensions. */
typedef struct chi_boot_group {
  chi_labelled l;
  const chi_alignment *al;
  const chi_bootstrap_rows *rows;
  int row, site, replicate, time, block;
} chi_boot_group;

/** Makes the tables of one alignment, after its labels. */
typedef chi_status chi_boot_tables(chi_boot_group *group, void *context);

/** Make RUN/bootstrap.h5, in place of one that is there: labels, then what `tables` makes. Rank 0
 * alone. \param[in] bytes  what it takes on disk, rounded up */
chi_status chi_boot_write(const char *run, const chi_study *study, const chi_provenance *provenance,
                          const chi_bootstrap_content *content, int ranks, int64_t bytes,
                          chi_boot_tables *tables, void *context);

/** Make RUN/bootstrap.h5 with its labels and every number NaN. Rank 0 alone. */
chi_status chi_boot_create(const char *run, const chi_study *study,
                           const chi_provenance *provenance, const chi_bootstrap_content *content,
                           int ranks);
/** What it takes on disk, rounded up; bytes. */
int64_t chi_boot_bytes(const chi_study *study, const chi_provenance *provenance,
                       const chi_bootstrap_content *content);

/** Whether the file that is there is the one that would be made. Rank 0 alone.
 * \param[out] dropped  its replicates have been removed */
chi_status chi_boot_check(const char *run, const chi_study *study, const chi_provenance *provenance,
                          const chi_bootstrap_content *content, bool *dropped);

/** Whether all tables of RUN/bootstrap.h5 are what chi_boot_create makes. Local.
 * \return CHI_ERR_INPUT */
chi_status chi_boot_check_shapes(const char *run, const chi_bootstrap_table *tables, int32_t n);

/** Read the flags and make sure of them: what does not fit its checksum is named in the log,
 * counted and, like what failed, set back to "not yet", here and in the file; every summary is to
 * be made again. Collective. */
chi_status chi_boot_verify(chi_bootstrap *b, const chi_study *study,
                           const chi_bootstrap_content *content);

#endif
