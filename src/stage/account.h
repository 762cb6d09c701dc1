/** \file account.h
 * What the world is told of a stage: its progress while it runs, the units that failed, and how the
 * time went. Local, but for the last. */
#pragma once

#include <mpi.h>
#include <stdint.h>

#include "base/text.h"
#include "chiasm/encode.h"
#include "sweep/sweep.h"

/** What the coordinator's thread on rank 0 says and remembers. */
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

/** A rank's seconds, added up over its units. */
typedef struct chi_account {
  double computed_s, read_s, wrote_s;
  chi_stages stages;
} chi_account;

/** Log what was done, how the time went, on all ranks together, and the memory. Collective on comm.
 */
void chi_account_log(MPI_Comm comm, const chi_account *account, const chi_watch *watch,
                     const chi_sweep_result *result);
