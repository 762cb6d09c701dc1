/** \file worker.h
 * A rank's main thread in a sweep. */
#ifndef CHIASM_SWEEP_WORKER_H
#define CHIASM_SWEEP_WORKER_H

#include "sweep/coordinator.h"
#include "sweep/sweep.h"

/** Do units until rank 0's coordinator has no more. Fills the counts, worked_s and waited_s. An
 * error of the stage other than CHI_ERR_NUMERIC is printed and ends the whole job.
 * \param[in] comm         the sweep's own
 * \param[in] coordinator  on rank 0, else NULL */
void chi_worker_run(MPI_Comm comm, const chi_sweep_stage *stage, chi_coordinator *coordinator,
                    chi_sweep_result *result);

#endif
