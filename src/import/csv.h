/** \file csv.h
 * Tables of text with a header line, as RFC 4180 has them: fields in quotes may hold commas, line
 * ends and doubled quotes. In a file *.tsv tabs part the fields in place of commas, as in BIDS.
 * Lines may end in LF or CRLF; a byte order mark and empty lines are skipped. All local. */
#pragma once

#include <stdint.h>

#include "chiasm/status.h"

/** A table held whole. Free with chi_csv_free. */
typedef struct chi_csv {
  char *where, *text; /* the file's name; its text, into which the fields point */
  int64_t n_columns, n_rows;
  char **header; /* n_columns */
  char **field;  /* n_rows x n_columns */
  int64_t *line; /* n_rows: where each begins, from 1 */
} chi_csv;

/** Read a table. \return CHI_ERR_INPUT naming file and line: unreadable, no header, a row of more
 * or fewer fields than the header, a quote that does not end */
chi_status chi_csv_read(const char *path, chi_csv *out);
void chi_csv_free(chi_csv *csv);

/** The column of this name, or -1. */
int64_t chi_csv_find(const chi_csv *csv, const char *name);

/** The same; \return CHI_ERR_INPUT naming the file and the columns there are, if it is missing. */
chi_status chi_csv_require(const chi_csv *csv, const char *name, int64_t *column);

/** A field as text. Borrowed. */
const char *chi_csv_text(const chi_csv *csv, int64_t row, int64_t column);

/** A field as a number; NaN where it is empty or says nan or n/a.
 * \return CHI_ERR_INPUT naming file, line and column for any other text, and for infinities */
chi_status chi_csv_number(const chi_csv *csv, int64_t row, int64_t column, double *value);
