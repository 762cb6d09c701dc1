/** \file bench.h
 * `chiasm bench`: one fit of a given shape through the same code as `chiasm fit`, on data made in
 * memory, beside the bound that the processor's own matrix product sets. */
#ifndef CHIASM_BENCH_H
#define CHIASM_BENCH_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "chiasm/encode.h"

typedef struct chi_bench_options {
  int64_t events, features, targets;
  int32_t replicates; /* bootstrap replicates to time beside the plain fit */
  chi_encode_options encode;
  const char *blas_kernel;
  bool json;
} chi_bench_options;

/** Measure and write the report (rank 0). Rank 0 fits alone; with several ranks all of them then
 * fit a layer of the same shape at once, for the efficiency. Collective on comm. \return
 * CHI_ERR_MEMORY where the shape does not fit, CHI_ERR_INPUT for too few events */
chi_status chi_bench(MPI_Comm comm, const chi_bench_options *options, chi_text *report);

#endif
