/** \file influence_internal.h
 * What the files of the influence pass share. It goes by folds and alphas as a fit does, with the
 * operators B of all of them kept, and then by blocks of targets, each in two steps:
 *   forward   predictions B C, their r, and what the derivative needs of every held-out event:
 *             its residual, and its gradient g = dr / dq
 *   backward  B' g, what a response of each training event adds to r; times the event's residual
 * Three routes: `dual` and `primal` as in a fit, with C = Y_tr and C = X~_tr' Y_tr (primal.c); and
 * `factored`, B = Z_ho V diag(s / (s^2 + a)) with C = U' Y_tr, where the decomposition is wanted
 * anyway. Backward the primal adds up the folds that a class of rows trains before it goes from
 * features to events, as their residuals are the same for all of these. */
#pragma once

#include "chiasm/influence.h"
#include "encode/internal.h"

/** Work space of one thread, beside the fit's; `real` is the product's. */
typedef struct chi_influence_thread {
  void *residual; /* real, rows x block: of held-out events; fitted: of a fold's training ones */
  void *gradient; /* real, rows x block */
  void *pulled;   /* real, basis x block: B'g; factored: also other coefficients of U */
  void *by_row;   /* factored: real, max_train x block: U times these */
  double *sum[2]; /* by half: n_blocks x block */
  double *line;   /* 5 x block */
} chi_influence_thread;

typedef struct chi_influence_work {
  chi_fit_work fit;
  chi_residual residual;
  const chi_influence *what;
  double *train_mean; /* (fold, target): of the responses in training */
  char *left;         /* factored: (fold, max_train, basis) of type real: U */
  double *filter;     /* fitted: (fold, alpha, basis): s^2 / (s^2 + a) */
  double *leverage;   /* fitted: (fold, alpha, max_train), the mean's included */
  chi_influence_thread *thread;
} chi_influence_work;

/** Whether residuals are those of the fold's own fit. */
static inline bool chi_is_fitted(const chi_influence_work *w)
{
  return w->residual != CHI_RESIDUAL_HELD_OUT;
}

/** The block's work space of the calling thread. */
static inline chi_influence_thread *chi_influence_own(const chi_influence_work *w)
{
  return &w->thread[omp_get_thread_num()];
}

/** U of a fold: n_train x rank. */
static inline void *chi_influence_left(const chi_influence_work *w, int32_t fold)
{
  const chi_shape *s = &w->fit.shape;
  return w->left + fold * s->max_train * s->basis * (int64_t)s->real;
}

/* ---- influence_shape.c ---- */

/** Sizes and route for some rows; `wide`: of the wide electrodes, each a block. */
chi_shape chi_influence_shape(const chi_encode_options *options, chi_residual residual,
                              const chi_rows *rows, int64_t n_features, int64_t n_electrodes,
                              int64_t n_times, bool wide);
/** Place all arrays in the arena. */
void chi_influence_layout(chi_influence_work *w, chi_arena *arena);

/* ---- influence_block.c ---- */

/** All of a block of targets: sums by blocks of events, to its thread's sum. */
void chi_influence_block(chi_influence_work *w, chi_block block);

/** B' of a half's gradients, by rows of C, to the thread's pulled. \return how many rows */
int64_t chi_influence_pull(chi_influence_work *w, int32_t fold, int half, chi_block block);

/** C = A B, of type real, without gaps between the rows of B and C; A turned or not: m x k so. */
void chi_influence_multiply(chi_real real, int64_t m, int64_t k, const void *a, int64_t lda,
                            bool turned, int64_t n, const void *b, void *c);

/* ---- influence_primal.c ---- */

/** primal: what all events add to a half's scores in training. */
void chi_influence_primal(chi_influence_work *w, int half, chi_block block);
