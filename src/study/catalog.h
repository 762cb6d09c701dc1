/** \file catalog.h
 * How a catalog is put together: files are found (folder.c, select.c) and read one by one
 * (recording.c, model.c), joined (spaces.c) under study.c, and freed by share.c. Inside src/study
 * only; callers hold the HDF5 lock where files are read.
 *
 * Problems of the study are findings, and the work goes on; a status other than CHI_OK means that
 * it cannot (memory). */
#pragma once

#include "chiasm/study.h"
#include "h5/h5.h"

/** A list of names, sorted and without duplicates once chi_names_sort is done. */
typedef struct chi_names {
  int64_t n, room;
  char **name;
} chi_names;
chi_status chi_names_add(chi_names *names, const char *name);
void chi_names_sort(chi_names *names);
bool chi_names_have(const chi_names *names, const char *name);
void chi_names_free(chi_names *names);
int chi_names_compare(const void *a, const void *b); /* of char *, for qsort */

/** What a model's files say of it beside its name. */
enum { CHI_NETWORK, CHI_MODALITY, CHI_TRAINING, CHI_N_KINDS };
extern const char *const chi_model_kinds[CHI_N_KINDS];

/** A layer in a feature file. */
typedef struct chi_layer_record {
  char *name;
  bool selected;
  bool has_depth;
  int32_t depth;
  int64_t n_features;
} chi_layer_record;

/** A feature file: one model for one dataset. */
typedef struct chi_model_record {
  int32_t dataset;  /* among those that stay in the catalog */
  int64_t n_events; /* of its recording; 0: not known */
  char *path;       /* below the study's folder */
  char *model, *kind[CHI_N_KINDS];
  int64_t n_layers, room;
  chi_layer_record *layer; /* all its layers, selected or not, sorted by name */
} chi_model_record;

/** What study.c gathers on its way. */
typedef struct chi_catalog {
  const chi_selection *selection;
  chi_findings *findings;
  chi_study *study;
  char *root; /* the study's folder, resolved */
  chi_names layers_seen;
  int64_t n_models, models_room;
  chi_model_record *model;
} chi_catalog;

/** Turn a status into a finding: the message of CHI_ERR_INPUT and CHI_ERR_IO is one, CHI_OK none;
 * the rest is returned. \return CHI_OK where the work can go on */
chi_status chi_catalog_note(chi_findings *findings, chi_status status);

/** Whether text is short, valid UTF-8 without control characters. */
bool chi_label_ok(const char *text);

/** \return CHI_ERR_INPUT if text is no such label, or empty, or has a slash, or is "." or ".." */
chi_status chi_name_check(const char *text, const char *where, const char *what);

/** The names in a folder below the study's, hidden ones left out.
 * \return CHI_ERR_INPUT if it cannot be read, or lies outside the study */
chi_status chi_folder_list(const chi_catalog *catalog, const char *folder, chi_names *names);

/** Open a file below the study's folder; close with H5Fclose.
 * \return CHI_ERR_INPUT, CHI_ERR_IO; links that lead out of the folder are not followed */
chi_status chi_folder_open_file(const chi_catalog *catalog, const char *path, hid_t *file);

/** \return CHI_ERR_INPUT unless attribute chiasm_format of the file's root is 1 */
chi_status chi_format_check(hid_t file, const char *where);

/** \return CHI_ERR_INPUT unless a text attribute of the root is what the file's name says */
chi_status chi_root_says(hid_t file, const char *where, const char *name, const char *expected);

/** Read study.yaml, if there is one, into study->yaml and study->title. */
chi_status chi_folder_read_yaml(const chi_catalog *catalog);

/** Add a finding for each pattern of a selection that fits none of the names. */
chi_status chi_selection_check(const chi_catalog *catalog, const char *option, const char *patterns,
                               const chi_names *names);

/** Take ".h5" off the name of a file in `folder`; where it does not end so, warn and return false.
 */
bool chi_suffix_take(const chi_catalog *catalog, const char *folder, char *name);

/** The recordings that the folder has: files (without ".h5", good names only) and both halves. */
typedef struct chi_recordings {
  chi_names files, subjects, alignments;
} chi_recordings;
chi_status chi_recordings_find(const chi_catalog *catalog, chi_recordings *found);
void chi_recordings_free(chi_recordings *found);

/** Make the selected datasets of the catalog, each with its subject, alignment and path. */
chi_status chi_recordings_select(const chi_catalog *catalog, const chi_recordings *found);

/** Warn of feature folders that belong to no recording. */
chi_status chi_recordings_check_strays(const chi_catalog *catalog, const chi_recordings *found);

/** The time axis of a recording, before its alignment takes it over. */
typedef struct chi_time_axis {
  int64_t n;
  double *time;
  double bin_width;
} chi_time_axis;

/** Read responses/<subject>.<alignment>.h5 but for the numbers, into a zeroed dataset with subject
 * and path set.
 * \param[out] usable  whether it can be part of the catalog */
chi_status chi_recording_read(const chi_catalog *catalog, const char *alignment,
                              chi_dataset *dataset, chi_time_axis *axis, bool *usable);

/** Read features/<subject>.<alignment>/<model>.h5 but for the numbers, into a zeroed record with
 * dataset, path and model set. */
chi_status chi_model_read(chi_catalog *catalog, chi_model_record *record);
void chi_model_free(chi_model_record *record);

/** Join the models' layers to the feature spaces of each alignment, with the checks across files.
 */
chi_status chi_spaces_join(const chi_catalog *catalog);

/** Free what a part of the catalog holds, and leave its pointers NULL. */
void chi_dataset_free(chi_dataset *dataset);
void chi_alignment_free(chi_alignment *alignment);
