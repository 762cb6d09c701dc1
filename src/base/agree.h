/** \file agree.h
 * How ranks agree on an error: a local phase ends in one chi_agree, then the next collective phase
 * starts, so that no rank skips a collective call that the others make. */
#pragma once

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "chiasm/status.h"

/** Make every rank return the same status and hold the same message: those of the lowest rank with
 * the gravest failure, or CHI_OK if no rank failed. Collective on comm; a process without MPI,
 * whose comm is MPI_COMM_NULL, agrees with itself. */
chi_status chi_agree(MPI_Comm comm, chi_status status);

/** Broadcast a block of bytes of any size whose length only `root` knows. Collective on comm.
 * \param[in,out] bytes   on root borrowed; elsewhere allocated here, freed by the caller (chi_free)
 * \param[in,out] n       its length in bytes
 * \return CHI_ERR_MEMORY on all ranks if one cannot hold it */
chi_status chi_bcast_bytes(MPI_Comm comm, int root, void **bytes, int64_t *n);

/** Broadcast a string of rank 0. Collective on comm, or MPI_COMM_NULL.
 * \param[in,out] text  on rank 0 borrowed; elsewhere allocated here, freed by the caller (chi_free)
 * \return CHI_ERR_MEMORY on all ranks if one cannot hold it */
chi_status chi_bcast_text(MPI_Comm comm, char **text);

/** An int64 as the int that an MPI, BLAS or HDF5 call wants; aborts the program with a clear line
 * if it does not fit, since the callers have bounded it before. Local. */
int chi_int_cast(int64_t value);
