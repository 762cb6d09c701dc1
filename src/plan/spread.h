/** \file spread.h
 * Which layers will be bootstrapped where, as far as that can be said before a fit. Local. */
#ifndef CHIASM_PLAN_SPREAD_H
#define CHIASM_PLAN_SPREAD_H

#include "stage/choose.h"

/** For `site`: the electrodes of a recording in turn have the layers of each model; for `final` all
 * have the deepest; for `all` every layer is a row.
 * \param[out] rows  by alignment; free with chi_choose_free */
chi_status chi_spread_layers(const chi_study *study, chi_layer_selection selection,
                             chi_bootstrap_rows **rows);

#endif
