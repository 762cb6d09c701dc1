/** \file internal.h
 * A run that is open on all ranks: what run.c, write.c, verify.c and stored.c share. */
#ifndef CHIASM_RUN_INTERNAL_H
#define CHIASM_RUN_INTERNAL_H

#include <hdf5.h>
#include <limits.h>

#include "chiasm/run.h"
#include "run/stored.h"

enum {
  CHI_TABLE_VAL_R,
  CHI_TABLE_TEST_R,
  CHI_TABLE_ALPHA,
  CHI_TABLE_CHECKSUM,
  CHI_TABLE_DONE,
  CHI_N_TABLES
};

typedef struct chi_run_group {
  int64_t n_spaces, n_sites, n_times;
  hid_t table[CHI_N_TABLES]; /* datasets, open; -1 before that */
  uint8_t *done;             /* n_spaces x n_sites, as it was when the run was opened */
} chi_run_group;

struct chi_run {
  MPI_Comm comm; /* our own */
  int rank, size;
  char folder[PATH_MAX], path[PATH_MAX];
  int lock;   /* descriptor, or -1 */
  hid_t file; /* through MPI-IO */
  int32_t n_groups;
  chi_run_group *group;
  int64_t torn;
};

/** Open the tables of group a of a file that is open. The caller holds chi_h5_lock. */
chi_status chi_run_open_tables(chi_run *run, int32_t a, const char *alignment);

/** Read or write all flags of a group. */
chi_status chi_run_transfer_flags(const chi_run *run, chi_run_group *group, bool write);

/** Write or read `n_sites` sites of one space of a table, from or to memory without gaps.
 * Independent; the caller holds chi_h5_lock. */
herr_t chi_run_transfer(const chi_run_group *group, int table, bool write, int64_t space,
                        int64_t site0, int64_t n_sites, void *memory);

/** Read the flags of all alignments and make sure of them: what does not fit its checksum is named
 * in the log, counted and, like what failed, set back to "not yet", here and in the file.
 * Collective. */
chi_status chi_run_verify(chi_run *run, const chi_study *study);

#endif
