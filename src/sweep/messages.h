/** \file messages.h
 * What ranks and the coordinator say to each other: blocks of bytes, small enough to be sent at
 * once.
 *
 * A rank asks at the border between two units, to hold one more beside the one it begins (of a
 * batch: when half is left). The answer is units; or LATER: ask again at your next border; or END:
 * none are left. STOP comes unasked, to ranks that have had no END: begin nothing more. After
 * either a rank says `bye` in its last report, and once all have, every rank gets FINAL. */
#pragma once

#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chiasm/status.h"

enum { CHI_TAG_REPORT = 1, CHI_TAG_ANSWER = 2, CHI_SWEEP_BATCH = 64 };

/** From a rank: units finished since its last report, and what it wants. */
typedef struct chi_report {
  int32_t n_done, n_failed; /* in `unit`, the done ones first; at most one has failed */
  int32_t wants;            /* units; 0: this is no question */
  bool signalled, bye;
  double worked_s; /* spent on these units */
  int64_t unit[CHI_SWEEP_BATCH + 1];
  char message[CHI_MESSAGE_MAX]; /* why the failed one did; sent only with one */
} chi_report;

typedef enum chi_answer_kind {
  CHI_ANSWER_UNITS,
  CHI_ANSWER_LATER,
  CHI_ANSWER_END,
  CHI_ANSWER_STOP,
  CHI_ANSWER_FINAL
} chi_answer_kind;

/** From the coordinator. Only as many units as there are get sent. */
typedef struct chi_answer {
  chi_answer_kind kind;
  int32_t n;
  int64_t done, failed, left; /* FINAL */
  int64_t unit[CHI_SWEEP_BATCH];
} chi_answer;

/** Whether a message has come, without waiting. Local.
 * \param[in]  source  a rank or MPI_ANY_SOURCE
 * \param[out] sender  its rank, if there is one */
static inline bool chi_message_waits(MPI_Comm comm, int source, int tag, int *sender)
{
  MPI_Status status;
  int waits = 0;
  /* Open MPI's MPI_Iprobe looks first and fetches what has arrived afterwards, for the next look.
   */
  for (int look = 0; look < 2 && !waits; look++) MPI_Iprobe(source, tag, comm, &waits, &status);
  if (waits) *sender = status.MPI_SOURCE;
  return waits;
}
