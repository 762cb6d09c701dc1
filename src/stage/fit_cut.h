/** \file fit_cut.h
 * Cutting layers into parts where there are too few of them to keep every rank busy. Local. */
#ifndef CHIASM_STAGE_FIT_CUT_H
#define CHIASM_STAGE_FIT_CUT_H

#include <stdint.h>

#include "stage/units.h"

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

#endif
