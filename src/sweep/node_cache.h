/** \file node_cache.h
 * One copy of large read-only data per node, in shared memory: a fixed number of equal slots that
 * the ranks of a node fill and use. */
#pragma once

#include <mpi.h>
#include <stdint.h>

#include "chiasm/status.h"

typedef struct chi_node_cache chi_node_cache;

/** Make a cache of `slots` slots of `bytes` each on every node (MPI_Comm_split_type,
 * MPI_Win_allocate_shared). On a node with one rank they are plain memory. Where /dev/shm has not
 * the room (a full one is a SIGBUS) each rank gets one private slot instead, after a warning by
 * rank 0. Fewer slots than items in use at once make ranks wait. Collective on comm. Destroy with
 * chi_node_cache_destroy, collectively.
 * \return CHI_ERR_MEMORY on all ranks */
chi_status chi_node_cache_create(MPI_Comm comm, int32_t slots, int64_t bytes, chi_node_cache **out);
void chi_node_cache_destroy(chi_node_cache **cache);

/** How many bytes the slots take on this rank's node, all its ranks together. Local. */
int64_t chi_node_cache_bytes(const chi_node_cache *cache);

/** Borrow item `key` (>= 0): at once if it is there; else this rank, or another of its node that
 * came first, fills a free slot by `fill`, and this waits. Waits too while all slots are in use.
 * Call from one thread per rank, and hold at most one item at a time.
 * \param[in]  fill  writes the item to `slot`. Its failure is returned here; whoever waits for the
 *                   item then tries for itself, as does the next borrower
 * \param[out] item  valid until chi_node_cache_return */
typedef chi_status chi_node_cache_fill(void *context, int64_t key, void *slot);
chi_status chi_node_cache_borrow(chi_node_cache *cache, int64_t key, chi_node_cache_fill *fill,
                                 void *context, const void **item);
void chi_node_cache_return(chi_node_cache *cache, int64_t key);
