/** \file internal.h
 * A results file that is open: what the files of store share. */
#pragma once

#include <hdf5.h>
#include <limits.h>

#include "store/store.h"

typedef struct chi_store_group {
  char *name; /* the alignment */
  int64_t length[CHI_SCHEMA_DIMS];
  hid_t set[CHI_SCHEMA_FIELDS]; /* by field but labels, open; -1: not in this variant */
  uint8_t *flags[CHI_SCHEMA_RECORDS];
} chi_store_group;

struct chi_store {
  MPI_Comm comm; /* our own; MPI_COMM_NULL: one process reads */
  int rank, size;
  const chi_schema *schema;
  unsigned variants;
  char run[PATH_MAX], path[PATH_MAX];
  int lock;   /* descriptor, or -1 */
  hid_t file; /* through MPI-IO where comm is there; -1: there is nothing to write */
  int32_t n_groups;
  chi_store_group *group;
  int64_t torn;
};

/** Begin with a run's file that is not open yet; end with chi_store_finish, also after a failure.
 */
chi_status chi_store_create(const char *run, const chi_schema *schema, chi_store **out);
/** Give it n groups, whose names and lengths are the caller's to set. */
chi_status chi_store_add_groups(chi_store *store, int32_t n);

/** Blocks under one flag each, of a record of a group; 1 where it has none. */
int64_t chi_store_blocks(const chi_store *store, int32_t group, int record);

/** Cells of a record of a group. */
int64_t chi_store_cells(const chi_store *store, int32_t group, int record);

/** Open every field of group a of a file that is open. The caller holds chi_h5_lock. */
chi_status chi_store_open_fields(chi_store *store, int32_t a);

/** Read or write all flags of a record of a group. */
chi_status chi_store_transfer_flags(const chi_store *store, int32_t group, int record, bool write);

/** Mark in torn (by cell, zeroed) what is torn in every size-th piece of a group. Local. */
chi_status chi_store_find_share(const chi_store *store, int32_t group, int record, int rank,
                                int size, uint8_t *torn);

/** Make RUN's file: its labels, every number NaN. One process.
 * \param[in] fill  writes numbers into the file just made, with chi_h5_lock held; NULL: none */
typedef chi_status chi_store_fill(hid_t file, void *context);
chi_status chi_store_make(const char *run, const chi_content *content,
                          const chi_provenance *provenance, int ranks, chi_store_fill *fill,
                          void *context);

/** Whether the file that is there is the one that would be made: options, study, kernel, labels.
 * \param[out] variants  of the file
 * \return CHI_ERR_USAGE: of something else; CHI_ERR_INPUT: damaged; CHI_ERR_IO: it is not known */
chi_status chi_store_check(const char *run, const chi_content *content,
                           const chi_provenance *provenance, unsigned *variants);

/** Read the flags and make sure of them, and set back what is torn or failed; the summaries are all
 * to be made again. Collective. */
chi_status chi_store_verify(chi_store *store, const chi_content *content);
