/** \file run.h
 * A run's folder and its fit.h5 (formats.md): made by rank 0, then written by all ranks through
 * parallel HDF5 with independent writes, each into its own hyperslab. */
#ifndef CHIASM_RUN_H
#define CHIASM_RUN_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "chiasm/status.h"
#include "chiasm/study.h"

enum { CHI_DONE_NOT_YET = 0, CHI_DONE_WRITTEN = 1, CHI_DONE_FAILED = 2 };

/** What to do with a RUN folder. */
typedef enum chi_run_mode { CHI_RUN_NEW, CHI_RUN_RESUME, CHI_RUN_OVERWRITE } chi_run_mode;

/** What fit.h5 says of itself, beside the study's catalog. All borrowed. */
typedef struct chi_provenance {
  const char *config;         /* the fit's options, as in config.yaml */
  const char *study_checksum; /* 16 hex digits */
  int32_t threads_per_rank;
  const char *blas_kernel;
  const char *libraries;    /* "Open MPI 4.1.4, HDF5 1.10.8, ..." */
  const char *later_config; /* what else goes into config.yaml: of a fit the options of stages to
                               follow (NULL: none), of a bootstrap its section */
} chi_provenance;

typedef struct chi_run chi_run;

/** Whether a run could be opened at this path in this mode, as far as a look tells: worth asking
 * before a study is read. Local. \return CHI_ERR_USAGE as chi_run_open */
chi_status chi_run_check(const char *path, chi_run_mode mode);

/** Open a run for a fit: make its folder or take the one that is there, take the lock, make or
 * check fit.h5 (all metadata, every dataset contiguous, allocated and NaN-filled; as fit.h5.tmp,
 * synced, renamed), write config.yaml, reopen it with MPI-IO on all ranks. Overwriting removes the
 * later stages' files too. Collective on comm. Close with chi_run_close, collectively. \return
 * CHI_ERR_USAGE  RUN exists and the mode is NEW, or is no run of chiasm and not empty; options or
 * study differ from the run's, naming the first difference; another job holds the lock (after 30 s,
 *                        naming it)
 *         CHI_ERR_IO     no such disk space, permissions */
chi_status chi_run_open(MPI_Comm comm, const char *path, chi_run_mode mode, const chi_study *study,
                        const chi_provenance *provenance, chi_run **out);

/** Close the file and give the lock back. NULL-safe. Collective on the run's comm. */
chi_status chi_run_close(chi_run **run);

/** The state of every (space, site) of an alignment: CHI_DONE_*, n_spaces x n_sites row-major. On
 * resume a written flag stands only if the scores' checksum holds; what does not is named in the
 * log, counted in chi_run_torn, and NOT_YET. Borrowed; known on all ranks. Local. */
const uint8_t *chi_run_done(const chi_run *run, int32_t alignment);
int64_t chi_run_torn(const chi_run *run);

/** Write the scores of sites [site0, site0 + n_sites) of one space, then their checksums, then
 * their flags. Independent: any rank, at any time between open and close. \param[in] val_r, test_r,
 * alpha  n_sites x n_times row-major \return CHI_ERR_IO (a full disk: the flags are then not set)
 */
chi_status chi_run_write(chi_run *run, int32_t alignment, int64_t space, int64_t site0,
                         int64_t n_sites, const float *val_r, const float *test_r,
                         const float *alpha);

/** Mark sites of a space as failed. Independent. */
chi_status chi_run_fail(chi_run *run, int32_t alignment, int64_t space, int64_t site0,
                        int64_t n_sites);

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

/** Read one score ("val_r", "test_r" or "alpha") of one space: n_sites x n_times row-major. */
chi_status chi_run_read_score(const char *run_path, const chi_fit_table *table, const char *name,
                              int64_t space, float *out);

#endif
