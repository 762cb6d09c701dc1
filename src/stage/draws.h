/** \file draws.h
 * Which events a replicate draws (protocol.md, "Uncertainty"). All local. */
#pragma once

#include <stdint.h>

#include "base/random.h"
#include "chiasm/encode.h"
#include "chiasm/study.h"

/** Where an event stands among those of its session. */
typedef struct chi_draws_place {
  int64_t first, size; /* its session: where it begins in chi_draws.event, and its events */
  int64_t at;          /* where the event is there */
} chi_draws_place;

/** The events of a recording in the order in which blocks run through them: session after session,
 * each in file order. */
typedef struct chi_draws {
  chi_random_key key;     /* (seed, "<subject>.<alignment>") */
  int64_t n, length;      /* events; events of a block */
  int64_t *event;         /* n, by session */
  chi_draws_place *place; /* n, by event */
} chi_draws;

/** \param[in] alignment  of the dataset; its name is part of the key
 * \param[in] length     events of a block, >= 1
 * \param[out] draws     free with chi_draws_free */
chi_status chi_draws_create(const chi_dataset *dataset, const char *alignment, uint64_t seed,
                            int64_t length, chi_draws *draws);
void chi_draws_free(chi_draws *draws);

/** The events of one replicate: ceil(n / length) starts, each with the length - 1 events after it,
 * round within its session; cut to n, sorted. Start i is floor(u n / 2^64), u the first word of
 * Philox4x64-10 at the counter (i, replicate, 0, 0).
 * \param[out] event  n, ascending */
void chi_draws_make(const chi_draws *draws, int64_t replicate, int64_t *event);

/** How many of the first n replicates leave a half of a fold out (chi_rows_left_out). It takes a
 * moment: halves of many events are not looked at, since an event is hardly ever drawn so often.
 * \param[in] dataset  that of the draws */
chi_status chi_draws_count_short(const chi_draws *draws, const chi_encode_options *encode,
                                 const chi_dataset *dataset, int64_t n, int64_t *count);

/** Cut a recording's events into blocks of `length` consecutive ones of a session, the last of each
 * session shorter.
 * \param[out] block  n_events, from 0 in the order of sessions; NULL: not asked for
 * \param[out] n      how many there are */
chi_status chi_draws_blocks(const chi_dataset *dataset, int64_t length, int32_t *block, int32_t *n);

/** The length of block that a recording calls for (`--block auto`): 1 where its events are
 * exchangeable, else the greatest of ceil(n^(1/3)), the events within a response window, and the
 * first lag at which the responses' autocorrelation over the events of a session, averaged over
 * targets, is below 0.05; at most n / 20; rounded up.
 * \param[in] responses  of the dataset, centred; NULL: their autocorrelation is left out of it
 * \param[in] threads    the result does not depend on it */
chi_status chi_draws_length(const chi_study *study, const chi_dataset *dataset,
                            const chi_responses *responses, int32_t threads, int64_t *length);
