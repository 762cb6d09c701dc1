/** \file table.h
 * Tables for people: columns as wide as their widest cell, two blanks between them. All local. */
#pragma once

#include "base/text.h"

enum { CHI_TABLE_COLUMNS = 16, CHI_CELL = 32 };

/** A table in the making: chi_table_begin, chi_table_row for each line, chi_table_end. That memory
 * ran out shows in the text it is added to. */
typedef struct chi_table {
  int n_columns;
  bool right[CHI_TABLE_COLUMNS]; /* aligned to the right */
  chi_text lines;                /* of cells parted by '\t'; the first holds the heads */
} chi_table;

/** Start a table of up to CHI_TABLE_COLUMNS columns.
 * \param[in] heads  parted by '\t', each over its column, which is aligned to the right if the head
 *                   begins with '>'. A head may be empty: an empty first column indents the table,
 *                   and heads that are all empty have no line */
void chi_table_begin(chi_table *table, const char *heads);

/** Add a line, its cells parted by '\t' in what `format` gives; cells that are missing at the end
 * are empty. The cells are cleaned (chi_text_clean). */
void chi_table_row(chi_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Append the table to `out`, without blanks at the ends of lines, and free it. */
void chi_table_end(chi_table *table, chi_text *out);

/** A number as a cell: by a printf format of one double; "-" where it is NaN.
 * \param[out] room  CHI_CELL bytes
 * \return room */
const char *chi_cell(char *room, const char *format, double value);
