/** \file electrodes.h
 * The electrodes of a simulated subject: where they are and what they respond to. All local. */
#pragma once

#include "simulate/film.h"
#include "simulate/simulate.h"

/** One electrode. */
typedef struct chi_electrode {
  char name[24];
  const char *region; /* static */
  float x, y, z;      /* mm, MNI152 */
  chi_kind kind;      /* in its own alignment; elsewhere this or none */
  int32_t alignment;  /* its own */
  double effect;      /* correlation of its signal with its response at the bump's peak */
  double peak, width; /* of the bump over time, s after the event; standard deviation, s */
  double vision[CHI_LATENT_DIMS], language[CHI_LATENT_DIMS], product[CHI_LATENT_DIMS]; /* mix */
  double noise;         /* autocorrelation of its noise from event to event */
  double scale, offset; /* of the response, uV */
} chi_electrode;

/** Make a subject's electrodes.
 * \param[out] out  options->electrodes of them; free with chi_free */
chi_status chi_electrodes_create(const chi_simulate_options *options, const char *subject,
                                 int32_t n_alignments, chi_electrode **out);

/** What electrode i of the subject responds to in an alignment. In its own one it always responds,
 * in each other with probability 1/2: the paper found few (12 of 141) in both alignments. */
chi_kind chi_electrode_kind(const chi_simulate_options *options, const char *subject,
                            const chi_electrode *electrodes, int64_t i, int32_t alignment);
