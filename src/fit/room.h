/** \file room.h
 * The memory a fit needs, found out before it starts. */
#ifndef CHIASM_FIT_ROOM_H
#define CHIASM_FIT_ROOM_H

#include <mpi.h>
#include <stdint.h>

#include "chiasm/encode.h"
#include "chiasm/study.h"

/** Bytes, and what they are divided among. */
typedef struct chi_fit_room {
  int64_t program;  /* a rank: what it holds before the fit */
  int64_t encoder;  /* a rank: work space of the largest layer */
  int64_t features; /* a rank: one of its two buffers for a layer's features */
  int64_t scores;   /* a rank: results of the largest unit */
  int64_t slot;     /* a node: the responses of one dataset */
  int64_t slots;    /* of those a node holds at a time */
  int64_t ranks;    /* on this node */
  int64_t limit;    /* what the ranks of this node may take together */
} chi_fit_room;

/** What a fit of a study needs. Sizes beyond 64 bits become INT64_MAX. Local.
 * \param[in]  real   by layer (chi_fit_layer): chi_real of its features in memory
 * \param[out] room   program, slots, ranks and limit are left 0 */
void chi_fit_room_need(const chi_study *study, const chi_encode_options *encode,
                       const uint8_t *real, chi_fit_room *room);

/** Bytes that one rank, and a whole node of `room->ranks` ranks, will take. Local. */
int64_t chi_fit_room_rank(const chi_fit_room *room);
int64_t chi_fit_room_node(const chi_fit_room *room);

/** Choose the slots: one for each rank of the node or each dataset, whichever is less, and at most
 * what the limit allows. Local.
 * \param[in] memory_per_rank  as the user gave it, 0 if not: only for advice
 * \return CHI_ERR_USAGE if not even one fits, with what there is and the option that would help */
chi_status chi_fit_room_fit(const chi_study *study, const chi_encode_options *encode,
                            const uint8_t *real, int64_t memory_per_rank, chi_fit_room *room);

/** All of the above for the nodes of comm: every node has the same slots after it. Collective. */
chi_status chi_fit_room_plan(MPI_Comm comm, const chi_study *study,
                             const chi_encode_options *encode, const uint8_t *real,
                             int64_t memory_per_rank, chi_fit_room *room);

/** One line for the log: what a rank and a node will take. Local. */
void chi_fit_room_text(const chi_fit_room *room, char *text, size_t n);

/** A number of bytes for people: "3.2 GiB". Local. */
void chi_fit_bytes_text(int64_t bytes, char *text, size_t n);

#endif
