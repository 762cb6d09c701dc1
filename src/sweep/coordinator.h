/** \file coordinator.h
 * The thread of rank 0 that hands out units and shows progress. */
#pragma once

#include "sweep/sweep.h"

typedef struct chi_coordinator chi_coordinator;

/** Start serving all ranks of comm. Local, on rank 0.
 * \param[in] comm, units, stage  borrowed until chi_coordinator_join */
chi_status chi_coordinator_start(MPI_Comm comm, const chi_unit *units, int64_t n,
                                 const chi_sweep_stage *stage, chi_sweep_report *report,
                                 chi_coordinator **out);

/** Draw nothing more: the caller is about to end the job with a message. NULL is allowed. */
void chi_coordinator_hush(chi_coordinator *coordinator);

/** Wait until every rank has said goodbye, and free it. NULL is allowed.
 * \param[out] result  its messages and served_s are filled */
void chi_coordinator_join(chi_coordinator **coordinator, chi_sweep_result *result);
