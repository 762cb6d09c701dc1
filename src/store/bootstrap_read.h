/** \file bootstrap_read.h
 * Reading bootstrap.h5 (formats.md). All local, serial HDF5; one process.
 *
 * The numbers can be read of tables that are complete (n_left 0).
 *
 * Its first dimension, here called row, is `model`, or with --layer-selection all
 * `feature_space`. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "chiasm/status.h"
#include "store/schema.h"

/** The part of bootstrap.h5 that belongs to one alignment. */
typedef struct chi_bootstrap_table {
  char *alignment;
  int64_t n_rows, n_sites, n_replicates, n_times;
  bool by_space; /* rows are feature spaces, else models */
  char **model;  /* n_rows */
  char **layer;  /* n_rows x n_sites; "" where there is nothing to bootstrap */
  char **site;   /* n_sites, as in fit.h5 */
  int32_t n_subjects;
  int32_t *block_length; /* n_subjects: events of a block of draws */
  int64_t n_left;        /* (row, site) that have a layer and no summary yet: 0 when complete */
  int64_t n_failed;      /* blocks of replicates that failed */
  int64_t n_kept;        /* without replicates: bins that some row keeps at a site, of each row, */
  int32_t *kept_row, *kept_site, *kept_time; /* in the order of row, site, time; else NULL */
} chi_bootstrap_table;

/** An open bootstrap.h5. */
typedef struct chi_bootstrap_file chi_bootstrap_file;

/** Open RUN/bootstrap.h5 and read its labels and flags. Close with chi_bootstrap_file_close.
 * \param[out] tables  n of them, of the file and valid while it is open
 * \return CHI_ERR_INPUT if it is missing or no bootstrap.h5 of this format */
chi_status chi_bootstrap_file_open(const char *run, chi_bootstrap_file **file,
                                   const chi_bootstrap_table **tables, int32_t *n);
void chi_bootstrap_file_close(chi_bootstrap_file **file);

/** The checksum of the study that was bootstrapped, as fit.h5's study_checksum. Borrowed. */
const char *chi_bootstrap_file_checksum(const chi_bootstrap_file *file);

/** Whether the replicates are there, or with --no-keep-replicates only those of the bins that a
 * model keeps at the site. */
bool chi_bootstrap_file_keeps(const chi_bootstrap_file *file);

/** Read the summaries of one row, and compare them with their checksums.
 * \param[out] out  by chi_summary: n_sites x n_times, row-major; NaN where undefined
 * \return CHI_ERR_INPUT  unreadable, or not what was written */
chi_status chi_bootstrap_read_summaries(chi_bootstrap_file *file, int32_t table, int64_t row,
                                        float *const out[CHI_N_SUMMARIES]);

/** Read the scores of every replicate at one row and site, and compare them with their checksums.
 * \param[out] out  val_r and test_r: n_replicates x n_times, row-major; where only kept bins are
 *                  stored, the others are NaN */
chi_status chi_bootstrap_read_replicates(chi_bootstrap_file *file, int32_t table, int64_t row,
                                         int64_t site, float *const out[2]);
