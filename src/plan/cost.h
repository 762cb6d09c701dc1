/** \file cost.h
 * Seconds of a fit, from its flops and what was measured of fits of about its shape. Local. */
#ifndef CHIASM_PLAN_COST_H
#define CHIASM_PLAN_COST_H

#include "plan/machine.h"

/** One fit. */
typedef struct chi_cost_shape {
  int64_t rows; /* events that take part */
  int64_t features;
  int64_t electrodes; /* of the whole subject (or bootstrapped layer): they decide the way */
  int64_t times;
  int64_t targets; /* that are fitted: all of those or a part */
} chi_cost_shape;

/** Seconds of a fit on encode->threads threads. Speeds of shapes between those measured are their
 * means, nearer ones (in the logarithms of events and features) counting more; beyond the
 * range measured, those at its edge.
 * \param[in]  busy   how much of the node's other cores is at work: 0 none, 1 all
 * \param[out] flops  of the fit, a float64 one counted twice (chi_encode_make_plan) */
double chi_cost_seconds(const chi_machine *machine, const chi_encode_options *encode,
                        const chi_cost_shape *shape, double busy, double *flops);

#endif
