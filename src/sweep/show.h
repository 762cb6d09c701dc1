/** \file show.h
 * Progress for people: a bar on a terminal, else a line a minute. Local. */
#pragma once

#include <stddef.h>

#include "sweep/sweep.h"

/** Progress in one line, as in
 * "fit  [######----]  62 %  1234/2000 units  3 failed  41k models/s  left 2 min 10 s". */
void chi_show_line(const char *name, const chi_sweep_progress *progress, char *text, size_t n);

/** Draw the bar, or log a line if a minute has gone by or the sweep is finished.
 * \param[in,out] last_line_s  elapsed time at the last line logged; 0 at first */
void chi_show(const char *name, const chi_sweep_progress *progress, double *last_line_s);
