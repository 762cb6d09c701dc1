/** \file verify.h
 * Whether a run is what it says: every checksum, its study, its options. */
#pragma once

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "chiasm/status.h"

/** What was found. */
typedef struct chi_verify_result {
  int64_t problems; /* places and files that are not right */
  bool unfinished;  /* something is still to be calculated */
} chi_verify_result;

/** Read a run, finished or not, and its study, and print what is wrong. Writes nothing. Collective
 * on comm; ranks share the reading.
 * \return CHI_ERR_USAGE  there is no run, or it is not begun
 *         CHI_ERR_IO     fit.h5 is damaged so that nothing of it can be read */
chi_status chi_verify(MPI_Comm comm, const char *run, chi_verify_result *result);
