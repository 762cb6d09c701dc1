/** \file content.h
 * What a results file is to hold before its first number: its variant, dimensions and labels. All
 * local, and the same on every rank that passes the same arguments. */
#ifndef CHIASM_STORE_CONTENT_H
#define CHIASM_STORE_CONTENT_H

#include "base/text.h"
#include "chiasm/run.h"
#include "store/schema.h"

/** One alignment. */
typedef struct chi_group_content {
  const char *name; /* of the alignment; borrowed */
  int64_t length[CHI_SCHEMA_DIMS];
  void *label[CHI_SCHEMA_FIELDS]; /* by field: char ** (borrowed texts) or numbers; NULL: counts */
  int32_t *subject;               /* n_sites: index of its subject */
  const char *space;              /* attribute `space` of the coordinates; NULL: none */
  int32_t *block_length;          /* n_subjects; NULL: none. Attribute of the group */
  int32_t n_subjects;
  chi_text names; /* texts that are put together of others */
} chi_group_content;

typedef struct chi_content {
  const chi_schema *schema;
  const char *study; /* its folder; borrowed */
  unsigned variants;
  int32_t n_groups;
  chi_group_content *group;
  bool has_seed;
  uint64_t seed; /* attribute of the file */
} chi_content;

/** What is bootstrapped in one alignment. */
typedef struct chi_bootstrap_rows {
  int64_t n_rows;
  int64_t *label;        /* n_rows: a feature space that bears the row's labels */
  int64_t *space;        /* n_rows x n_sites: the layer bootstrapped there; -1: none */
  int32_t *block_length; /* by subject: events drawn together */
} chi_bootstrap_rows;

/** fit.h5 of a study. \param[out] out  free with chi_content_free; borrows from the study */
chi_status chi_fit_content(const chi_study *study, chi_content *out);

/** bootstrap.h5 with its replicates. \param[in] rows  by alignment */
chi_status chi_bootstrap_content(const chi_study *study, const chi_bootstrap_rows *rows,
                                 int64_t n_replicates, uint64_t seed, bool by_space,
                                 chi_content *out);
void chi_content_free(chi_content *content);

/** Whether a site has anything in a row: its subject has the layer, or a layer was chosen there. */
bool chi_content_has(const chi_content *content, int32_t group, int64_t row, int64_t site);

/** What the file will take on disk, rounded up; bytes. */
int64_t chi_content_bytes(const chi_content *content, const chi_provenance *provenance);

#endif
