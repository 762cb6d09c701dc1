/** \file room.h
 * The memory that fits need, found out before it starts. */
#pragma once

#include <mpi.h>
#include <stdint.h>

#include "chiasm/influence.h"
#include "chiasm/study.h"
#include "stage/units.h"
#include "stage/wide.h"

/** What is to be fitted. All borrowed. */
typedef struct chi_room_demand {
  const chi_study *study;
  const chi_encode_options *encode;
  const uint8_t *real;      /* by layer number: chi_real of its features in memory */
  const chi_picked *picked; /* by layer: the electrodes; NULL: all */
  int32_t replicates;       /* that a unit of work holds together; 0: plain fits */
  const chi_wide *wide;     /* by dataset; NULL: none anywhere */
  const int32_t *blocks; /* by dataset: of its events, at most, in an influence pass; NULL: none */
  chi_residual residual; /* of that pass */
} chi_room_demand;

/** Bytes, and what they are divided among. */
typedef struct chi_room {
  int64_t program;   /* a rank: what it holds before the fit */
  int64_t libraries; /* a rank: what BLAS, MPI and HDF5 fill beyond that as it works */
  int64_t mapped;    /* a rank: address space that they take, of which they fill a part */
  int64_t encoder;   /* a rank: work space of the largest layer */
  int64_t features;  /* a rank: one of its two buffers for a layer's features */
  int64_t scores;    /* a rank: results of the largest unit */
  int64_t gathered;  /* a rank: the responses of a layer's electrodes, copied together */
  int64_t slot;      /* a node: the responses of one dataset */
  int64_t slots;     /* of those a node holds at a time */
  int64_t ranks;     /* on this node */
  int64_t limit;     /* what the ranks of this node may take together */
} chi_room;

/** What the fits need. Sizes beyond 64 bits become INT64_MAX. Local.
 * \param[out] room   program, slots, ranks and limit are left 0 */
void chi_room_need(const chi_room_demand *demand, chi_room *room);

/** Bytes that one rank, and a whole node of `room->ranks` ranks, will take. Local. */
int64_t chi_room_rank(const chi_room *room);
int64_t chi_room_node(const chi_room *room);

/** Choose the slots: one for each rank of the node or each dataset, whichever is less, and at most
 * what the limit allows. Local.
 * \param[in] memory_per_rank  as the user gave it, 0 if not: only for advice
 * \return CHI_ERR_USAGE if not even one fits, with what there is and the option that would help */
chi_status chi_room_fit(const chi_room_demand *demand, int64_t memory_per_rank, chi_room *room);

/** All of the above for the nodes of comm: every node has the same slots after it, and every rank
 * the address space. Collective. */
chi_status chi_room_plan(MPI_Comm comm, const chi_room_demand *demand, int64_t memory_per_rank,
                         chi_room *room);

/** One line for the log: what a rank and a node will take. Local. */
void chi_room_text(const chi_room *room, char *text, size_t n);
