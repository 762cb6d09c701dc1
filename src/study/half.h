/** \file half.h
 * float16 to wider numbers. HDF5's own conversion manages 15 million a second, this one a thousand
 * million. All local. */
#pragma once

#include <stdint.h>

#include "chiasm/study.h"

/** Widen n float16 numbers in place: they are the last 2n bytes of the n * real bytes at `numbers`,
 * in the byte order of this machine. Exact; NaN stays NaN. */
void chi_half_widen(int64_t n, chi_real real, void *numbers);
