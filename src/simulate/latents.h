/** \file latents.h
 * Processes over events, made one event after the other from their own counters. All local. */
#ifndef CHIASM_SIMULATE_LATENTS_H
#define CHIASM_SIMULATE_LATENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "chiasm/status.h"

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
void chi_latents_ar_step(double autocorrelation, bool start, int64_t n, const double *fresh,
                         double *state);

/** What a film holds at an event, for one subject and alignment. */
typedef struct chi_latents {
  chi_random_key key;
  double autocorrelation;
  double vision[CHI_LATENT_DIMS], language[CHI_LATENT_DIMS], product[CHI_LATENT_DIMS];
} chi_latents;

/** The state before event 0; `dataset` is "<subject>.<alignment>". */
chi_latents chi_latents_begin(uint64_t seed, const char *dataset, double autocorrelation);

/** Go on to `event`, the one after the last; `start`: it is the first of its session. */
void chi_latents_step(chi_latents *latents, int64_t event, bool start);

#endif
