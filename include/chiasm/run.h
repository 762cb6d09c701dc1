/** \file run.h
 * A run (formats.md): what its files say of themselves, and reading its fit.h5. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "chiasm/status.h"
#include "chiasm/study.h"

enum { CHI_RUN_FORMAT = 2 }; /* of its files, the attribute chiasm_format */

/** The state of what a results file holds. */
enum { CHI_DONE_NOT_YET = 0, CHI_DONE_WRITTEN = 1, CHI_DONE_FAILED = 2 };

/** What to do with a RUN folder. */
typedef enum chi_run_mode { CHI_RUN_NEW, CHI_RUN_RESUME, CHI_RUN_OVERWRITE } chi_run_mode;

/** What a results file says of itself, beside its labels. All borrowed. */
typedef struct chi_provenance {
  const char *config;         /* the options it was made with, as in config.yaml */
  const char *section;        /* what config.yaml gets besides: of a fit the options of stages to
                                 follow (NULL: none), of a later stage its own */
  const char *study_checksum; /* 16 hex digits */
  int32_t threads_per_rank;
  const char *blas_kernel; /* NULL: any will do */
  const char *libraries;   /* "Open MPI 4.1.4, HDF5 1.10.8, ..." */
} chi_provenance;

/* ---- reading a run, finished or not; local, serial HDF5 ---- */

/** The part of fit.h5 that belongs to one alignment. */
typedef struct chi_fit_table {
  char *alignment;
  int64_t n_spaces, n_sites, n_times;
  double *time;                                                      /* n_times, s */
  char **space, **model, **network, **modality, **training, **layer; /* n_spaces */
  int32_t *depth;                                                    /* n_spaces */
  char **site, **subject, **electrode, **region;                     /* n_sites */
  float *x, *y, *z;                                                  /* n_sites, mm */
  uint8_t *done;                                                     /* n_spaces x n_sites */
  uint8_t
      *present; /* n_spaces x n_sites; 0: that subject lacks the layer, so there is nothing to do */
} chi_fit_table;

/** Read the labels and flags of every alignment; n tables, freed with chi_fit_tables_free.
 * \return CHI_ERR_INPUT if it is no fit.h5 of this format */
chi_status chi_run_read_tables(const char *run_path, chi_fit_table **tables, int32_t *n);
void chi_fit_tables_free(chi_fit_table **tables, int32_t n);

/** Read what fit.h5 says of itself: its attribute `name` ("config", "study", "study_checksum");
 * free with chi_free. \return CHI_ERR_INPUT if there is none */
chi_status chi_run_read_text(const char *run_path, const char *name, char **out);

/** The same of another file of the run ("bootstrap.h5"). */
chi_status chi_run_read_file_text(const char *run_path, const char *file, const char *name,
                                  char **out);

/** The scores of fit.h5. */
enum { CHI_VAL_R, CHI_TEST_R, CHI_ALPHA, CHI_N_SCORES };

/** Read the scores of one space, and compare them with their checksums.
 * \param[out] out  CHI_N_SCORES tables of n_sites x n_times, row-major; NaN where a site's are not
 *                  written
 * \return CHI_ERR_INPUT  unreadable, or not what was written, naming the site */
chi_status chi_run_read_scores(const char *run_path, const chi_fit_table *table, int64_t space,
                               float *const out[CHI_N_SCORES]);
