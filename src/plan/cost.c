#include "plan/cost.h"

#include <math.h>

/* What of the way's points is measured: the least and most events and features. */
static void ranges(const chi_machine *machine, chi_way way, chi_machine_point *low,
                   chi_machine_point *high)
{
  low->events = low->features = INFINITY;
  high->events = high->features = 0;
  for (int32_t i = 0; i < machine->n_points; i++) {
    const chi_machine_point *p = &machine->point[i];
    if ((chi_way)p->way != way) continue;
    low->events = fmin(low->events, p->events);
    low->features = fmin(low->features, p->features);
    high->events = fmax(high->events, p->events);
    high->features = fmax(high->features, p->features);
  }
}

/* Flops per second of the shared part and of the targets'. */
static void speeds(const chi_machine *machine, chi_way way, const chi_cost_shape *shape,
                   double *shared, double *target)
{
  double weights = 0, sum_shared = 0, sum_target = 0;
  chi_machine_point low, high;
  ranges(machine, way, &low, &high);
  const double events = fmin(high.events, fmax(low.events, (double)shape->rows));
  const double features = fmin(high.features, fmax(low.features, (double)shape->features));
  for (int32_t i = 0; i < machine->n_points; i++) {
    const chi_machine_point *p = &machine->point[i];
    if ((chi_way)p->way != way) continue;
    const double x = log(events / p->events), y = log(features / p->features);
    const double weight = pow(x * x + y * y + 1e-4, -2);
    weights += weight;
    sum_shared += weight * log(p->shared);
    sum_target += weight * log(p->target);
  }
  *shared = exp(sum_shared / weights);
  *target = exp(sum_target / weights);
}

double chi_cost_seconds(const chi_machine *machine, const chi_encode_options *encode,
                        const chi_cost_shape *shape, double busy, double *flops)
{
  const chi_encode_plan plan =
      chi_encode_make_plan(encode, shape->rows, shape->features, shape->electrodes, shape->times);
  const double of_targets = plan.flops_target * (double)shape->targets;
  double shared, target;
  speeds(machine, chi_way_of(&plan), shape, &shared, &target);
  *flops = plan.flops_shared + of_targets;
  return (plan.flops_shared / shared + of_targets / target) * pow(machine->busy, busy) *
         (machine->serial + (1 - machine->serial) / encode->threads);
}
