/** \file envelope.h
 * The amplitude of a band-limited signal that comes in pieces: sqrt(x^2 + h^2), where h is x
 * through a Hilbert transformer of finite length. In numpy, with H = chi_envelope_reach(low, rate):
 *
 *     m = arange(-H, H + 1)
 *     taps = where(m % 2 == 1, 2 / (pi * m), 0) * kaiser(2 * H + 1, 8)       (0 at m = 0)
 *     h = convolve(x, taps, "same")                                          (zeros outside)
 *
 * It stands for abs(scipy.signal.hilbert(x)), which needs the whole recording at once. Between
 * low / 4 and rate / 2 - low / 4 its gain is within 1e-3 of the ideal one, so that what differs is
 * what the band-pass lets through below low / 4; and at the two ends of the recording, which
 * hilbert takes for neighbours. All local. */
#ifndef CHIASM_IMPORT_ENVELOPE_H
#define CHIASM_IMPORT_ENVELOPE_H

#include <stdint.h>

#include "chiasm/status.h"

/** One signal's envelope. Destroy with chi_envelope_destroy. */
typedef struct chi_envelope chi_envelope;

/** Samples to each side that bear on an envelope's value. */
int64_t chi_envelope_reach(double low, double rate);

/** \param[in] low        lower edge of the band, Hz
 * \param[in] piece_max  most samples per push */
chi_status chi_envelope_create(double low, double rate, int64_t piece_max, chi_envelope **out);
void chi_envelope_destroy(chi_envelope **envelope);

/** Take the next n samples of the signal, and give out what of the envelope is complete: it lags
 * `reach` behind. After the recording, push `reach` zeros to get the rest. A call gives at most n.
 * \param[in]  x    n of them; NULL: zeros
 * \param[out] out  room for n
 * \return how many samples were put into `out` */
int64_t chi_envelope_push(chi_envelope *envelope, int64_t n, const double *x, double *out);

#endif
