/** \file fit_units.h
 * What a fit consists of. Local, and the same on every rank that passes the same arguments. */
#pragma once

#include "chiasm/encode.h"
#include "stage/units.h"

/** The folds of every recording's events.
 * \param[out] rows  by dataset; free with chi_fit_rows_free, also after a failure
 * \return CHI_ERR_INPUT naming the recording that has too few */
chi_status chi_fit_rows(const chi_study *study, const chi_encode_options *encode, chi_rows **rows);
void chi_fit_rows_free(const chi_study *study, chi_rows **rows);

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

/* ---- cutting layers into parts where there are too few of them to keep every rank busy ---- */

/** A run of electrodes of one layer, and what it costs. */
typedef struct chi_fit_piece {
  chi_stage_unit what;
  int64_t block;    /* parts are whole blocks of so many electrodes */
  double shared;    /* flops that every part repeats */
  double electrode; /* flops of one electrode */
} chi_fit_piece;

/** Part j of a piece cut into n parts of whole blocks (n at most its blocks), and what it costs. */
chi_stage_unit chi_fit_part(const chi_fit_piece *piece, int64_t j, int64_t n);
double chi_fit_cost(const chi_fit_piece *piece, const chi_stage_unit *part);

/** Choose how many parts to make of each piece. Of a few ways, from no cut at all to many, the one
 * with which n_ranks ranks would finish first if each took the dearest unit left; a cut must pay,
 * as it repeats work. No part's own work is below a quarter of what it shares with the others.
 * \param[out] part  n, each >= 1 */
chi_status chi_fit_cut(const chi_fit_piece *pieces, int64_t n, int32_t n_ranks, int64_t *part);
