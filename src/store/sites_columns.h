/** \file sites_columns.h
 * What sites.h5 and sites.csv hold: one table of columns, by which they are written and checked. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"

enum { CHI_SITES_FORMAT = 2 };

/** The sides of a comparison. */
enum { CHI_BETTER, CHI_THAN };

/** One line of both: a comparison at a site. By side: the model and its layer, the bins that it
 * keeps, its r. Texts are borrowed; what is missing is NaN or "". */
typedef struct chi_sites_line {
  const char *comparison, *alignment, *subject, *electrode, *region;
  float x, y, z; /* mm */
  const char *model[2], *layer[2];
  int32_t bins_kept[2], bins;
  double r[2], difference, se, p, p_adjusted;
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

/** Bytes of one value of a column in memory. */
int64_t chi_sites_column_bytes(const chi_sites_column *column);

/** sites.h5's own checksum, its attribute `checksum`, is XXH3-64 of its `config`, `study` and
 * `study_checksum`, then of each column its name and values; every text with its end. Begun with
 * the first three; then column by column, in their order. */
void chi_sites_digest_begin(chi_digest *digest, const char *config, const char *study,
                            const char *study_checksum);
void chi_sites_digest_column(chi_digest *digest, const chi_sites_column *column, const void *values,
                             int64_t n);

/** The files for people, and the attributes of sites.h5 with XXH3-64 of their bytes. */
enum { CHI_SITES_CSV, CHI_REGIONS_CSV, CHI_SITES_N_CSV };
typedef struct chi_sites_csv {
  const char *file, *attribute;
} chi_sites_csv;
extern const chi_sites_csv chi_sites_csvs[CHI_SITES_N_CSV];
