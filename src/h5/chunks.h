/** \file chunks.h
 * Whether packed chunks hold what their shape says. HDF5 1.10 does not look: of a chunk that
 * unpacks to less it takes the rest from whatever stands behind its buffer. Local; the caller holds
 * chi_h5_lock. */
#pragma once

#include <hdf5.h>
#include <stdint.h>

/** Unpack those chunks of a dataset that a box touches and compare their sizes. Datasets that are
 * not packed hold by themselves.
 * \param[in] start, count  `rank` elements each; NULL: the whole dataset
 * \return negative where one is too short or too long; chi_h5_reason names it */
herr_t chi_h5_check_chunks(hid_t dataset, int rank, const int64_t *start, const int64_t *count);

/** Make a sentence what chi_h5_reason gives until the next HDF5 call that fails. \return -1 */
herr_t chi_h5_give_reason(const char *format, ...) __attribute__((format(printf, 1, 2)));
