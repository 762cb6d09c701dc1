/** \file film.h
 * What a film holds, made one event after the other from its own counters, and the files of rows
 * that follow from it. All local. */
#pragma once

#include "base/random.h"
#include "simulate/simulate.h"
#include "study/write.h"

enum { CHI_LATENT_DIMS = 6 }; /* of V, of L and of M */

/** What a counter's third word says the numbers are for. */
enum {
  CHI_PURPOSE_VISION,
  CHI_PURPOSE_LANGUAGE,
  CHI_PURPOSE_NOISE,
  CHI_PURPOSE_ONSET,
  CHI_PURPOSE_SITE,
  CHI_PURPOSE_KINDS,
  CHI_PURPOSE_WEIGHTS,
  CHI_PURPOSE_LOADING,
  CHI_PURPOSE_COMPONENT,
  CHI_PURPOSE_PRODUCT,
  CHI_PURPOSE_FLOOR
};

/** One step of n autoregressive processes of unit variance.
 * \param[in]     start  the first event of a session: the past is forgotten
 * \param[in]     fresh  n standard normal numbers
 * \param[in,out] state  n; the values of the event before, then of this one */
void chi_film_ar_step(double autocorrelation, bool start, int64_t n, const double *fresh,
                      double *state);

/** What a film holds at an event, for one subject and alignment. */
typedef struct chi_film {
  chi_random_key key;
  double autocorrelation;
  double vision[CHI_LATENT_DIMS], language[CHI_LATENT_DIMS], product[CHI_LATENT_DIMS];
} chi_film;

/** The state before event 0; `dataset` is "<subject>.<alignment>". */
chi_film chi_film_begin(uint64_t seed, const char *dataset, double autocorrelation);

/** Go on to `event`, the one after the last; `start`: it is the first of its session. */
void chi_film_step(chi_film *film, int64_t event, bool start);

/** Events of a session; the last one may have fewer. */
int64_t chi_film_session_length(const chi_simulate_options *options);

/** Makes the row of an event, the one after the last. */
typedef void chi_film_row(void *context, const chi_film *film, int64_t event, bool start,
                          float *row);

/** Go through a film and append the rows of all events to a file, `block_bytes` at a time.
 * \param[in] width  numbers of a row */
chi_status chi_film_write(const chi_simulate_options *options, const char *dataset, int64_t width,
                          chi_film_row *make, void *context, chi_writer *writer);
