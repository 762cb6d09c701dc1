/** \file reader.h
 * The layers that the files on the command line hold: one each in an .npy, one per member of an
 * .npz, one per dataset of HDF5 (FILE:/path to a dataset, or to a group of them); and the numbers
 * of one of them, by rows of events. All local. */
#pragma once

#include <stdint.h>

#include "base/text.h"
#include "chiasm/status.h"

typedef enum chi_layer_kind { CHI_LAYER_NPY, CHI_LAYER_NPZ, CHI_LAYER_HDF5 } chi_layer_kind;

/** Where one layer is. */
typedef struct chi_layer_file {
  chi_layer_kind kind;
  char *path;    /* of the file */
  char *object;  /* name of the member, path of the dataset ("/a/b"); "" for an .npy */
  int64_t index; /* of the member */
  char *where;   /* file and object, for messages */
  char *layer;   /* its name in the study */
} chi_layer_file;

/** Start as {0}; free with chi_layer_files_free. */
typedef struct chi_layer_files {
  int64_t n, room;
  chi_layer_file *item;
  chi_text left_out; /* what is no layer, and why: a line each */
  int64_t n_renamed; /* names that had a '/' or ':' */
} chi_layer_files;

typedef enum chi_layer_order {
  CHI_ORDER_GIVEN,   /* as on the command line, in the archive, as created in an HDF5 group */
  CHI_ORDER_NATURAL, /* by name, numbers in it by value: conv2 before conv10 */
  CHI_ORDER_NAME     /* by name, letter for letter */
} chi_layer_order;

/** Add one; all texts are copied. `layer` need not be a good name yet. */
chi_status chi_layer_files_add(chi_layer_files *files, chi_layer_kind kind, const char *path,
                               const char *object, int64_t index, const char *layer);
void chi_layer_files_free(chi_layer_files *files);

/** Sort the layers from number `first` on. */
void chi_layer_files_sort(chi_layer_files *files, int64_t first, chi_layer_order order);

/** The name of a layer by its file or member, "dir/conv1.npy" -> "conv1"; free with chi_free.
 * \param[out] name  NULL if there is another ending */
chi_status chi_layer_name(const char *path, char **name);

/** Which dimension of an array is of events, as the program that wrote it counts them: MATLAB's
 * first one is the last one of HDF5. */
typedef enum chi_event_axis {
  CHI_AXIS_AUTO, /* the first; in MATLAB's files the one that is as long as there are events */
  CHI_AXIS_FIRST,
  CHI_AXIS_LAST
} chi_event_axis;

/** Find the layers of n files, in order of depth. A '/' or ':' in a name becomes a '.'.
 * \param[out] out  start as {0}; free with chi_layer_files_free, also after a failure
 * \return CHI_ERR_INPUT: a file missing or of no known kind; a name that no layer can have; the
 * same name twice */
chi_status chi_layer_files_find(int64_t n, const char *const *paths, chi_layer_order order,
                                chi_layer_files *out);

/** A layer open to read. */
typedef struct chi_reader chi_reader;

/** \param[in] layer     borrowed while the reader is open
 * \param[in] n_events  how many rows are expected: tells which dimension is of events
 * \return CHI_ERR_INPUT: what cannot be read, or by rows only with the whole in memory */
chi_status chi_reader_open(const chi_layer_file *layer, int64_t n_events, chi_event_axis axis,
                           chi_reader **out);
void chi_reader_close(chi_reader **reader);

/** Rows (events), and columns: features of each, all dimensions but the first in C order. */
int64_t chi_reader_rows(const chi_reader *reader);
int64_t chi_reader_columns(const chi_reader *reader);

/** How many rows to read at a time, if `width` numbers are made of each: about 64 MB of float64 of
 * either, whole chunks of the file if they are not many more; at least 1. A function of file and
 * width alone. */
int64_t chi_reader_block(const chi_reader *reader, int64_t width);

/** Read rows [row0, row0 + n), quickest in ascending order.
 * \param[out] out  n x columns, row-major; every number is finite and in float32's range
 * \return CHI_ERR_INPUT for one that is not, naming file, row and column; CHI_ERR_IO */
chi_status chi_reader_read(chi_reader *reader, int64_t row0, int64_t n, double *out);
