/** \file fit_units.h
 * What a fit consists of. Local, and the same on every rank that passes the same arguments. */
#ifndef CHIASM_STAGE_FIT_UNITS_H
#define CHIASM_STAGE_FIT_UNITS_H

#include "chiasm/encode.h"
#include "stage/units.h"

/** How a fit is shared out. */
typedef struct chi_fit_shares {
  int64_t electrode_block; /* a layer goes in pieces of so many electrodes, rounded up to whole
                              blocks; 0: it is cut only when units run short */
  int32_t n_ranks;
} chi_fit_shares;

/** List the units that are left to do. A layer is one unit, or pieces of `electrode_block`
 * electrodes if that is given; blocks whose sites are all written are left out. Without
 * electrode_block, layers are cut further where that lets the ranks finish sooner, although every
 * part repeats what a layer's electrodes share.
 * \param[in]  done   by alignment: CHI_DONE_* of (space, site); NULL: nothing is done
 * \param[out] list   free with chi_unit_list_free
 * \param[out] parts  how many of them are parts of a layer cut because units ran short */
chi_status chi_fit_units(const chi_study *study, const chi_encode_options *encode,
                         const chi_fit_shares *shares, const uint8_t *const *done,
                         chi_unit_list *list, int64_t *parts);

#endif
