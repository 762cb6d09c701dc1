/** \file events.h
 * Events from a table, placed in a recording. All local. */
#ifndef CHIASM_IMPORT_EVENTS_H
#define CHIASM_IMPORT_EVENTS_H

#include "import/plan.h"
#include "import/trigger.h"

/** Add the events of one recording to the plan, after those of the sessions before it: a row of the
 * table each, at the time in its column `start`, in the order of time. Rows without a start, events
 * in a pause, and those whose bins leave the recording are left out and counted in the session.
 * \param[in] triggers  NULL: starts are seconds of the recording, not of the film
 * \return CHI_ERR_INPUT naming file, line and column; also if no event is left */
chi_status chi_events_add(chi_plan *plan, int64_t session, const char *path,
                          const chi_triggers *triggers);

/** File i of n from the list of --event-file, which has one or n; free with chi_free.
 * \return CHI_ERR_USAGE if it has another number */
chi_status chi_events_file(const char *list, int64_t i, int64_t n, char **out);

#endif
