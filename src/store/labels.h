/** \file labels.h
 * What a results file says of itself: its alignments, dimensions and labels, by its table of
 * fields; and the structs that readers get of them. All local. */
#ifndef CHIASM_STORE_LABELS_H
#define CHIASM_STORE_LABELS_H

#include <hdf5.h>

#include "chiasm/status.h"
#include "store/schema.h"

typedef struct chi_group_labels {
  char *name; /* of the alignment */
  int64_t length[CHI_SCHEMA_DIMS];
  void *label[CHI_SCHEMA_FIELDS]; /* by field: char ** or numbers; NULL where it is not there */
  int32_t *block_length;          /* n_subjects; NULL where there is none */
  int32_t n_subjects;
} chi_group_labels;

typedef struct chi_labels {
  const chi_schema *schema;
  unsigned variants;
  int32_t n_groups;
  chi_group_labels *group;
  char *config, *study, *study_checksum, *kernel; /* attributes of the file */
} chi_labels;

/** Read the labels of an open file, and look that every field is there in the type and size that
 * its table says, in one block of the file. The caller holds chi_h5_lock.
 * \param[in,out] labels  with its schema set; free with chi_labels_free, also after a failure
 * \return CHI_ERR_INPUT  damaged, or no results file of this schema
 *         CHI_ERR_USAGE  of another version */
chi_status chi_labels_read(hid_t file, const char *path, const chi_schema *schema,
                           chi_labels *labels);
void chi_labels_free(chi_labels *labels);

/** The group of that name; NULL: none. \param[out] at  its index */
const chi_group_labels *chi_labels_find(const chi_labels *labels, const char *name, int32_t *at);

/** The names of rows and of sites of a group. Borrowed. */
char *const *chi_labels_rows(const chi_labels *labels, int32_t group);
char *const *chi_labels_sites(const chi_labels *labels, int32_t group);

/** Name a cell, as in "film net/conv1 at s1/E001: block 3: the replicates". */
void chi_labels_name_cell(const chi_labels *labels, int32_t group, int record, int64_t cell,
                          char *text, size_t n);

/** Move the labels of a group into a struct of the schema's view, whose other members are left
 * alone. */
void chi_labels_view(chi_labels *labels, int32_t group, void *view);
/** Free what that put there. */
void chi_labels_free_view(const chi_schema *schema, void *view);

#endif
