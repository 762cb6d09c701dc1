/** \file sweep.h
 * `chiasm bench sweep`: how fast units are handed out. */
#ifndef CHIASM_BENCH_SWEEP_H
#define CHIASM_BENCH_SWEEP_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/** Hand out n units of no work through the coordinator, in 52 groups of 1,000 layers, and write
 * what that took (rank 0). Collective on comm.
 * \return CHI_ERR_MEMORY, CHI_STOPPED */
chi_status chi_bench_sweep(MPI_Comm comm, int64_t n, bool json, chi_text *report);

#endif
