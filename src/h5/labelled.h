/** \file labelled.h
 * Datasets of an HDF5 group whose dimensions bear names and labels, as xarray and netCDF-4 tools
 * want them. All local; the caller holds chi_h5_lock. A bare CHI_ERR_IO stands for an HDF5 call
 * that failed: chi_h5_failed tells why. */
#pragma once

#include <hdf5.h>
#include <stdint.h>

#include "chiasm/status.h"

enum { CHI_LABELLED_DIMS = 8, CHI_LABELLED_RANK = 4, CHI_LABELLED_EMPTY = 16 };

/** One group while its datasets are made. */
typedef struct chi_labelled {
  hid_t group, creation, text; /* text: variable-length UTF-8 */
  int n_dims;
  const char *dim[CHI_LABELLED_DIMS]; /* names; borrowed */
  hid_t scale[CHI_LABELLED_DIMS];     /* -1: none yet */
  hsize_t length[CHI_LABELLED_DIMS];
  int n_empty;
  const char *empty[CHI_LABELLED_EMPTY]; /* names of datasets to be filled; borrowed */
} chi_labelled;

/** Begin with a new group of `file`, or with the root if name is NULL. End with chi_labelled_end,
 * also after a failure. */
chi_status chi_labelled_begin(hid_t file, const char *name, chi_labelled *out);
chi_status chi_labelled_end(chi_labelled *l);

/** Add a dimension.
 * \param[in] name  static or outliving l
 * \return its index */
int chi_labelled_dim(chi_labelled *l, const char *name, int64_t length);

/** Write a dimension's own labels: the dataset that bears its name, made before any other along it.
 * \param[in] file_type, memory_type  l->text for strings (then data is char *const *) */
chi_status chi_labelled_put_scale(chi_labelled *l, int dim, hid_t file_type, hid_t memory_type,
                                  const void *data);
/** The labels 0, 1, 2, ... as int32. */
chi_status chi_labelled_put_count(chi_labelled *l, int dim);

/** A dimension without labels, as the netCDF-4 library marks it: its data are never stored. */
chi_status chi_labelled_put_bare(chi_labelled *l, int dim);

/** Go over to another dimension under the same index, whose name has changed: the one that is
 * there, or a new one without labels. */
chi_status chi_labelled_redim(chi_labelled *l, int dim, int64_t length);

/** Write a dataset over some dimensions (outermost first) with their scales attached. */
chi_status chi_labelled_put(chi_labelled *l, const char *name, hid_t file_type, hid_t memory_type,
                            int rank, const int *dims, const void *data);

/** Make a dataset that others write, contiguous.
 * \param[in] name  static or outliving l
 * \param[in] fill  one value of fill_type that is to stand everywhere, from chi_labelled_fill on */
chi_status chi_labelled_make(chi_labelled *l, const char *name, hid_t type, int rank,
                             const int *dims, hid_t fill_type, const void *fill);

/** Allocate and fill, one after the other, the datasets that were made so: last of all in a file,
 * so that they stand at its end with nothing between them. */
chi_status chi_labelled_fill(chi_labelled *l);

/** The parts of chi_labelled_put: a dataset that takes its room with the first write, and attaching
 * scales to it. \param[in] later  it is never filled, but written bit by bit \return close with
 * H5Dclose; negative on failure */
hid_t chi_labelled_create(const chi_labelled *l, const char *name, hid_t type, bool later, int rank,
                          const int *dims);
herr_t chi_labelled_attach(const chi_labelled *l, hid_t dataset, int rank, const int *dims);

/** A string attribute of a dataset of the group. */
chi_status chi_labelled_attribute(chi_labelled *l, const char *dataset, const char *name,
                                  const char *value);

/** What one string takes: its bytes, and what HDF5 adds in its heap and to point at it, at most. */
int64_t chi_labelled_text_bytes(const char *text);
