/** \file fit_units.h
 * What a fit consists of: its layers, and the units of work that are handed out. All local, and the
 * same on every rank that passes the same arguments. */
#ifndef CHIASM_STAGE_FIT_UNITS_H
#define CHIASM_STAGE_FIT_UNITS_H

#include <stdint.h>

#include "chiasm/encode.h"
#include "chiasm/study.h"
#include "sweep/sweep.h"

/** One unit: a feature space and some electrodes of a dataset, [electrode0, electrode1). */
typedef struct chi_fit_unit {
  int32_t alignment, dataset; /* dataset: index into study->datasets */
  int64_t space;
  int64_t electrode0, electrode1;
} chi_fit_unit;

typedef struct chi_fit_plan {
  int64_t n;
  chi_fit_unit *what; /* n */
  chi_unit *unit;     /* n, the same units as the sweep sees them */
  int64_t models;     /* encoding models in all of them */
  int64_t largest;    /* targets of the largest unit */
  int64_t parts;      /* units that are parts of a layer cut because units ran short */
} chi_fit_plan;

/** List the units that are left to do. A layer is one unit, or pieces of `electrode_block`
 * electrodes (rounded up to whole blocks) if that is given; blocks whose sites are all written are
 * left out. Without electrode_block, layers are cut further where that lets n_ranks ranks finish
 * sooner, although every part repeats what a layer's electrodes share. \param[in]  done   by
 * alignment: CHI_DONE_* of (space, site) as chi_run_done gives it \param[out] plan   free with
 * chi_fit_plan_free */
chi_status chi_fit_plan_make(const chi_study *study, const chi_encode_options *encode,
                             int64_t electrode_block, const uint8_t *const *done, int32_t n_ranks,
                             chi_fit_plan *plan);
void chi_fit_plan_free(chi_fit_plan *plan);

#endif
