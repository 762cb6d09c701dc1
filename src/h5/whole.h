/** \file new_file.h
 * Making an HDF5 file of a run whole or not at all: as NAME.tmp with its room on disk taken first,
 * synced, renamed. One process, serial HDF5. */
#ifndef CHIASM_H5_WHOLE_H
#define CHIASM_H5_WHOLE_H

#include <hdf5.h>
#include <stdint.h>

#include "chiasm/status.h"

/** What is to stand in the file. Called with chi_h5_lock held. A bare CHI_ERR_IO stands for an
 * HDF5 call that failed and is told with HDF5's reason; `what` says what could not be written. */
typedef chi_status chi_h5_contents(hid_t file, void *context, const char **what);

/** Make RUN/name.
 * \param[in] bytes  what it will take, rounded up
 * \return CHI_ERR_IO naming the file and the space that is left, CHI_ERR_MEMORY; then neither the
 *         file nor its .tmp is there, but an older file of that name stays */
chi_status chi_h5_make(const char *run, const char *name, int64_t bytes, chi_h5_contents *contents,
                       void *context);

/** Whether RUN's disk has room for so many bytes more. \return CHI_ERR_IO saying what is missing */
chi_status chi_h5_check_space(const char *run, const char *name, int64_t bytes);

/** A failed HDF5 call on the way to writing `what`: the line with HDF5's reason and the space that
 * is left. The caller holds chi_h5_lock. \return CHI_ERR_IO */
chi_status chi_h5_failed(const char *path, const char *what);

/** Write one attribute: a variable-length UTF-8 string, or 32- or 64-bit integers (n < 0: one, as a
 * scalar). The caller holds chi_h5_lock. */
herr_t chi_h5_put_text(hid_t object, const char *name, const char *value);
herr_t chi_h5_put_int32(hid_t object, const char *name, int64_t n, const int32_t *values);
herr_t chi_h5_put_int64(hid_t object, const char *name, int64_t value);

#endif
