/** \file bins.h
 * Means of a signal over windows around events, taken while the signal streams by. Bin k of an
 * event at sample i is the mean of samples [i + r(a), i + r(b)) with a = (window start + k step)
 * rate, b = a + bin rate, r = nearest integer, halves away from zero. All local. */
#ifndef CHIASM_IMPORT_BINS_H
#define CHIASM_IMPORT_BINS_H

#include <stdbool.h>
#include <stdint.h>

#include "chiasm/status.h"

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

#endif
