/** \file bootstrap_units.h
 * What a bootstrap consists of: blocks of replicates of the layers, at the electrodes whose layer
 * each is. All local, and the same on every rank that passes the same arguments. */
#pragma once

#include "chiasm/encode.h"
#include "stage/units.h"
#include "store/content.h"

/** Turn the layers of the rows' sites into the electrodes of the layers.
 * \param[in]  rows    by alignment
 * \param[out] picked  by layer number; free with chi_bootstrap_unpick */
chi_status chi_bootstrap_pick(const chi_study *study, const chi_bootstrap_rows *rows,
                              chi_picked **picked);
void chi_bootstrap_unpick(const chi_study *study, chi_picked **picked);

/** The events of a replicate that differ from each other, of n: 1 - 1/e of them. */
int64_t chi_bootstrap_distinct(int64_t n);

/** List the units that are left to do: those of which a site's block is not written.
 * \param[in]  done  by alignment, as chi_bootstrap_done gives it; NULL: nothing is done
 * \param[out] list  free with chi_unit_list_free */
chi_status chi_bootstrap_units(const chi_study *study, const chi_encode_options *encode,
                               int64_t n_replicates, const chi_picked *picked,
                               const uint8_t *const *done, chi_unit_list *list);
