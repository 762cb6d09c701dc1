/** \file made.h
 * Data made in memory, to time fits on. Local. */
#pragma once

#include "chiasm/influence.h"

enum { CHI_MADE_BLOCKS = 200 }; /* of events, for influences, or as many as there are */

typedef struct chi_made {
  int64_t events, features, targets;
  chi_encode_options encode;
  float *x, *scores; /* features (event, feature); room for scores */
  void *y;           /* responses (event, target), of the precision of encode */
  uint8_t *missing;
  chi_encoder *encoder;
  int32_t n_blocks; /* of the events, for influences; 0 until these are asked for */
  int32_t *block;
  float *alpha, *influence[2];
} chi_made;

/** \param[in]  encode  is copied; its alphas must last
 * \param[out] made    free with chi_made_free, also if this fails
 * \return CHI_ERR_MEMORY */
chi_status chi_made_create(const chi_encode_options *encode, int64_t events, int64_t features,
                           int64_t targets, chi_made *made);
void chi_made_free(chi_made *made);

/** All the events, or with a replicate >= 0 as many drawn with replacement.
 * \param[out] rows  free with chi_rows_free
 * \return CHI_ERR_INPUT for too few of them */
chi_status chi_made_rows(const chi_made *made, int64_t replicate, chi_rows *rows);

/** Fit them. \param[in,out] stages  added to */
chi_status chi_made_fit(const chi_made *made, const chi_rows *rows, chi_stages *stages);

/** Make room for influences. \return CHI_ERR_MEMORY */
chi_status chi_made_reserve_influence(chi_made *made, chi_residual residual);

/** The influences, of every target at an alpha in turn: all are in use, as among real ones.
 * \param[in,out] stages  added to */
chi_status chi_made_influence(const chi_made *made, chi_residual residual, const chi_rows *rows,
                              chi_stages *stages);
