/** \file threads.h
 * How many threads a process should run. */
#pragma once

#include <mpi.h>
#include <stdint.h>

/** Threads for this rank: `asked` if that is positive; else SLURM_CPUS_PER_TASK; else the cores
 * this process may run on, divided by the ranks of the node that may run on them too. The last two
 * never exceed those cores. At least 1. Collective on comm, which is MPI_COMM_NULL for a process
 * without MPI; ranks may get different numbers. */
int32_t chi_threads_choose(MPI_Comm comm, int64_t asked);
