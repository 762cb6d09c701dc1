/** \file bench.h
 * `chiasm bench`, `chiasm bench project` and `chiasm bench sweep`: timing what the other commands
 * do, on data made in memory. All collective on comm; reports are written on rank 0. */
#pragma once

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "chiasm/influence.h"

typedef struct chi_bench_options {
  int64_t events, features, targets;
  int32_t replicates; /* bootstrap replicates to time beside the plain fit */
  bool influence;     /* time an influence pass beside it */
  chi_residual residual;
  chi_encode_options encode;
  const char *blas_kernel;
  bool json;
} chi_bench_options;

/** One fit of a given shape through the same code as `chiasm fit`, beside the bound that the
 * processor's own matrix product sets. Rank 0 fits alone; with several ranks all of them then fit a
 * layer of the same shape at once, for the efficiency.
 * \return CHI_ERR_MEMORY where the shape does not fit, CHI_ERR_INPUT for too few events */
chi_status chi_bench(MPI_Comm comm, const chi_bench_options *options, chi_text *report);

typedef struct chi_bench_project_options {
  int64_t events, features;
  double eps;
  uint64_t seed;
  bool json;
} chi_bench_project_options;

/** Project events of uniform numbers as `import features` does, split over the ranks, and say how
 * long the matrix and the products took, the slowest rank's time. */
chi_status chi_bench_project(MPI_Comm comm, const chi_bench_project_options *options,
                             chi_text *report);

/** Hand out n units of no work through the coordinator, in 52 groups of 1,000 layers.
 * \return CHI_ERR_MEMORY, CHI_STOPPED */
chi_status chi_bench_sweep(MPI_Comm comm, int64_t n, bool json, chi_text *report);
