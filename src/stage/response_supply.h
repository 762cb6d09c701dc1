/** \file response_supply.h
 * The responses of a dataset, centred, from the node's one copy. Local but for start and end. */
#pragma once

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "chiasm/encode.h"
#include "chiasm/study.h"
#include "stage/room.h"
#include "stage/units.h"
#include "stage/wide.h"
#include "sweep/node_cache.h"

typedef struct chi_response_supply {
  const chi_study *study;
  const chi_encode_options *encode;
  chi_node_cache *cache;
  const chi_wide *wide; /* by dataset */
  bool *warned;         /* by dataset: its missing responses have been named */
  int32_t held;         /* the dataset that is borrowed; -1: none */

  void *copy;                 /* room.gathered bytes */
  int64_t *wide_picked;       /* those of `picked`: room for a dataset's */
  const chi_picked *gathered; /* what `picked` holds the responses of; NULL: of nothing */
  chi_responses picked;
} chi_response_supply;

/** Make the slots that the room was planned with. Collective on comm. End with
 * chi_response_supply_end, collectively.
 * \param[in] study, encode, room, wide  borrowed, all but room for the supply's life
 * \return CHI_ERR_MEMORY; CHI_ERR_USAGE where each rank would need its own copy and that does not
 *         fit */
chi_status chi_response_supply_start(MPI_Comm comm, const chi_study *study,
                                     const chi_encode_options *encode, const chi_room *room,
                                     const chi_wide *wide, chi_response_supply *supply);
void chi_response_supply_end(chi_response_supply *supply);

/** Borrow a dataset's responses, read now if the node lacks them, with a warning that names the
 * electrodes with missing ones. Hold one at a time. \return as chi_study_read_responses */
chi_status chi_response_supply_borrow(chi_response_supply *supply, int32_t dataset,
                                      chi_responses *responses);
/** Give back what is borrowed, if anything is. */
void chi_response_supply_return(chi_response_supply *supply);

/** Have the responses of some electrodes of a dataset alone, copied together: fits then see these
 * in the same blocks whoever fits them. Valid until the next call for others; not to be returned.
 */
chi_status chi_response_supply_gather(chi_response_supply *supply, int32_t dataset,
                                      const chi_picked *picked, chi_responses *responses);
