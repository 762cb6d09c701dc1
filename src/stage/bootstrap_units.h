/** \file bootstrap_units.h
 * The bootstrap's units of work: a block of replicates of one layer, at the electrodes of one
 * subject whose layer it is. All local, and the same on every rank that passes the same arguments.
 */
#ifndef CHIASM_STAGE_BOOTSTRAP_UNITS_H
#define CHIASM_STAGE_BOOTSTRAP_UNITS_H

#include <stdint.h>

#include "chiasm/encode.h"
#include "chiasm/study.h"
#include "run/bootstrap_file.h"
#include "sweep/sweep.h"

/** A layer of one subject and the electrodes at which it is bootstrapped. */
typedef struct chi_boot_layer {
  int32_t alignment, dataset; /* dataset: index into study->datasets */
  int64_t row, space;
  int64_t n_electrodes;
  int64_t *electrode; /* n_electrodes, ascending; of the dataset */
} chi_boot_layer;

typedef struct chi_boot_plan {
  int64_t n_layers;
  chi_boot_layer *layer;
  int64_t *electrodes; /* by chi_layer_number: how many electrodes are fitted on it */

  int64_t n;            /* units */
  int64_t *of;          /* n: its layer */
  int64_t *block;       /* n: its block of replicates */
  chi_unit *unit;       /* n, the same units as the sweep sees them */
  int64_t models;       /* encoding models in all of them: targets x replicates */
  int64_t most_targets; /* of a layer */
} chi_boot_plan;

/** List the layers. \param[in] rows  by alignment \param[out] plan  free with chi_boot_plan_free */
chi_status chi_boot_plan_layers(const chi_study *study, const chi_bootstrap_rows *rows,
                                chi_boot_plan *plan);

/** List the units that are left to do: those of which a site's block is not written.
 * \param[in] done  by alignment, as chi_bootstrap_done gives it */
chi_status chi_boot_plan_units(const chi_study *study, const chi_encode_options *encode,
                               int64_t n_replicates, const uint8_t *const *done,
                               chi_boot_plan *plan);
void chi_boot_plan_free(chi_boot_plan *plan);

#endif
