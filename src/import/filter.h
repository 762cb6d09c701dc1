/** \file filter.h
 * Causal filters as cascades of second-order sections, run along a signal that comes in pieces: the
 * same numbers however it is cut. What scipy calls lfilter(*iirnotch(...)) and
 * sosfilt(butter(4, ..., output="sos")), from zero states. All local. */
#ifndef CHIASM_IMPORT_FILTER_H
#define CHIASM_IMPORT_FILTER_H

#include <stdint.h>

#include "chiasm/status.h"

enum {
  CHI_FILTER_SECTIONS = 12, /* 6 notches, 2 of a high-pass, 4 of a band-pass */
  CHI_FILTER_LANES = 8      /* signals filtered side by side */
};

/** One section: b0 + b1/z + b2/z^2 over 1 + a1/z + a2/z^2. */
typedef struct chi_section {
  double b0, b1, b2, a1, a2;
} chi_section;

/** A cascade. Start as {0}: it leaves a signal as it is. */
typedef struct chi_filter {
  int n;
  chi_section section[CHI_FILTER_SECTIONS];
} chi_filter;

/** Add notches of quality 30 at a line frequency and its harmonics up to the sixth, as far as they
 * lie below half the rate: scipy.signal.iirnotch(k line, 30, rate). */
void chi_filter_add_notches(chi_filter *filter, double line, double rate);

/** Add a Butterworth high-pass: scipy.signal.butter(4, edge, "highpass", fs=rate, output="sos"). */
void chi_filter_add_high_pass(chi_filter *filter, double edge, double rate);

/** Add a Butterworth band-pass: butter(4, [low, high], "bandpass", fs=rate, output="sos"). */
void chi_filter_add_band(chi_filter *filter, double low, double high, double rate);

/** What a cascade remembers of CHI_FILTER_LANES signals between pieces. Start as {0}. */
typedef struct chi_filter_state {
  double s1[CHI_FILTER_SECTIONS][CHI_FILTER_LANES], s2[CHI_FILTER_SECTIONS][CHI_FILTER_LANES];
} chi_filter_state;

/** Filter the next n samples in place.
 * \param[in,out] x  n x CHI_FILTER_LANES: the signals side by side */
void chi_filter_run(const chi_filter *filter, chi_filter_state *state, int64_t n, double *x);

#endif
