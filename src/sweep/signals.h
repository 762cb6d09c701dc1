/** \file signals.h
 * SIGTERM, SIGINT and SIGUSR1 as a wish to stop. All local; one user at a time. */
#ifndef CHIASM_SWEEP_SIGNALS_H
#define CHIASM_SWEEP_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

typedef struct chi_signals {
  struct sigaction old[3];
} chi_signals;

/** From now on the first of these signals is only remembered, and a second ends the program at once
 * with exit code 3. Signals within a quarter of a second of the first count as the first:
 * timeout(1) and mpirun may both pass on one signal. */
void chi_signals_catch(chi_signals *signals);

/** Put back what was there before. */
void chi_signals_restore(const chi_signals *signals);

/** Whether one has come since chi_signals_catch. From any thread. */
bool chi_signals_stop(void);

#endif
