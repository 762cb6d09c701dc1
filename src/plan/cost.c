#include "plan/cost.h"

#include <math.h>

static chi_encode_plan plan_of(const chi_encode_options *encode, const chi_cost_shape *shape)
{
  return chi_encode_make_plan(encode, shape->rows, shape->features, shape->electrodes,
                              shape->times);
}

double chi_cost_flops(const chi_encode_options *encode, const chi_cost_shape *shape)
{
  const chi_encode_plan plan = plan_of(encode, shape);
  return plan.flops_shared + plan.flops_target * (double)shape->targets;
}

/* Flops per second of the shared part and of the targets'. */
static void speeds(const chi_machine *machine, chi_way way, const chi_cost_shape *shape,
                   double busy, double *shared, double *target)
{
  double weights = 0, sum_shared = 0, sum_target = 0;
  for (int32_t i = 0; i < machine->n_points; i++) {
    const chi_machine_point *p = &machine->point[i];
    if ((chi_way)p->way != way) continue;
    const double rows = log((double)shape->rows / p->events);
    const double features = log((double)shape->features / p->features);
    const double weight = pow(rows * rows + features * features + 1e-4, -2);
    weights += weight;
    sum_shared += weight * ((1 - busy) * log(p->shared) + busy * log(p->shared_busy));
    sum_target += weight * ((1 - busy) * log(p->target) + busy * log(p->target_busy));
  }
  *shared = exp(sum_shared / weights);
  *target = exp(sum_target / weights);
}

double chi_cost_seconds(const chi_machine *machine, const chi_encode_options *encode,
                        const chi_cost_shape *shape, double busy)
{
  double shared, target;
  const chi_encode_plan plan = plan_of(encode, shape);
  speeds(machine, chi_way_of(&plan), shape, busy, &shared, &target);
  const double one =
      plan.flops_shared / shared + plan.flops_target * (double)shape->targets / target;
  return one * (machine->serial + (1 - machine->serial) / encode->threads);
}
