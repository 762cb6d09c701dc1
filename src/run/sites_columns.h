/** \file sites_columns.h
 * What sites.h5 and sites.csv hold: one table of columns, by which they are written and checked. */
#ifndef CHIASM_RUN_SITES_COLUMNS_H
#define CHIASM_RUN_SITES_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CHI_SITES_FORMAT = 1 };

/** One line of both: a comparison at a site. Texts are borrowed; what is missing is NaN or "". */
typedef struct chi_sites_line {
  const char *comparison, *alignment, *subject, *electrode, *region;
  float x, y, z; /* mm */
  const char *better, *than, *layer_better, *layer_than;
  int32_t bins_better, bins_than, bins;
  double r_better, r_than, difference, se, p, p_adjusted;
  bool significant, by_default;
} chi_sites_line;

typedef enum chi_column_type {
  CHI_COLUMN_TEXT,  /* const char * */
  CHI_COLUMN_COUNT, /* int32_t */
  CHI_COLUMN_FLAG,  /* bool */
  CHI_COLUMN_FLOAT,
  CHI_COLUMN_REAL /* double */
} chi_column_type;

typedef struct chi_sites_column {
  const char *name;
  chi_column_type type;
  size_t offset;     /* in chi_sites_line */
  const char *units; /* NULL: none */
} chi_sites_column;

enum { CHI_SITES_COLUMNS = 23 };
extern const chi_sites_column chi_sites_columns[CHI_SITES_COLUMNS];

#endif
