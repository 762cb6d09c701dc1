/** \file calibrate.h
 * Measuring the machine that the program runs on. */
#pragma once

#include "plan/machine.h"

/** Measure everything that chi_machine holds, in about a minute. Fits are timed in CPU seconds,
 * in processes of their own: one, then as many as there are cores. The rest is timed on the program
 * itself, run on a study of kilobytes in $TMPDIR. Local; before the process has started threads.
 * \return CHI_ERR_IO where a process cannot be started, or the temporary folder not written */
chi_status chi_calibrate(chi_machine *machine);

/** The part of it that is fits: fills points, busy, replicate, serial and summary_s. */
chi_status chi_calibrate_fits(chi_machine *machine);
