/** \file folds.h
 * How events are cut for cross-validation (protocol.md): contiguous folds, the first n mod folds of
 * them with one event more, and of each the first half, rounded down, for validation. */
#pragma once

#include <stdint.h>

#define CHI_MAX_FOLDS 32

/** The first of n events in a half, `half` = 2 * fold + (test ? 1 : 0); n for half 2 * folds.
 * Local.
 */
int64_t chi_folds_border(int32_t folds, int64_t n, int32_t half);
