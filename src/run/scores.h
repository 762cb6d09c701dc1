/** \file scores.h
 * What is asked of scores that were read from a run. Local. */
#ifndef CHIASM_RUN_SCORES_H
#define CHIASM_RUN_SCORES_H

#include <stdint.h>

/** The mean of the finite ones of n scores; NaN if there is none. */
double chi_scores_mean(const float *r, int64_t n);

#endif
