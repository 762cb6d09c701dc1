/** \file whole.h
 * Making an HDF5 file whole or not at all: as PATH.tmp, synced, renamed. One process, serial HDF5.
 * Attributes, too. */
#pragma once

#include <hdf5.h>
#include <stdint.h>

#include "chiasm/status.h"

/** What is to stand in the file. Called with chi_h5_lock held. A bare CHI_ERR_IO stands for an
 * HDF5 call that failed and is told with HDF5's reason; `what` says what could not be written. */
typedef chi_status chi_h5_contents(hid_t file, void *context, const char **what);

/** Make FOLDER/name, with its room on disk taken first.
 * \param[in] bytes  what it will take, rounded up
 * \return CHI_ERR_IO naming the file and the space that is left, CHI_ERR_MEMORY; then neither the
 *         file nor its .tmp is there, but an older file of that name stays */
chi_status chi_h5_make(const char *folder, const char *name, int64_t bytes,
                       chi_h5_contents *contents, void *context);

/** The parts of it, for files that are filled bit by bit. Begin PATH.tmp, a new file; the caller
 * holds chi_h5_lock. Close it with H5Fclose, which closes all objects in it too.
 * \param[in] bytes  as above; 0: not known, no room is taken
 * \return CHI_ERR_IO; then PATH.tmp may be there: chi_h5_end */
chi_status chi_h5_begin(const char *path, int64_t bytes, hid_t *file);

/** Take the room on disk that the length of PATH.tmp, which is closed, promises; sync it. */
chi_status chi_h5_reserve(const char *path);

/** PATH.tmp, which is closed, becomes PATH, synced and with all its room; if `status` is a failure,
 * it is removed. \return status, with its message; else CHI_ERR_IO */
chi_status chi_h5_end(const char *path, chi_status status);

/** PATH.tmp in a buffer of PATH_MAX. \return CHI_ERR_USAGE if it is too long */
chi_status chi_h5_tmp_path(char *out, const char *path);

/** Whether FOLDER's disk has room for so many bytes more. \return CHI_ERR_IO saying what is missing
 */
chi_status chi_h5_check_space(const char *folder, const char *name, int64_t bytes);

/** A failed HDF5 call on the way to writing `what`: the line with HDF5's reason and the space that
 * is left. The caller holds chi_h5_lock. \return CHI_ERR_IO */
chi_status chi_h5_failed(const char *path, const char *what);

/** Write one attribute: a variable-length UTF-8 string, a number, or n 32-bit integers (n < 0: one,
 * as a scalar). The caller holds chi_h5_lock. */
herr_t chi_h5_put_text(hid_t object, const char *name, const char *value);
herr_t chi_h5_put_int32(hid_t object, const char *name, int64_t n, const int32_t *values);
herr_t chi_h5_put_int64(hid_t object, const char *name, int64_t value);
herr_t chi_h5_put_real(hid_t object, const char *name, double value);

/** The type of such strings, with a character set of HDF5. Close with H5Tclose. */
hid_t chi_h5_text_type(H5T_cset_t characters);
