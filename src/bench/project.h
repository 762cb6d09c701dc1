/** \file project.h
 * `chiasm bench project`: how fast features are projected. */
#ifndef CHIASM_BENCH_PROJECT_H
#define CHIASM_BENCH_PROJECT_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "chiasm/status.h"

typedef struct chi_bench_project_options {
  int64_t events, features;
  double eps;
  uint64_t seed;
  bool json;
} chi_bench_project_options;

/** Project events of uniform numbers, made in memory, as `import features` does, split over the
 * ranks; and say how long the matrix and the products took, the slowest rank's time. Collective on
 * comm.
 * \param[out] report  on rank 0 */
chi_status chi_bench_project(MPI_Comm comm, const chi_bench_project_options *options,
                             chi_text *report);

#endif
