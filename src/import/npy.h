/** \file npy.h
 * Reading NumPy's .npy format (versions 1 to 3) by rows, from a file or from a member of an .npz
 * archive. Files are not trusted. All local. */
#ifndef CHIASM_IMPORT_NPY_H
#define CHIASM_IMPORT_NPY_H

#include <stdbool.h>
#include <stdint.h>

#include "chiasm/status.h"

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

enum { CHI_NPY_MAX_RANK = 32 };

/** What the head of an .npy file says. */
typedef struct chi_npy {
  int64_t item;    /* bytes of a number: 2, 4 or 8 */
  bool swapped;    /* in the other byte order than this machine's */
  bool by_columns; /* Fortran order, with more than one column */
  int rank;        /* at least 1 */
  int64_t dims[CHI_NPY_MAX_RANK];
  int64_t rows, columns; /* columns: all dimensions but the first, flattened in C order */
  int64_t data;          /* where the numbers begin */
} chi_npy;

/** Read the head and check it against the size of the file.
 * \return CHI_ERR_INPUT: no .npy file, damaged, cut short, other numbers than floats, no rows or
 *         columns; more than there should be */
chi_status chi_npy_open(const chi_bytes *bytes, chi_npy *out);

/** Read rows [row0, row0 + n) as float64, exactly.
 * \param[out] out  n x columns, row-major */
chi_status chi_npy_read(const chi_bytes *bytes, const chi_npy *npy, int64_t row0, int64_t n,
                        double *out);

#endif
