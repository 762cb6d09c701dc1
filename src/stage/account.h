/** \file account.h
 * How the time of a stage went. */
#ifndef CHIASM_STAGE_ACCOUNT_H
#define CHIASM_STAGE_ACCOUNT_H

#include <mpi.h>

#include "chiasm/encode.h"
#include "stage/watch.h"
#include "sweep/sweep.h"

/** A rank's seconds, added up over its units. */
typedef struct chi_account {
  double computed_s, read_s, wrote_s;
  chi_stages stages;
} chi_account;

/** Log what was done, how the time went, on all ranks together, and the memory. Collective on comm.
 * \param[in] stage  "fit" */
void chi_account_log(MPI_Comm comm, const char *stage, const chi_account *account,
                     const chi_watch *watch, const chi_sweep_result *result);

#endif
