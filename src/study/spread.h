/** \file spread.h
 * What one pass over a recording's responses says of every target (electrode * n_times + bin), or
 * one over a layer of every feature: where it is flat, and how far out its events lie. All local.
 */
#pragma once

#include "chiasm/study.h"

/** Start as {0}; free with chi_spread_free. What is not finite is skipped for least and most, and
 * makes the mean and deviation of its half NaN or infinite. */
typedef struct chi_spread {
  int32_t folds, n_halves;            /* halves of folds: 2 * fold + is_test */
  int64_t n_events, n_targets, event; /* event: how many were taken so far */
  double *mean, *deviation;           /* (half, target); deviation (population) 0: constant there */
  double *least, *most;               /* (target) */
  int64_t *least_event, *most_event;  /* (target): the first that is so */
  double *first;                      /* (target): of the first event */
  double *row;                        /* (target): at work */
} chi_spread;

/** \return CHI_ERR_MEMORY */
chi_status chi_spread_begin(int32_t folds, int64_t n_events, int64_t n_targets, chi_spread *spread);

/** Take the next n events: n x n_targets numbers of type real. */
void chi_spread_add(chi_spread *spread, int64_t n, const void *rows, chi_real real);

void chi_spread_free(chi_spread *spread);

/** The same for a whole dataset.
 * \param[out] exact  the type that holds its numbers
 * \return CHI_ERR_INPUT, CHI_ERR_IO, CHI_ERR_MEMORY */
chi_status chi_spread_read(const chi_study *study, int32_t dataset, int32_t folds,
                           chi_spread *spread, chi_real *exact);

/** How far a target is from its mean: its furthest event, in its units; and the mean of its events
 * in a half, in deviations there, where that is most. Both are NaN if a number is not finite.
 * \param[in] with_first  take the first event for such a mean too, in the least deviation of all */
void chi_spread_range(const chi_spread *spread, int64_t target, bool with_first, double *range,
                      double *shift);

/** An event so many spreads away from the others is worth a word. */
#define CHI_FAR_OUT 1000.0

/** The event of a target that is furthest from the others. */
typedef struct chi_furthest {
  double out; /* by how many spreads: the middle deviation of the halves; NaN: not known */
  double value;
  int64_t event;
} chi_furthest;
chi_furthest chi_spread_furthest(const chi_spread *spread, int64_t target);
