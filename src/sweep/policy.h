/** \file policy.h
 * Who gets which unit: a pure module, without MPI, clocks or threads, so that a simulation of any
 * machine runs the same code. All local; cost per call O(log n) or better.
 *
 * Rule: the longest groups first; a rank gets units of the layer it last had, then of its group,
 * the dearest first; a rank whose group has run out gets the group with the most cost left per rank
 * on it. */
#pragma once

#include "sweep/sweep.h"

typedef struct chi_policy chi_policy;

/** \param[in] units  n of them; borrowed for the policy's life */
chi_status chi_policy_create(const chi_unit *units, int64_t n, int32_t n_ranks, chi_policy **out);
void chi_policy_destroy(chi_policy **policy);

/** The unit that `rank` should do next, or -1 if none is left. Each unit is given once. */
int64_t chi_policy_next(chi_policy *policy, int32_t rank);

/** Units not yet given, and their cost. */
int64_t chi_policy_left(const chi_policy *policy);
double chi_policy_cost_left(const chi_policy *policy);
