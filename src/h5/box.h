/** \file box.h
 * Reading and writing a part of a dataset. Local: independent of other ranks; the caller holds
 * chi_h5_lock. */
#pragma once

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

/** Read or write a box of an open dataset, from or to memory without gaps (row-major).
 * \param[in]     memory_type  of the elements in memory; HDF5 converts
 * \param[in]     rank         of the dataset; CHI_H5_MAX_RANK at most
 * \param[in]     start, count `rank` elements each: where the box begins, and its edges. An edge of
 *                             0 makes the call do nothing
 * \param[in,out] memory       the product of count elements; only looked at where `write`
 * \return negative where HDF5 fails, which chi_h5_reason explains */
herr_t chi_h5_box(hid_t dataset, bool write, hid_t memory_type, int rank, const int64_t *start,
                  const int64_t *count, void *memory);

/** Read all of an open dataset: its elements of `memory_type`, row-major. \return as above */
herr_t chi_h5_read_whole(hid_t dataset, hid_t memory_type, void *out);
