/** \file content.h
 * What a results file holds besides its numbers: its variant, dimensions and labels, by its table
 * of fields. Made of a study before the file is, or read from one that is there. All local, and the
 * same on every rank that passes the same arguments. */
#pragma once

#include <hdf5.h>

#include "base/digest.h"
#include "base/text.h"
#include "chiasm/run.h"
#include "store/schema.h"

/** One alignment. */
typedef struct chi_group_content {
  char *name; /* of the alignment */
  int64_t length[CHI_SCHEMA_DIMS];
  void *label[CHI_SCHEMA_FIELDS]; /* by field: char ** or numbers; NULL: counts, or not there */
  int32_t *subject;               /* n_sites: index of its subject */
  const char *space;     /* attribute `space` of the coordinates; NULL: none, or not read */
  int32_t *block_length; /* n_subjects; NULL: none. Attribute of the group */
  int32_t n_subjects;
  chi_text names; /* of labels that are made here */
} chi_group_content;

typedef struct chi_content {
  const chi_schema *schema;
  unsigned variants;
  bool read; /* from a file: the texts of its labels are its own, else the study's */
  int32_t n_groups;
  chi_group_content *group;
  bool has_seed;                          /* not read */
  uint64_t seed;                          /* attribute of the file */
  char *study;                            /* its folder */
  char *config, *study_checksum, *kernel; /* attributes of a file that was read */
} chi_content;

/** What a stage after the fit calculates in one alignment: layers of models at sites. */
typedef struct chi_chosen {
  int64_t n_rows;
  int64_t *label;              /* n_rows: a feature space that bears the row's labels */
  int64_t *space;              /* n_rows x n_sites: the layer chosen there; -1: none */
  const int32_t *block_length; /* by subject: events drawn, or weighted, together; borrowed */
  const int32_t *n_blocks;     /* by subject: of influences; borrowed */
} chi_chosen;

/** fit.h5 of a study. \param[out] out  free with chi_content_free; borrows texts from the study */
chi_status chi_fit_content(const chi_study *study, chi_content *out);

/** bootstrap.h5 with its replicates. \param[in] rows  by alignment */
chi_status chi_bootstrap_content(const chi_study *study, const chi_chosen *rows,
                                 int64_t n_replicates, uint64_t seed, bool by_space,
                                 chi_content *out);

/** influence.h5. \param[in] rows  by alignment */
chi_status chi_influence_content(const chi_study *study, const chi_chosen *rows, bool by_space,
                                 chi_content *out);

/** Read what an open file says of itself, and look that every field is there in the type and size
 * that its table says, in one block of the file, and that the labels fit their checksum. The caller
 * holds chi_h5_lock.
 * \param[in,out] content  with its schema set; free with chi_content_free, also after a failure
 * \return CHI_ERR_INPUT  damaged; CHI_ERR_USAGE  of another version or program, or other labels
 * than were written: its numbers may be good */
chi_status chi_content_read(hid_t file, const char *path, chi_content *content);

void chi_content_free(chi_content *content);

/** Whether a site has anything in a row: its subject has the layer, or a layer was chosen there. */
bool chi_content_has(const chi_content *content, int32_t group, int64_t row, int64_t site);

/** The checksum of a group's labels, its attribute labels_checksum: XXH3-64 of the file's `config`
 * and `study_checksum`, the group's name, `block_length`, and of each field of labels its name and
 * values, as the file has them; every text with its end. */
void chi_content_digest(const chi_content *content, int32_t group, const char *config,
                        const char *study_checksum, char out[CHI_DIGEST_TEXT]);

/** What the file will take on disk, rounded up; bytes. */
int64_t chi_content_bytes(const chi_content *content, const chi_provenance *provenance);

/** Fill `subject` of a group by its label of that name: sites of a subject stand together, subjects
 * in the order of their numbers. */
chi_status chi_content_index_subjects(const chi_schema *schema, chi_group_content *group);

/** The group of that name; NULL: none. \param[out] at  its index */
const chi_group_content *chi_content_find(const chi_content *content, const char *name,
                                          int32_t *at);

/** The names of the places along a dimension that has texts for labels. Borrowed. */
char *const *chi_content_names(const chi_content *content, int32_t group, int dim);

/** Add the models of all groups to a list of *n names, sorted, each once. The names are borrowed;
 * free the list with chi_free. */
chi_status chi_content_models(const chi_content *content, char ***name, int64_t *n);

/** Names with commas between. */
chi_status chi_names_join(char *const *name, int64_t n, chi_text *out);

/** Name a cell, as in "film net/conv1 at s1/E001: block 3: the replicates". */
void chi_content_name_cell(const chi_content *content, int32_t group, int record, int64_t cell,
                           char *text, size_t n);

/** Move the labels of a group that was read into a struct of the schema's view, whose other members
 * are left alone. */
void chi_content_view(chi_content *content, int32_t group, void *view);
/** Free what that put there. */
void chi_content_free_view(const chi_schema *schema, void *view);
