/** \file influence.h
 * How the scores of one feature space hang on the events: the derivative of each Pearson r with
 * respect to the weight of every event, alpha and scaling held, summed over blocks of events
 * (protocol.md, "Uncertainty without refits"; the infinitesimal jackknife, Giordano et al.
 * arXiv 1806.00550). Local; threads are inside. */
#pragma once

#include "chiasm/encode.h"

/** What stands for the error of a training event. */
typedef enum chi_residual {
  CHI_RESIDUAL_HELD_OUT, /* of the fold that holds the event out, at the same alpha */
  CHI_RESIDUAL_LOO,      /* of the fold's fit without the event, by its leverage */
  CHI_RESIDUAL_TRAINING  /* of the fold's fit: the exact derivative; too small where features are
                            many, and so for tests alone */
} chi_residual;

/** At which alphas, by which blocks, and where the influences go. */
typedef struct chi_influence {
  const float *alpha; /* n_electrodes x n_times, as chi_encode_fit chose them; NaN: none */
  int32_t n_blocks;
  const int32_t *block;  /* n_events: 0 <= block < n_blocks */
  float *val_r, *test_r; /* (electrode, block, time) row-major; NaN where the score is undefined */
} chi_influence;

/** Calculate the influences on the scores of all electrodes of `responses`.
 * \param[in]     rows       as chi_rows_plain makes them (row i is event i), weights as they may be
 * \param[in]     features, responses  of the same events; borrowed
 * \param[in,out] influence  its arrays are filled
 * \param[in,out] stages     added to; may be NULL
 * \return CHI_ERR_MEMORY; CHI_ERR_NUMERIC if a factorisation breaks down; CHI_ERR_INPUT if an alpha
 * is none of the encoder's */
chi_status chi_encode_influence(chi_encoder *encoder, chi_residual residual, const chi_rows *rows,
                                const chi_features *features, const chi_responses *responses,
                                const chi_influence *influence, chi_stages *stages);

/** What that will cost. `dual` is by a hat matrix for every alpha; with `svd` the features are
 * decomposed; else it goes by Gram matrices of the features. */
chi_encode_plan chi_influence_make_plan(const chi_encode_options *options, chi_residual residual,
                                        int64_t n_events, int32_t n_blocks, int64_t n_features,
                                        int64_t n_electrodes, int64_t n_times);
