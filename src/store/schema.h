/** \file schema.h
 * What stands in a results file: one row per field, one table of rows per file. Everything that
 * makes, opens, writes, checks, repairs, merges and lists a file reads its table, so that a new
 * results file is a new table. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CHI_SCHEMA_DIMS = 6, CHI_SCHEMA_RANK = 4, CHI_SCHEMA_FIELDS = 40, CHI_SCHEMA_RECORDS = 2 };

typedef enum chi_field_type {
  CHI_TEXT, /* variable-length UTF-8; char * in memory */
  CHI_INT32,
  CHI_FLOAT32,
  CHI_FLOAT64,
  CHI_UINT8,
  CHI_UINT64
} chi_field_type;

typedef enum chi_field_role {
  CHI_DATA,     /* what ranks write; NaN before that */
  CHI_FLAG,     /* CHI_DONE_* of a record's cells */
  CHI_CHECKSUM, /* XXH3-64 of a cell's data, in the order of the fields */
  CHI_LABEL     /* written when the file is made; of the same name as a dimension: its scale */
} chi_field_role;

/** Variants of a file; a field may be there in some of them only. */
enum {
  CHI_BY_SPACE = 1,        /* bootstrap.h5 has a row per feature space, else per model */
  CHI_WITH_REPLICATES = 2, /* it holds its replicates, */
  CHI_DROPPED = 4          /* or those of kept bins alone */
};

#define CHI_NO_VIEW SIZE_MAX

/** One field of a results file. */
typedef struct chi_field {
  const char *name;
  chi_field_type type;
  chi_field_role role;
  int rank, dim[CHI_SCHEMA_RANK]; /* dimensions, outermost first */
  unsigned variants;              /* 0: it is in every one */
  size_t view;       /* where a label stands in the struct that readers get; CHI_NO_VIEW: nowhere */
  const char *units; /* NULL: none is written */
  const char *long_name; /* for people */
} chi_field;

/** Fields that are written together: a cell is their values at one (row, site, block). */
typedef struct chi_record {
  const char *noun;   /* "scores" */
  int flag, checksum; /* fields */
  int data, n_data;   /* the first of its data fields and how many follow each other */
  int64_t block;      /* places of the third dimension under one flag; 0: all of them */
  int together;       /* a dimension whose values are of one encoding model; -1: none */
} chi_record;

/** A dimension, and where readers' struct has its length. */
typedef struct chi_schema_dim {
  const char *name, *plural; /* plural: for messages */
  size_t view;
} chi_schema_dim;

/** One results file: dimensions 0 and 1 are rows (feature spaces or models) and sites, dimension 2
 * is what blocks divide, dimension CHI_TIME the bins. */
typedef struct chi_schema {
  const char *file;  /* "fit.h5" */
  const char *stage; /* the command that makes it, and its section of config.yaml */
  bool first;        /* it makes the run's folder */
  bool drawn;        /* its groups have an attribute block_length */
  int n_dims, n_fields, n_records;
  const chi_schema_dim *dim;
  const chi_field *field;
  const chi_record *record;
  size_t view_size; /* of the readers' struct, whose first member is char *alignment */
} chi_schema;

/** Dimensions: the first three of every file, then those of fit.h5, bootstrap.h5, influence.h5. */
enum { CHI_ROW, CHI_SITE, CHI_TIME };
enum { CHI_SUBJECT = 3 };
enum { CHI_REPLICATE = 3, CHI_REPLICATE_BLOCKS, CHI_ENTRY };
enum { CHI_EVENT_BLOCK = 3, CHI_BLOCK_SUBJECT };

/** Fields that code names, by their place in the tables. */
enum { CHI_MODEL = 1 }; /* in every table */
enum {
  CHI_FIT_LAYER = 5,
  CHI_FIT_DEPTH,
  CHI_FIT_SITE,
  CHI_FIT_N_FEATURES = 16,
  CHI_FIT_CHECKSUM,
  CHI_FIT_DONE,
  CHI_FIT_VAL_R
};
enum { CHI_CHOSEN_SITE = 5, CHI_CHOSEN_LAYER = 15 }; /* in those of the stages after the fit */
enum {
  CHI_BOOT_KEPT_ROW = 17,
  CHI_BOOT_CHECKSUM = 20,
  CHI_BOOT_DONE,
  CHI_BOOT_SUMMARISED,
  CHI_BOOT_SUMMARY_CHECKSUM,
  CHI_BOOT_SUMMARY,
  CHI_BOOT_VAL_R = 30,
  CHI_BOOT_KEPT_CHECKSUM = 32,
  CHI_BOOT_KEPT_VAL_R
};

enum { CHI_INFLUENCE_N_BLOCKS = 16, CHI_INFLUENCE_BLOCK_LENGTH, CHI_INFLUENCE_CHECKSUM };

/** Records: of fit.h5 one, of influence.h5 one; of bootstrap.h5 replicates and their summaries. */
enum { CHI_SCORES = 0, CHI_INFLUENCES = 0, CHI_REPLICATES = 0, CHI_SUMMARIES = 1 };
/** The summaries, in the order of their fields. */
typedef enum chi_summary {
  CHI_VAL_R_MEAN,
  CHI_VAL_R_LOWER,
  CHI_VAL_R_UPPER,
  CHI_TEST_R_MEAN,
  CHI_TEST_R_LOWER,
  CHI_TEST_R_UPPER,
  CHI_N_SUMMARIES
} chi_summary;
enum { CHI_REPLICATE_BLOCK = 50 }; /* replicates under one flag and checksum */

extern const chi_schema chi_fit_schema, chi_influence_schema, chi_bootstrap_schema;

/** The results files, in the order in which they are made. The first is of the fit; each of the
 * others stands beside the rest, made of it alone. */
enum { CHI_OF_FIT, CHI_OF_INFLUENCE, CHI_OF_BOOTSTRAP, CHI_N_RESULTS };
extern const chi_schema *const chi_results[CHI_N_RESULTS];

/** The name of a dimension in a variant. */
const char *chi_schema_dim_name(const chi_schema *schema, int dim, unsigned variants);

/** The field that names the places along a dimension: its scale. */
int chi_schema_scale(const chi_schema *schema, int dim, unsigned variants);

/** Whether a field is in a variant. */
bool chi_field_in(const chi_field *field, unsigned variants);

/** Bytes of one value in memory. */
int64_t chi_field_bytes(const chi_field *field);
