/** \file encode.h
 * The encoding model of one feature space and one subject: cross-validated ridge with a penalty
 * per target (protocol.md, "Fitting one feature space"). All functions are local; threads are
 * inside.
 *
 * A target is one electrode at one time bin; targets are numbered electrode * n_times + bin. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "chiasm/status.h"
#include "chiasm/study.h"

typedef struct chi_encode_options {
  int32_t folds;
  int32_t n_alphas;
  const double *alphas; /* ascending, > 0; borrowed */
  chi_real precision;   /* of the product with the responses: CHI_REAL32 is `mixed` */
  double gap;      /* s; training events nearer to a held-out one of their session are left out */
  int32_t threads; /* used inside a fit; results do not depend on it */
} chi_encode_options;

/** Which rows take part: those of the study's events, or of a bootstrap replicate's distinct
 * events. Row i is event[i] with weight[i] copies in fold[i], validation or test half. */
typedef struct chi_rows {
  int64_t n;
  int64_t *event;   /* n; index of the event */
  double *weight;   /* n; how often it was drawn; 1 in a plain fit */
  int32_t *fold;    /* n; 0 <= fold < folds, ascending */
  uint8_t *is_test; /* n; 0: validation half, 1: test half of its fold */
  uint32_t *train;  /* n; bit f: the row trains fold f. folds <= 32 */
} chi_rows;

/** Cut events 0..n-1 into folds, halves and training sets, the gap applied.
 * \param[in]  onset, session  n, of the study; used only if options->gap > 0
 * \param[out] rows            free with chi_rows_free
 * \return CHI_ERR_INPUT if n < 4 x folds, or a fold keeps fewer than 2 training events */
chi_status chi_rows_plain(const chi_encode_options *options, int64_t n, const double *onset,
                          const int32_t *session, chi_rows *rows);
/** The same for a sequence of events drawn with replacement: the folds are cut over the sequence,
 * and equal neighbours become one weighted row (two where a border runs between the copies).
 * \param[in] event  n, ascending; NULL: each event once */
chi_status chi_rows_drawn(const chi_encode_options *options, int64_t n, const int64_t *event,
                          const double *onset, const int32_t *session, chi_rows *rows);
void chi_rows_free(chi_rows *rows);

/** Halves of folds that no r can be had of, since they hold fewer than two distinct events or their
 * fold trains on fewer than two: in a small replicate. They have no part in the means over folds,
 * whatever the model. None of chi_rows_plain. */
int32_t chi_rows_left_out(const chi_rows *rows, int32_t folds);

/** The responses of one subject, made once by chi_responses_prepare and then read-only: any
 * number of threads, or of processes that share the memory, may fit with them. */
typedef struct chi_responses {
  int64_t n_events, n_electrodes, n_times;
  chi_real real;
  const void *y;          /* n_events x n_targets, row-major, centred */
  const uint8_t *missing; /* n_targets; 1: the response holds a NaN or Inf (its column is then 0) */

  /* Electrodes with a target whose range float32 cannot hold (chi_wide_target), once more in
   * float64: they are fitted with these. */
  int64_t n_wide;
  const int64_t *wide;  /* n_wide, ascending */
  const double *wide_y; /* n_events x (n_wide * n_times), row-major, centred */
} chi_responses;

/** Whether float32 loses more of a target than the scores' digits allow (an event far out loses
 * nothing of its own, but shifts the mean of all others).
 * \param[in] range  how far its furthest event is from its mean
 * \param[in] shift  how far its mean within a half of a fold is from that of all events, in
 * standard deviations within that half: the largest. NaN: no */
bool chi_wide_target(double range, double shift);

/** The features of the events: one layer of a network. */
typedef struct chi_features {
  int64_t n_events, n_features;
  chi_real real;
  const void *x; /* n_events x n_features, row-major, finite */
} chi_features;

/** Electrodes of one block: the product with the responses is always computed in blocks of so many
 * whole electrodes, from electrode 0 on, so that results do not depend on how work is shared. */
int64_t chi_block_electrodes(int64_t n_times);

/** Centre responses in place and mark the missing targets. Deterministic; threads share the
 * columns.
 * \param[in,out] y        n_events x n_targets row-major, raw in, centred out
 * \param[out]    missing  n_targets */
void chi_responses_prepare(int64_t n_events, int64_t n_targets, chi_real real, int32_t threads,
                           void *y, uint8_t *missing);

/** Seconds and flops by stage, added up over fits. */
/* clang-format off */
#define CHI_STAGE_TABLE(ENTRY)      \
  ENTRY(STANDARDISE, "standardise") \
  ENTRY(GRAM, "Gram")               \
  ENTRY(FACTORISE, "factorise")     \
  ENTRY(HAT, "hat")                 \
  ENTRY(PRODUCT, "product")         \
  ENTRY(SCORE, "score")
/* clang-format on */
#define CHI_STAGE_NAME(name, text) CHI_STAGE_##name,
enum { CHI_STAGE_TABLE(CHI_STAGE_NAME) CHI_N_STAGES };
#undef CHI_STAGE_NAME
typedef struct chi_stages {
  double cpu_s[CHI_N_STAGES], wall_s[CHI_N_STAGES], flops[CHI_N_STAGES];
} chi_stages;
extern const char *const chi_stage_names[CHI_N_STAGES];

/** The plan of a fit: what it will cost. Primal or dual is decided from the sizes of the WHOLE
 * subject (n_targets of all its electrodes), never from the electrodes asked for. */
typedef struct chi_encode_plan {
  bool dual;           /* by the Gram matrix of the events; else of the features */
  bool banded, svd;    /* how: the Gram matrix made banded; the features decomposed (a dual) */
  double flops_shared; /* standardisation to hat: paid by every part of a layer */
  double flops_target; /* per target */
  int64_t bytes;       /* work space of a fit of any part, beside features and responses */
  int64_t bytes_wide;  /* the same where electrodes are wide, at least */
} chi_encode_plan;
chi_encode_plan chi_encode_make_plan(const chi_encode_options *options, int64_t n_events,
                                     int64_t n_features, int64_t n_electrodes, int64_t n_times);

/** Work space that fits share; allocated for the largest of them. Destroy with
 * chi_encoder_destroy. */
typedef struct chi_encoder chi_encoder;
chi_status chi_encoder_create(const chi_encode_options *options, chi_encoder **out);
void chi_encoder_destroy(chi_encoder **encoder);

/** Allocate the work space now, `bytes` of it (chi_encode_plan.bytes of the largest fit), so that
 * no fit has to. \return CHI_ERR_MEMORY */
chi_status chi_encoder_reserve(chi_encoder *encoder, int64_t bytes);

/** The electrodes [electrode0, electrode1) of a subject, and where their scores go. */
typedef struct chi_encode_part {
  int64_t electrode0;            /* a multiple of chi_block_electrodes(n_times) */
  int64_t electrode1;            /* likewise, or n_electrodes */
  float *val_r, *test_r, *alpha; /* (electrode1 - electrode0) x n_times, row-major; NaN where
                                    undefined */
} chi_encode_part;

/** Fit some electrodes of a subject on one feature space.
 * \param[in]     features, responses  of the same events; borrowed
 * \param[in,out] part    its arrays are filled
 * \param[in,out] stages  added to; may be NULL
 * \return CHI_ERR_MEMORY, CHI_ERR_NUMERIC if a factorisation breaks down */
chi_status chi_encode_fit(chi_encoder *encoder, const chi_rows *rows, const chi_features *features,
                          const chi_responses *responses, const chi_encode_part *part,
                          chi_stages *stages);
