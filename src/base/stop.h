/** \file stop.h
 * SIGTERM, SIGINT and SIGUSR1 as a wish to stop. All local. */
#pragma once

#include <stdbool.h>

/** From now on the first of these signals is only remembered, and a second ends the program at once
 * with exit code 3. Signals within a quarter of a second of the first count as the first:
 * timeout(1) and mpirun may both pass on one signal. For a program's main, before anything that a
 * signal must not cut off. */
void chi_stop_catch(void);

/** Whether one has come since chi_stop_catch. From any thread. */
bool chi_stop_asked(void);
