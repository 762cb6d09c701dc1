/** \file study.h
 * Reading a study (formats.md): its catalog, its responses and its features. All functions are
 * local and read through serial HDF5; under MPI rank 0 opens the study and chi_study_bcast shares
 * the catalog. HDF5 calls of one process are serialised by a lock inside, so threads may call
 * these. */
#pragma once

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "chiasm/status.h"

/** A selection by comma-separated shell patterns; NULL selects all. */
typedef struct chi_selection {
  const char *subjects, *alignments, *models, *layers;
  bool allow_missing; /* models or layers may be missing for some subjects */
} chi_selection;

/** One response file: the recording of one subject in one alignment. */
typedef struct chi_dataset {
  char *subject;
  int32_t alignment;     /* index into chi_study.alignments */
  int32_t subject_index; /* index into that alignment's subjects */
  char *path;            /* below the study's folder */
  int64_t n_events, n_electrodes;
  double *onset;       /* n_events, s */
  int32_t *session;    /* n_events; all 0 if the file has none */
  char **electrode;    /* n_electrodes */
  char **region;       /* n_electrodes; "" if the file has none */
  float *x, *y, *z;    /* n_electrodes, mm; NaN if the file has none */
  char *space, *units; /* "" if absent */
  bool exchangeable;
  int64_t first_site; /* of this subject's electrodes along `site` of the alignment */
} chi_dataset;

/** One layer of one model in one alignment; sorted by model, depth, layer name. */
typedef struct chi_feature_space {
  char *model, *network, *modality, *training, *layer;
  int32_t depth;
  int64_t *n_features; /* one per dataset of the alignment, in its order; 0: missing */
} chi_feature_space;

/** One way of cutting the recordings into events. Its datasets are sorted by subject. */
typedef struct chi_alignment {
  char *name;
  int64_t n_times;
  double *time;       /* n_times, s */
  double bin_width;   /* s; NaN if the files do not say */
  int32_t n_datasets; /* one per subject */
  int32_t *dataset;   /* indices into chi_study.datasets */
  int64_t n_sites;    /* electrodes of all its subjects */
  int64_t n_spaces;
  chi_feature_space *space;
} chi_alignment;

/** The catalog of a study: everything but the numbers. Read-only for callers. */
typedef struct chi_study {
  char *path, *title;
  char *yaml; /* text of study.yaml; "" if there is none */
  int32_t n_alignments, n_datasets;
  chi_alignment *alignments; /* sorted by name */
  chi_dataset *datasets;     /* sorted by alignment, subject */
  int64_t n_files;           /* every file the selection reads, sorted */
  char **file;               /* paths below the study's folder */
} chi_study;

/** What is wrong or odd in a study, all of it (chiasm check) or the first error (the others). */
typedef struct chi_finding {
  bool error; /* else a warning */
  char *text; /* one line */
} chi_finding;
typedef struct chi_findings {
  int64_t n, room, n_errors;
  chi_finding *item;
} chi_findings;
void chi_findings_add(chi_findings *findings, bool error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void chi_findings_free(chi_findings *findings);

/** Open a study: read the catalog of what is selected and check every file's structure, types and
 * shapes, names, onsets and time axes, but not the numbers in /response and /layers.
 * \param[in,out] findings  all problems and warnings; start as {0}; free with chi_findings_free.
 *                           NULL: not wanted
 * \param[out]    out       the catalog, also where there are errors if enough could be read for it
 *                          (else NULL); destroy with chi_study_destroy
 * \return CHI_ERR_INPUT with the first error's text if there is any error */
chi_status chi_study_open(const char *path, const chi_selection *selection, chi_findings *findings,
                          chi_study **out);
void chi_study_destroy(chi_study **study);

/** Give every rank the catalog that `root` holds. Collective on comm. */
chi_status chi_study_bcast(MPI_Comm comm, int root, chi_study **study);

/** Content checksum of file i of `study->file`: XXH3-64 of its name and bytes. */
chi_status chi_study_file_checksum(const chi_study *study, int64_t i, uint64_t *checksum);

/** How numbers are held in memory. */
typedef enum chi_real { CHI_REAL32 = 4, CHI_REAL64 = 8 } chi_real;

/** Read rows [event0, event0 + n) of a dataset's responses, as they are in the file (NaN
 * included). Float16, float32, short integers and truth values become exactly float32. Float64 and
 * longer integers are rounded where `real` is CHI_REAL32, each column less its value at the file's
 * first event, so that a large offset costs no digits. \param[out] out  n x (n_electrodes *
 * n_times), row-major, in the units of the file; caller's */
chi_status chi_study_read_responses(const chi_study *study, int32_t dataset, int64_t event0,
                                    int64_t n, chi_real real, void *out);

/** Read all events of n electrodes of a dataset, ascending, exactly.
 * \param[out] out  n_events x (n * n_times), row-major; caller's */
chi_status chi_study_read_electrodes(const chi_study *study, int32_t dataset, int64_t n,
                                     const int64_t *electrode, double *out);

/** Which of the two holds a layer's numbers exactly: CHI_REAL64 for float64 and long integers, else
 * CHI_REAL32.
 * \param[in] alignment, space  indices into the catalog
 * \param[in] dataset           index into study->datasets, of that alignment */
chi_status chi_study_features_real(const chi_study *study, int32_t alignment, int64_t space,
                                   int32_t dataset, chi_real *real);

/** Read a whole layer for one dataset.
 * \param[out] out  n_events x n_features, row-major; caller's
 * \return CHI_ERR_NUMERIC for a NaN or Inf, naming file, layer, row and column; CHI_ERR_IO */
chi_status chi_study_read_features(const chi_study *study, int32_t alignment, int64_t space,
                                   int32_t dataset, chi_real real, void *out);
