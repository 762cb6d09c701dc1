/** \file summary.h
 * Means and intervals over replicates. */
#pragma once

#include <mpi.h>
#include <stdint.h>

#include "store/store.h"

/** Mean and 2.5 and 97.5 percentiles (numpy's `linear`) of the finite ones of n values; all NaN if
 * over 5 % are missing, or n is 0. Local.
 * \param[in,out] values  n; sorted and cut to the finite ones here
 * \param[out]    summary mean, lower, upper */
void chi_summarise(int64_t n, double *values, double summary[3]);

/** Summarise every row and site that has a layer, ranks sharing them. Collective on comm.
 * \param[in] content, store  of a bootstrap.h5 with all its replicates */
chi_status chi_summarise_all(MPI_Comm comm, const chi_content *content, chi_store *store);
