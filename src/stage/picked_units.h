/** \file picked_units.h
 * What the stages after the fit consist of: layers, at the electrodes whose layer each is, and of
 * the bootstrap blocks of replicates. All local, and the same on every rank that passes the same
 * arguments. */
#pragma once

#include "chiasm/influence.h"
#include "stage/units.h"
#include "store/content.h"

/** Turn the layers of the rows' sites into the electrodes of the layers.
 * \param[in]  rows    by alignment
 * \param[out] picked  by layer number; free with chi_chosen_unpick */
chi_status chi_chosen_pick(const chi_study *study, const chi_chosen *rows, chi_picked **picked);
void chi_chosen_unpick(const chi_study *study, chi_picked **picked);

/** The events of a replicate that differ from each other, of n: 1 - 1/e of them. */
int64_t chi_bootstrap_distinct(int64_t n);

/** What there is to do at a layer: n items, blocks of which are units, and the flops of a unit. */
typedef struct chi_picked_work {
  int64_t n, block;
  double (*cost)(const void *context, const chi_study *study, const chi_stage_unit *unit,
                 int64_t n_electrodes);
  const void *context;
} chi_picked_work;

/** List the units that are left to do: those of which a site's block is not written.
 * \param[in]  done  by alignment: CHI_DONE_* of (row, site, block); NULL: nothing is done
 * \param[out] list  free with chi_unit_list_free */
chi_status chi_picked_units(const chi_study *study, const chi_picked *picked,
                            const uint8_t *const *done, const chi_picked_work *work,
                            chi_unit_list *list);

/** Those of an influence pass: each layer is one. \param[in] blocks  by dataset: of its events */
chi_status chi_influence_units(const chi_study *study, const chi_encode_options *encode,
                               chi_residual residual, const int32_t *blocks,
                               const chi_picked *picked, const uint8_t *const *done,
                               chi_unit_list *list);

/** Those of a bootstrap.
 * \param[out] list  free with chi_unit_list_free */
chi_status chi_bootstrap_units(const chi_study *study, const chi_encode_options *encode,
                               int64_t n_replicates, const chi_picked *picked,
                               const uint8_t *const *done, chi_unit_list *list);
