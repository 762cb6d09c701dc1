/** \file simulated_sweep.h
 * A sweep on a machine that is not there: events in order of time, with the same rules for handing
 * out units (sweep/hand_out.h) as the real coordinator. Local. */
#pragma once

#include <stdint.h>

#include "sweep/sweep.h"

/** Seconds and bytes per second. */
typedef struct chi_sim_machine {
  int32_t ranks, ranks_per_node;
  double message_s;       /* the coordinator's time for a report and its answer */
  double latency_s;       /* of a message, one way */
  double poll_s;          /* until a coordinator, or a rank, that waited notices a message */
  double rank_bandwidth;  /* reading files, one rank */
  double total_bandwidth; /* reading files, all ranks together */
} chi_sim_machine;

/** What is to be done; all borrowed. */
typedef struct chi_sim_work {
  const chi_unit *units; /* n */
  int64_t n;
  const double *seconds; /* n: computing and writing */
  const double *bytes;   /* n: of the unit's layer, read ahead while the unit before it computes */
  int32_t n_groups;      /* units[i].group < n_groups */
  const double *group_bytes; /* n_groups: responses, read once by every node that needs them */
} chi_sim_work;

/** What came of it: rank seconds, which add up to ranks x wall_s. */
typedef struct chi_sim_result {
  double wall_s;
  double computed_s; /* in `seconds` of units */
  double read_s;     /* waiting for features and responses */
  double asked_s;    /* without a unit, waiting for the coordinator's answer */
  double idle_s;     /* after the rank's last unit */
  int64_t units, messages;
  double read_bytes; /* by all ranks and nodes together */
  double served_s;   /* coordinator's time for messages */
  double longest_s;  /* the longest unit */
} chi_sim_result;

/** Ranks ask, compute, read ahead and report as sweep/worker.c does.
 * \return CHI_ERR_MEMORY; CHI_ERR_BUG if a unit is not done exactly once */
chi_status chi_sim_run(const chi_sim_machine *machine, const chi_sim_work *work,
                       chi_sim_result *result);
