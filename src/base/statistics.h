/** \file statistics.h
 * Means, percentiles, tails and adjusted p-values. All local; what is missing is NaN. */
#pragma once

#include <stdint.h>

#include "chiasm/status.h"

/** For qsort: doubles in ascending order. */
int chi_compare_reals(const void *a, const void *b);

/** The mean of the finite ones of n numbers, summed in double and in order; NaN if there is none.
 */
double chi_mean(int64_t n, const float *x);

/** The value at a share (0 to 1) of the way through n > 0 numbers in ascending order, as numpy's
 * `linear` percentiles are: interpolated from the nearer neighbour. */
double chi_percentile(int64_t n, const double *sorted, double share);

/** How likely a variable of Student's t with df > 0 degrees of freedom is above t; exact far out.
 */
double chi_student_tail(double t, double df);

/** The t above which there is a share of 0 < tail < 0.5 of that distribution, to 1e-12 of it. */
double chi_student_quantile(double tail, double df);

/** Benjamini and Hochberg's adjusted p-values over the finite ones of n p-values; NaN for the
 * others, which do not count. \return CHI_ERR_MEMORY */
chi_status chi_benjamini_hochberg(int64_t n, const double *p, double *adjusted);
