/** \file summary.h
 * Means and intervals over replicates. */
#ifndef CHIASM_STAGE_SUMMARY_H
#define CHIASM_STAGE_SUMMARY_H

#include <mpi.h>
#include <stdint.h>

#include "chiasm/study.h"
#include "run/bootstrap_file.h"

/** Mean and 2.5 and 97.5 percentiles (numpy's `linear`) of the finite ones of n values; all NaN if
 * over 5 % are missing, or n is 0. Local.
 * \param[in,out] values  n; sorted and cut to the finite ones here
 * \param[out]    summary mean, lower, upper */
void chi_summarise(int64_t n, double *values, double summary[3]);

/** Summarise every row and site that has a layer, ranks sharing them. Collective on comm. */
chi_status chi_summarise_all(MPI_Comm comm, const chi_study *study, const chi_bootstrap_rows *rows,
                             int64_t n_replicates, chi_bootstrap *bootstrap);

#endif
