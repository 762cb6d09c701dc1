/** \file progress.h
 * RUN/status.json: what a running job tells the world, rewritten atomically. Local. */
#pragma once

#include <stdint.h>

#include "chiasm/status.h"

typedef struct chi_progress {
  char stage[16];                      /* "fit" */
  char state[16];                      /* "running", "complete", "stopped", "failed" */
  int64_t done, running, failed, left; /* units */
  double models_per_s; /* encoding models (targets) finished per second; 0: not known yet */
  double seconds_left; /* estimate; NaN: not known yet */
  int32_t ranks;
  char host[64];
  char written[32]; /* ISO 8601, UTC */
  char end[32];     /* estimated end, ISO 8601, UTC; "" if not known */
} chi_progress;

/** Write RUN/status.json through a temporary file and rename. A failure is CHI_ERR_IO; callers
 * warn. */
chi_status chi_progress_write(const char *run_path, const chi_progress *progress);

/** Read it back. CHI_ERR_INPUT if it is missing or not understood. */
chi_status chi_progress_read(const char *run_path, chi_progress *progress);
