/** \file sweep.h
 * Sharing out units of work over ranks. Knows nothing of what a unit is: the stage that sweeps
 * (fit, bootstrap) hands in a list of units with costs, and a function that does one.
 *
 * Rank 0 runs the coordinator in a thread of its own and works like the others in its main thread;
 * all ranks, rank 0 included, talk to it by the same messages on a communicator of the sweep's own.
 * Needs MPI_THREAD_MULTIPLE. */
#pragma once

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "chiasm/status.h"

/** A unit, as the policy sees it. */
typedef struct chi_unit {
  int32_t group;  /* units of one group need the same responses: a rank keeps getting its group's */
  int32_t layer;  /* units of one layer (feature space x dataset) need the same features */
  double cost;    /* expected seconds, or anything proportional; not negative */
  int64_t models; /* encoding models in it, for the rate shown */
} chi_unit;

/** The stage's part, called in a rank's main thread. */
typedef struct chi_sweep_stage {
  const char *name;
  void *context;
  /** Do unit i and write its results. `next` is the unit this rank is already sure to get after it
   * (-1: none yet): start reading for it.
   * \return CHI_OK; CHI_ERR_NUMERIC: this unit failed (the message says why), the rest goes on;
   *         anything else ends the whole job with the message */
  chi_status (*work)(void *context, int64_t i, int64_t next);
  /** On rank 0, in the coordinator's thread: a unit failed, here is why. May be NULL. */
  void (*failed)(void *context, int64_t i, const char *message);
} chi_sweep_stage;

typedef struct chi_sweep_result {
  int64_t done, failed, left;
  bool stopped; /* by a signal, before the end */
  double wall_s;
  double worked_s, waited_s, waited_max_s; /* this rank's (worked, waited); the most of any rank */
  int64_t messages;                        /* on rank 0: reports that its coordinator has taken */
  double served_s; /* on rank 0: CPU seconds it took for them and their answers */
} chi_sweep_result;

/** What has become of the units so far. */
typedef struct chi_sweep_progress {
  int64_t done, running, failed, left; /* running: in work, one on each rank that holds any */
  int64_t models_done;
  double elapsed_s;
  double cost_done, cost_total;
  bool finished, stopped;
} chi_sweep_progress;
typedef void chi_sweep_report(void *context, const chi_sweep_progress *progress);

/** Do all units. Collective on comm: every rank passes the same units, count and name.
 * A wish to stop (base/stop.h) on any rank, from before or now, stops the handing out of units;
 * those in flight are finished.
 * Rank 0 shows progress: a bar on a terminal, else a line a minute and one at the end.
 * \param[in] report  called on rank 0 about twice a second, first at the start and last at the
 *                    end, with the stage's context, in the coordinator's thread; may be NULL
 * \return CHI_OK (failed units included), CHI_STOPPED on all ranks, or an error: then the rank
 *         that met it has printed the message and the job has been aborted (does not return) */
chi_status chi_sweep_run(MPI_Comm comm, const chi_unit *units, int64_t n,
                         const chi_sweep_stage *stage, chi_sweep_report *report,
                         chi_sweep_result *result);
