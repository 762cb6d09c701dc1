/** \file events.h
 * Events from a table, placed in a recording; where they are timed by a film, by the triggers that
 * the film sent. All local. */
#pragma once

#include "import/raw.h"

/** Add the events of one recording, after those of the sessions before it: a row of the table each,
 * at the time in its column `start`, in the order of time. Rows without a start, events in a pause,
 * and those whose bins leave the recording are left out and counted in the session.
 *
 * A time of the film is the sample round(index + (t - movie_time) rate), halves to even, by the
 * trigger nearest in time, the first of equals, within the part of the film that t belongs to: the
 * first one whose last trigger is not before t.
 * \param[in] timings  subject_timings/sub_N_trialTTT_timings.csv: columns movie_time, index and,
 *                     saying of a row that a part begins with it (unpause, beginning), trig_type or
 *                     type; NULL: starts are seconds of the recording, not of a film
 * \return CHI_ERR_INPUT naming file, line and column; also if no event is left */
chi_status chi_events_add(chi_raw *raw, int64_t session, const char *path, const char *column,
                          const char *timings);

/** File i of n from the list of --event-file, which has one or n. \param[out] path  PATH_MAX
 * \return CHI_ERR_USAGE if it has another number */
chi_status chi_events_file(const char *list, int64_t i, int64_t n, char *path);
