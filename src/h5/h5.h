/** \file h5.h
 * Small helpers around serial HDF5. Files are not trusted: what could lead out of the file (links,
 * external storage, virtual datasets, plugin filters) is refused before it is touched.
 *
 * All local. Every function but chi_h5_lock wants the caller to hold the lock, since HDF5 is not
 * thread-safe. Messages begin with `where`, the file's name as the user should see it. */
#pragma once

#include <hdf5.h>
#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "chiasm/status.h"

/** The one lock around every HDF5 call of the process. Taking it also silences HDF5's own error
 * output and keeps it from loading plugins. Not recursive. */
void chi_h5_lock(void);
void chi_h5_unlock(void);

/** Where this process is with HDF5, for another one that watches it through shared memory: HDF5 has
 * been seen to crash, or never to return, on damaged files. */
typedef struct chi_h5_progress {
  char where[256];       /* the file last opened */
  _Atomic int64_t steps; /* counts files, datasets and pieces */
  _Atomic bool brief;    /* what goes on now should take a moment */
} chi_h5_progress;

/** Report from now on to `progress`; NULL ends it. Borrowed. */
void chi_h5_watch(chi_h5_progress *progress);

/** Say that what follows, up to the next step, may take long. */
void chi_h5_expect_long(void);

/** Why the last HDF5 call failed since this thread took the lock; the system's error where that is
 * the cause. Calls that succeed do not change it. Borrowed until the next HDF5 call that fails. */
const char *chi_h5_reason(void);

/** Open an HDF5 file to read, which must be a regular file (chi_file_open). Close with H5Fclose,
 * which closes all objects in it too. \return CHI_ERR_INPUT: missing, no HDF5 file, truncated or
 * damaged; CHI_ERR_IO: the system refuses it (permission, locked by another program, too many open
 * files), with what to do */
chi_status chi_h5_open_read(const char *path, const char *where, hid_t *file);

/** Open a file that is there to write it by all ranks at once. Collective on comm, but each rank
 * returns its own status. Close with H5Fclose, which closes all objects in it too.
 * \return CHI_ERR_IO naming file, reason and what to do */
chi_status chi_h5_open_shared(MPI_Comm comm, const char *path, hid_t *file);

/** Whether a group holds a link of this name (one component, no slashes). */
bool chi_h5_has(hid_t group, const char *name);

/** Open a group that is a hard link in another. Close with H5Gclose.
 * \return CHI_ERR_INPUT: missing, a link, no group */
chi_status chi_h5_open_group(hid_t parent, const char *where, const char *name, hid_t *group);

/** The names of what is in a group: in the order it was made if `created` and the file knows it,
 * else sorted. Free with chi_h5_free_strings. \param[in]     name     the group's, for messages
 * \param[in,out] created  whether they are in the order of creation
 * \return CHI_ERR_INPUT: HDF5 cannot list it */
chi_status chi_h5_list(hid_t group, const char *where, const char *name, bool *created, int64_t *n,
                       char ***out);

enum { CHI_H5_MAX_RANK = 8 };

/** A dataset found safe to read, and its form. */
typedef struct chi_h5_dataset {
  hid_t id, type; /* type as in the file */
  int rank;
  int64_t dims[CHI_H5_MAX_RANK]; /* those beyond the rank are 1 */
  int64_t count;                 /* their product */
  H5T_class_t type_class;
  int64_t type_size;  /* bytes */
  int64_t chunk_rows; /* rows of a chunk; 0 where not chunked */
} chi_h5_dataset;

/** Open a dataset that is a hard link in a group, checked as the file's head says.
 * \param[in]  prefix  of its name in messages: "/" or "/layers/"
 * \param[out] out     close with chi_h5_close_dataset, also after a failure
 * \return CHI_ERR_INPUT: missing, a link, no dataset, out of the file, never written, absurd sizes
 */
chi_status chi_h5_open_dataset(hid_t group, const char *where, const char *prefix, const char *name,
                               chi_h5_dataset *out);
void chi_h5_close_dataset(chi_h5_dataset *dataset);

/** "float32", "int64", "string", ... for messages. Borrowed until the next call by this thread. */
const char *chi_h5_type_name(const chi_h5_dataset *dataset);

/** Check that the elements are numbers that can be taken as floats: floats, integers, and truth
 * values as h5py writes them. Integers that netCDF packed, or that have a code for missing ones,
 * are refused. \param[in] object  "/response", for messages \return CHI_ERR_INPUT saying what they
 * are */
chi_status chi_h5_check_numbers(const chi_h5_dataset *dataset, const char *where,
                                const char *object);

/** Read a whole one-dimensional dataset of numbers, converted to a native memory type.
 * \param[in]  integers  accept integers only (else any numbers)
 * \param[out] n    its length
 * \param[out] out  n numbers of `memory_type`; free with chi_free
 * \return CHI_ERR_INPUT: as above, another rank or type, more than memory holds, unreadable */
chi_status chi_h5_read_vector(hid_t group, const char *where, const char *name, bool integers,
                              hid_t memory_type, int64_t *n, void *out);

/** Read a whole dataset of strings, fixed or variable.
 * \param[in]  rank  how many dimensions it must have
 * \param[out] dims  `rank` lengths
 * \param[out] out   their product of strings, row-major; free with chi_h5_free_strings */
chi_status chi_h5_read_strings(hid_t group, const char *where, const char *name, int rank,
                               int64_t *dims, char ***out);
void chi_h5_free_strings(char ***strings, int64_t n);

/** Read an attribute that is one string.
 * \param[in]  object  whose attribute; `object_name` says which in messages ("/", "/time")
 * \param[out] out     NULL where there is none; free with chi_free
 * \return CHI_ERR_INPUT if it is something else */
chi_status chi_h5_attribute_text(hid_t object, const char *where, const char *object_name,
                                 const char *name, char **out);

/** Read an attribute that is one number (or truth value).
 * \param[out] found  whether there is one; *value is left alone where not */
chi_status chi_h5_attribute_number(hid_t object, const char *where, const char *object_name,
                                   const char *name, bool *found, double *value);

/** Whether a dataset holds the labels of a dimension (its CLASS says so). */
bool chi_h5_is_scale(hid_t object);
