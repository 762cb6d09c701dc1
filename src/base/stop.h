/** \file stop.h
 * SIGTERM, SIGUSR1 and SIGINT as a wish to stop; no SIGPIPE. All local. */
#pragma once

#include <stdbool.h>

/** Hold back the first two, which a scheduler sends, until chi_stop_catch or chi_stop_free, also
 * through execve(2). For a program's start, before it knows what it is asked to do. (SIGINT is also
 * how OpenBLAS ends one whose threads it cannot start.) And from now on a reader that has gone
 * (`chiasm fit ... | head`) makes a write fail instead of ending the program. */
void chi_stop_hold(void);

/** Let these end the program again, as those held back since chi_stop_hold now do. */
void chi_stop_free(void);

/** From now on the first of these signals is only remembered, and a second ends the program at once
 * with exit code 3. Signals within a quarter of a second of the first count as the first:
 * timeout(1) and mpirun may both pass on one signal. For a program's main, before anything that a
 * signal must not cut off. */
void chi_stop_catch(void);

/** Whether one has come since chi_stop_catch. From any thread. */
bool chi_stop_asked(void);
