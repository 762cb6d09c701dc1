/** \file event_queue.h
 * What is to happen next in a simulation: a heap by time, first come first served where times are
 * equal, so that every run goes alike. Local. */
#ifndef CHIASM_PLAN_EVENT_QUEUE_H
#define CHIASM_PLAN_EVENT_QUEUE_H

#include <stdint.h>

#include "chiasm/status.h"

typedef enum chi_event_kind {
  CHI_EVENT_BORDER, /* a rank has finished a unit, or begins */
  CHI_EVENT_REPORT, /* a rank's message reaches the coordinator */
  CHI_EVENT_ANSWER  /* the coordinator's answer reaches a rank */
} chi_event_kind;

typedef struct chi_event {
  double at;
  int64_t number; /* in the order in which they were added */
  chi_event_kind kind;
  int32_t rank;
  int32_t wants; /* REPORT: units; 0: no question */
} chi_event;

typedef struct chi_event_queue {
  chi_event *item;
  int64_t n, room, added;
} chi_event_queue;

/** Start as {0}; free with chi_free(queue->item). \return CHI_ERR_MEMORY */
chi_status chi_event_add(chi_event_queue *queue, chi_event event);

/** Take the first event; the queue must hold one. */
chi_event chi_event_take(chi_event_queue *queue);

#endif
