/** \file simulate.h
 * A study whose truth is known (chiasm simulate).
 *
 * A film is a vision process V and a language process L of 6 dimensions each: Gaussian, white
 * across dimensions, autoregressive from event to event. M, what integrates them, is made of
 * products, M_k = V_k L_(k+1 mod 6): unit variance, uncorrelated with each other and with
 * everything linear in V and L. An electrode responds to a fixed mix of V, L, both, or M, through a
 * smooth bump over the time bins, in noise that is autocorrelated over events and bins. Networks
 * hold V, L or M among many components of no concern to the brain (networks.h). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "chiasm/status.h"

/** What an electrode responds to. The order is that of chi_simulate_options.shares. */
typedef enum chi_kind {
  CHI_KIND_NONE,
  CHI_KIND_VISION,
  CHI_KIND_LANGUAGE,
  CHI_KIND_BOTH,
  CHI_KIND_INTEGRATION,
  CHI_N_KINDS
} chi_kind;
extern const char *const chi_kind_names[CHI_N_KINDS];

typedef struct chi_simulate_options {
  int64_t subjects, electrodes, events, bins, sessions; /* each > 0; sessions <= events */
  int64_t networks, layers, features;                   /* > 0; features of a unimodal layer */
  uint64_t seed;
  const char *alignments;        /* comma-separated names; one with "vision" in it has the pace of
                                    scene cuts, the others that of words; borrowed */
  double shares[CHI_N_KINDS];    /* of the electrodes, by kind; any positive scale */
  double effect_min, effect_max; /* correlation of signal and response at the bump's peak, < 1 */
  double autocorrelation;        /* of the latents and features, event to event, < 1 */
  double noise_min, noise_max; /* the same of the noise; each electrode has its own between them */
  bool overwrite;
  int64_t block_bytes; /* memory for rows at a time; the files do not depend on it */
} chi_simulate_options;

/** Write a study. Memory is of the order of block_bytes and of one event's responses.
 * \return CHI_ERR_USAGE  the folder is there, not empty, and `overwrite` is not given or it is no
 *                        study made by this function alone; an option makes no sense
 *         CHI_ERR_IO     no disk space for it (looked at before anything is written), no permission
 *         CHI_ERR_MEMORY one event is more than the memory there is */
chi_status chi_simulate(const char *path, const chi_simulate_options *options);
