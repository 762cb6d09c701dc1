/** \file watch.h
 * What the coordinator's thread on rank 0 tells the world while a fit runs, and what it remembers
 * for the summary. Local. */
#ifndef CHIASM_FIT_WATCH_H
#define CHIASM_FIT_WATCH_H

#include <stdint.h>

#include "chiasm/status.h"
#include "sweep/sweep.h"

enum { CHI_FIT_FAILED_SHOWN = 10 };

typedef struct chi_fit_watch {
  const char *run; /* folder; NULL: tell nobody */
  int32_t ranks;
  double written_s;                   /* when status.json was last written */
  int64_t models_done;                /* encoding models */
  int64_t n_failed;                   /* units */
  char *failed[CHI_FIT_FAILED_SHOWN]; /* why, of the first ones */
} chi_fit_watch;

/** Keep RUN/status.json: about every two seconds, and at the end. */
void chi_fit_watch_progress(chi_fit_watch *watch, const chi_sweep_progress *progress);

/** A unit has failed: log it and remember it. */
void chi_fit_watch_failed(chi_fit_watch *watch, const char *message);

void chi_fit_watch_free(chi_fit_watch *watch);

#endif
