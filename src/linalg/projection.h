/** \file projection.h
 * Sparse random projection (Li, Hastie, Church 2006; protocol.md): features -> components that keep
 * distances, by a random matrix most of whose entries are 0. The matrix is PETSc's, which brings
 * some sixty libraries: they are loaded (linalg/petsc) when the first projection is to be made. */
#pragma once

#include <mpi.h>
#include <stdint.h>

#include "base/random.h"
#include "chiasm/status.h"

/** How many components keep the distances between n points within a factor 1 +- eps, 0 < eps < 1:
 * floor(4 ln n / (eps^2/2 - eps^3/3)) (Johnson, Lindenstrauss; Dasgupta, Gupta 2003), but at least
 * 1. Local. */
int64_t chi_projection_dimension(int64_t n, double eps);

/** Load PETSc and start it on comm, deaf to its options from files and the environment, and without
 * its signal handlers. MPI is up; every chi_projection_start is met by a chi_projection_stop after
 * the last projection is destroyed. Collective on comm. \return CHI_ERR_IO where the library is
 * missing */
chi_status chi_projection_start(MPI_Comm comm);
void chi_projection_stop(void);

/** PETSc's version when chiasm was built, as in "3.18.5". Borrowed, static. Local. */
const char *chi_projection_version(void);

/** A matrix of n_components x n_features. Entry (k, j) is not 0 with probability s = 1 /
 * sqrt(n_features), and then +-sqrt(1 / (s n_components)) with equal probability, so that norms are
 * kept on average.
 *
 * Row k is a walk: word w = 0, 1, ... of the row is word w % 4 of chi_random_bits at the counter (w
 * / 4, k, 0, 0). From j = -1 each word steps to j + 1 + floor(ln u / ln(1 - s)), u =
 * chi_random_unit(word), which is an entry, negative if the word is odd; the walk ends beyond the
 * last feature. So the matrix depends on key and sizes alone, and the first rows for few components
 * are, but for the scale, those for many. */
typedef struct chi_projection chi_projection;

/** Make the matrix: each rank a part of its rows; then all ranks get all of them, since each
 * projects other events. Collective on comm, after chi_projection_start.
 * \param[out] out  destroy with chi_projection_destroy
 * \return CHI_ERR_MEMORY; CHI_ERR_USAGE for more entries than PETSc's integers count */
chi_status chi_projection_create(MPI_Comm comm, chi_random_key key, int64_t n_features,
                                 int64_t n_components, chi_projection **out);
void chi_projection_destroy(chi_projection **projection);

/** Entries that are not 0. Local. */
int64_t chi_projection_nonzeros(const chi_projection *projection);

/** Project n rows. Each number of the result is one sum, by ascending feature, so that it does not
 * depend on ranks. Local.
 * \param[in]  rows  n x n_features, row-major
 * \param[out] out   n x n_components, row-major */
chi_status chi_projection_apply(chi_projection *projection, int64_t n, const double *rows,
                                double *out);
