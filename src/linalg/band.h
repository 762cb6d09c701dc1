/** \file band.h
 * A = Q T Q' with T banded: made once, it serves (A + alpha I)^-1 for any number of alphas at the
 * cost of a band each. Householder reflectors by blocks (Bischof, Lang, Sun 2000). All local, each
 * call on the calling thread alone; matrices are row-major float64.
 *
 * Orders are multiples of CHI_BAND (chi_band_order; a smaller matrix is followed by zeros). A band
 * is order x (CHI_BAND + 1), with element [i + d][i] of the matrix at [i][d]. */
#pragma once

#include <stdint.h>

#include "chiasm/status.h"

#define CHI_BAND 16

/** The least multiple of CHI_BAND that is >= n. */
int64_t chi_band_order(int64_t n);

/** Reduce A. \param[in,out] a  n x n: its upper triangle in, the reflectors out
 * \param[out] t     n x CHI_BAND: the triangular factors of the blocks of reflectors
 * \param[out] band  n x (CHI_BAND + 1): T
 * \param      work  3 n x CHI_BAND elements */
void chi_band_reduce(int64_t n, double *a, double *t, double *band, double *work);

/** C = Q' C: C n x m. \param work  CHI_BAND x m elements, twice */
void chi_band_rotate(int64_t n, const double *a, const double *t, int64_t m, double *c, int64_t ldc,
                     double *work);

/** Cholesky: L L' = T + alpha I, L as a band. \return CHI_ERR_NUMERIC if not positive definite */
chi_status chi_band_factor(int64_t n, const double *band, double alpha, double *factor);

/** C = L^-1 C, C = L'^-1 C, C = L' C: C n x m. */
void chi_band_forward(int64_t n, const double *factor, int64_t m, double *c, int64_t ldc);
void chi_band_backward(int64_t n, const double *factor, int64_t m, double *c, int64_t ldc);
void chi_band_multiply(int64_t n, const double *factor, int64_t m, double *c, int64_t ldc);
