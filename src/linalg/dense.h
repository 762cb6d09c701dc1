/** \file dense.h
 * Dense linear algebra on row-major matrices, by OpenBLAS and its LAPACK. Each call runs on the
 * calling thread alone, so that its result does not depend on how many threads there are. All
 * local.
 *
 * A matrix argument is a pointer and its leading dimension: the distance between rows, in elements.
 * "Lower" means the elements [i][j] with j <= i. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "chiasm/status.h"

/** A matrix that a product reads, of float32 or float64: [i][j] is at x[i * ld + j]. Where it is
 * `turned` its transpose takes part. */
typedef struct chi_smatrix {
  int64_t rows, columns; /* as it is stored */
  const float *x;
  int64_t ld;
  bool turned;
} chi_smatrix;
typedef struct chi_dmatrix {
  int64_t rows, columns;
  const double *x;
  int64_t ld;
  bool turned;
} chi_dmatrix;

/** C = A B + beta C, A and B turned or not. */
void chi_sgemm(chi_smatrix a, chi_smatrix b, float beta, float *c, int64_t ldc);
void chi_dgemm(chi_dmatrix a, chi_dmatrix b, double beta, double *c, int64_t ldc);

/** Lower triangle of C = A A' + beta C; of A' A + beta C where A is turned. */
void chi_dsyrk(chi_dmatrix a, double beta, double *c, int64_t ldc);

/** Upper triangle of T = the transpose of the lower one of A + factor B, n x n each, T's leading
 * dimension like theirs n. T may be A: its strict lower triangle stays as it is.
 * \param[in] diagonal  A's, n
 * \param[in] b         NULL: the identity */
void chi_dupper_of_sum(int64_t n, const double *a, const double *diagonal, double factor,
                       const double *b, double *t);

/** Cholesky: the UPPER triangle of A (n x n, SPD) becomes U with A = U'U, i.e. U = L' row-major.
 * The strict lower triangle is neither read nor written. \return CHI_ERR_NUMERIC if A is not
 * positive definite */
chi_status chi_dpotrf(int64_t n, double *a, int64_t lda);

/** B = B (U'U)^-1 for the U of chi_dpotrf: B m x n. */
void chi_dpotrs(int64_t m, int64_t n, const double *u, int64_t ldu, double *b, int64_t ldb);

/** B = U'^-1 B: U n x n upper (of chi_dpotrf), B n x m. With U = L' that is L^-1 B. */
void chi_dtrsm_left(int64_t n, int64_t m, const double *u, int64_t ldu, double *b, int64_t ldb);

/** B = U^-1 B: the same U and B. With U = L' that is L'^-1 B. */
void chi_dtrsm_left_turned(int64_t n, int64_t m, const double *u, int64_t ldu, double *b,
                           int64_t ldb);

/** B = B U^-1: U n x n upper (of chi_dpotrf), B m x n. With U = L' that is B L'^-1. */
void chi_dtrsm_right(int64_t m, int64_t n, const double *u, int64_t ldu, double *b, int64_t ldb);

/** B = B U': U n x n upper, B m x n. */
void chi_dtrmm_right(int64_t m, int64_t n, const double *u, int64_t ldu, double *b, int64_t ldb);

/** How many elements of work space chi_dsvd wants. */
int64_t chi_dsvd_work(int64_t m, int64_t n);

/** Thin SVD A = U diag(s) V', k = min(m, n): A m x n (destroyed), U m x k, s k descending, Vt k x
 * n.
 * \param work  chi_dsvd_work(m, n) elements
 * \return CHI_ERR_NUMERIC if it does not converge; CHI_ERR_USAGE if too large for LAPACK's integers
 */
chi_status chi_dsvd(int64_t m, int64_t n, double *a, double *s, double *u, double *vt,
                    double *work);
