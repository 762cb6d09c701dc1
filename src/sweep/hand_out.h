/** \file hand_out.h
 * How many units a rank gets when it asks: a pure module like the policy below it, without MPI,
 * clocks or threads. The coordinator runs it, and `chiasm plan` runs the same code against a
 * simulated machine. All local. */
#pragma once

#include "sweep/messages.h"
#include "sweep/sweep.h"

typedef struct chi_hand_out chi_hand_out;

/** \param[in] units  n of them; borrowed. Destroy with chi_hand_out_destroy (NULL-safe) */
chi_status chi_hand_out_create(const chi_unit *units, int64_t n, int32_t n_ranks,
                               chi_hand_out **out);
void chi_hand_out_destroy(chi_hand_out **hand_out);

/** A rank reports units: the done ones first in `unit`, then the failed ones.
 * \param[in] worked_s  spent on them */
void chi_hand_out_take(chi_hand_out *hand_out, int32_t rank, int64_t n_done, int64_t n_failed,
                       const int64_t *unit, double worked_s);

/** The answer to a rank that wants so many units (>= 1): units, LATER, or END, after which it may
 * not ask again. Units shorter than 20 ms on average go out several at a time. */
void chi_hand_out_ask(chi_hand_out *hand_out, int32_t rank, int32_t wants, chi_answer *answer);

/** Mark a rank as one that gets nothing more. \return false if it was marked already */
bool chi_hand_out_end(chi_hand_out *hand_out, int32_t rank);

/** A rank has gone: what it holds is nobody's now. */
void chi_hand_out_bye(chi_hand_out *hand_out, int32_t rank);

/** What has become of the units so far: all but the times. Borrowed; changes with every call. */
const chi_sweep_progress *chi_hand_out_so_far(const chi_hand_out *hand_out);

/** The other side of it: how many units a rank asks for at the border before a unit, or when it has
 * none. 0: it has enough.
 * \param[in] queued  units it holds beside the one it begins
 * \param[in] batch   how many came with the last answer */
int32_t chi_hand_out_wish(int64_t queued, int64_t batch);
