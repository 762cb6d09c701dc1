/** \file watch.h
 * What the coordinator's thread on rank 0 tells the world while a stage runs, and what it remembers
 * for the summary. Local. */
#ifndef CHIASM_STAGE_WATCH_H
#define CHIASM_STAGE_WATCH_H

#include <stdint.h>

#include "base/text.h"
#include "chiasm/status.h"
#include "sweep/sweep.h"

typedef struct chi_watch {
  const char *run;   /* folder; NULL: tell nobody */
  const char *stage; /* "fit" */
  int32_t ranks;
  double written_s;    /* when status.json was last written */
  int64_t models_done; /* encoding models */
  int64_t n_failed;    /* units */
  chi_text failed;     /* why, of the first ones: lines */
} chi_watch;

/** Keep RUN/status.json: about every two seconds, and at the end. */
void chi_watch_progress(chi_watch *watch, const chi_sweep_progress *progress);

/** A unit has failed: log it and remember it. */
void chi_watch_failed(chi_watch *watch, const char *message);

/** Add to the text at the end which units failed, and why. \param[in] failed  how many */
void chi_watch_add_failed(const chi_watch *watch, const char *run, int64_t failed, chi_text *text);

void chi_watch_free(chi_watch *watch);

#endif
