/** \file formats.h
 * The files that layers come in, each read by rows: NumPy's .npy (versions 1 to 3); .npz archives
 * of them (zip, one member per array), by libzip, without unpacking them; and any HDF5 file. Files
 * are not trusted. All local; the HDF5 lock is taken inside. */
#pragma once

#include "import/reader.h"
#include "study/numbers.h"

/** Where bytes come from. */
typedef struct chi_bytes {
  const char *where; /* the file, or file and member, for messages; borrowed */
  int64_t size;
  bool forward; /* going back, or leaping, means to read again from the beginning */
  /* Read n bytes at an offset, both inside `size`. \return CHI_ERR_IO, CHI_ERR_INPUT */
  chi_status (*read)(const struct chi_bytes *bytes, int64_t offset, int64_t n, void *out);
  void (*close)(struct chi_bytes *bytes);
  void *context;
} chi_bytes;

/** The bytes of a file; end with bytes->close, which is NULL after a failure.
 * \return CHI_ERR_INPUT if it cannot be opened */
chi_status chi_bytes_of_file(const char *path, chi_bytes *bytes);

/** The bytes of a member: a stored one is read anywhere; a compressed one from its beginning, so it
 * is quickest read in order. End with bytes->close, unless that is NULL.
 * \param[in] layer  borrowed until then
 * \return CHI_ERR_INPUT: damaged, encrypted, packed by what libzip does not know */
chi_status chi_bytes_of_npz(const chi_layer_file *layer, chi_bytes *bytes);

enum { CHI_NPY_MAX_RANK = 32 };

/** What the head of an .npy file says. */
typedef struct chi_npy {
  char kind;       /* f: float, i, u: integer, b: truth value */
  int64_t item;    /* bytes of a number: 1, 2, 4 or 8 */
  bool swapped;    /* in the other byte order than this machine's */
  bool by_columns; /* Fortran order, with more than one column */
  int rank;        /* at least 1 */
  int64_t dims[CHI_NPY_MAX_RANK];
  int64_t rows, columns; /* columns: all dimensions but the first, flattened in C order */
  int64_t data;          /* where the numbers begin */
} chi_npy;

/** Read the head and check it against the size of the file.
 * \return CHI_ERR_INPUT: no .npy file, damaged, cut short, no numbers, no rows or columns; more
 * than there should be */
chi_status chi_npy_open(const chi_bytes *bytes, chi_npy *out);

/** Read rows [row0, row0 + n) as float64, exactly but for integers of 2^53 and more.
 * \param[out] out  n x columns, row-major */
chi_status chi_npy_read(const chi_bytes *bytes, const chi_npy *npy, int64_t row0, int64_t n,
                        double *out);

/** Add an archive's members; folders and what a Mac puts beside them are left out. \return
 * CHI_ERR_INPUT: no zip archive, damaged, none or other members */
chi_status chi_npz_list(const char *path, chi_layer_files *files);

/** libzip's version, borrowed. */
const char *chi_npz_version(void);

/** Add the dataset at a path of a file, or each dataset of numbers in the group there and the
 * groups in it: in the order of their creation if the groups have it, else by name, numbers by
 * value. Scales, texts and what MATLAB keeps for itself are left out, and files->left_out says so.
 * \return CHI_ERR_INPUT */
chi_status chi_hdf5_layers_list(const char *path, const char *object, chi_layer_files *files);

/** Open a layer's dataset of numbers for reading; close with chi_numbers_close.
 * \param[in]  n_events  how many rows are expected
 * \param[out] turned    events are its last dimension, as in a matrix by MATLAB: read it by
 *                       chi_hdf5_read_turned
 * \return CHI_ERR_INPUT, also where it cannot be told which dimension is of events */
chi_status chi_hdf5_layer_open(const chi_layer_file *layer, int64_t n_events, chi_event_axis axis,
                               chi_numbers *numbers, bool *turned);

/** Read events [event0, event0 + n) of a dataset whose last dimension they are.
 * \param[out] out  n x (the product of the other dimensions), row-major */
chi_status chi_hdf5_read_turned(const chi_numbers *numbers, int64_t event0, int64_t n, double *out);
