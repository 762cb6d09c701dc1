/** \file source.h
 * The numbers of one layer, wherever they are, by rows of events. All local. */
#ifndef CHIASM_IMPORT_SOURCE_H
#define CHIASM_IMPORT_SOURCE_H

#include <stdint.h>

#include "import/layers.h"

/** A layer open to read. */
typedef struct chi_source chi_source;

/** \param[in] layer  borrowed while the source is open
 * \return CHI_ERR_INPUT: what cannot be read, or by rows only with the whole in memory */
chi_status chi_source_open(const chi_layer_file *layer, chi_source **out);
void chi_source_close(chi_source **source);

/** Events, and features of each: all dimensions but the first, flattened in C order. */
int64_t chi_source_rows(const chi_source *source);
int64_t chi_source_columns(const chi_source *source);

/** How many rows to read at a time, if `width` numbers are made of each: about 64 MB of float64 of
 * either, whole chunks of the file if they are not many more; at least 1. A function of file and
 * width alone. */
int64_t chi_source_block(const chi_source *source, int64_t width);

/** Read rows [row0, row0 + n), quickest in ascending order.
 * \param[out] out  n x columns, row-major; every number is finite and in float32's range
 * \return CHI_ERR_INPUT for one that is not, naming file, row and column; CHI_ERR_IO */
chi_status chi_source_read(chi_source *source, int64_t row0, int64_t n, double *out);

/** The check by itself, for other rows. */
chi_status chi_source_check(const char *where, int64_t row0, int64_t n, int64_t columns,
                            const double *rows);

#endif
