/** \file treatment.h
 * What is done to signals that come in pieces: the same numbers however they are cut. All local.
 *
 * Causal filters as cascades of second-order sections, from zero states, as in scipy:
 * lfilter(*iirnotch(k line, 30, rate)) for the line frequency and its harmonics up to the sixth, as
 * far as they lie below half the rate; then sosfilt(butter(4, high_pass, "highpass", fs=rate,
 * output="sos")); then sosfilt(butter(4, [low, high], "bandpass", fs=rate, output="sos")).
 *
 * The envelope of a band-limited signal: sqrt(x^2 + h^2), where h is x through a Hilbert
 * transformer of finite length. In numpy, with H = chi_envelope_reach(low, rate):
 *
 *     m = arange(-H, H + 1)
 *     taps = where(m % 2 == 1, 2 / (pi * m), 0) * kaiser(2 * H + 1, 8)       (0 at m = 0)
 *     h = convolve(x, taps, "same")                                          (zeros outside)
 *
 * It stands for abs(scipy.signal.hilbert(x)), which needs the whole recording at once. Between
 * low / 4 and rate / 2 - low / 4 its gain is within 1e-3 of the ideal one, so that what differs is
 * what the band-pass lets through below low / 4; and at the two ends of the recording, which
 * hilbert takes for neighbours.
 *
 * Means over windows around events: bin k of an event at sample i is the mean of samples
 * [i + r(a), i + r(b)) with a = (window start + k step) rate, b = a + bin rate, r = nearest
 * integer, halves away from zero. */
#pragma once

#include <stdbool.h>
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

/** A cascade; without sections it leaves a signal as it is. */
typedef struct chi_filter {
  int n;
  chi_section section[CHI_FILTER_SECTIONS];
} chi_filter;

/** The filters above, in that order; those whose frequencies (Hz) are 0 are left out. */
chi_filter chi_filter_make(double line, double high_pass, double low, double high, double rate);

/** What a cascade remembers of CHI_FILTER_LANES signals between pieces. Start as {0}. */
typedef struct chi_filter_state {
  double s1[CHI_FILTER_SECTIONS][CHI_FILTER_LANES], s2[CHI_FILTER_SECTIONS][CHI_FILTER_LANES];
} chi_filter_state;

/** Filter the next n samples in place.
 * \param[in,out] x  CHI_FILTER_LANES signals: number i from x + i * stride on */
void chi_filter_run(const chi_filter *filter, chi_filter_state *state, int64_t n, int64_t stride,
                    double *x);

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

/** The bins of an event, relative to its sample. Free with chi_bins_form_free. */
typedef struct chi_bins_form {
  int64_t n;
  int64_t *from, *to;  /* n: bin k is samples [from, to) */
  int64_t first, last; /* an event needs samples [first, last) */
  double *time;        /* n: centres, s */
  double width;        /* s */
} chi_bins_form;

/** An event that is cut from a recording. */
typedef struct chi_placed_event {
  int64_t sample;    /* ascending within a session */
  int64_t table_row; /* of the event file, from 0 */
  int32_t session;
} chi_placed_event;

/** \param[in] start, end  of the window around an event, s; bins that end by `end` are made
 * \return CHI_ERR_USAGE if there is none, or a bin holds no sample */
chi_status chi_bins_form_make(double start, double end, double width, double step, double rate,
                              chi_bins_form *out);
void chi_bins_form_free(chi_bins_form *form);

/** The means of one signal. Destroy with chi_bins_destroy. */
typedef struct chi_bins chi_bins;

/** \param[in] form      borrowed
 * \param[in] event     n_events, samples ascending; every event's bins are in the signal; borrowed
 * \param[in] zscore    let chi_bins_finish standardise by the whole signal's mean and deviation
 * \param[in] out       where the means go: bin k of event e to out[e * stride + k]; borrowed */
chi_status chi_bins_create(const chi_bins_form *form, int64_t n_events,
                           const chi_placed_event *event, bool zscore, float *out, int64_t stride,
                           chi_bins **bins);
void chi_bins_destroy(chi_bins **bins);

/** Room that chi_bins_push needs for pieces of at most n samples. */
int64_t chi_bins_room(const chi_bins_form *form, int64_t n);

/** Take the next n samples.
 * \param[in] room  chi_bins_room doubles, of any content */
void chi_bins_push(chi_bins *bins, int64_t n, const double *x, double *room);

/** After the whole signal: standardise, if asked for (a constant signal becomes 0).
 * \param[out] mean, deviation  of the whole signal */
void chi_bins_finish(chi_bins *bins, double *mean, double *deviation);
