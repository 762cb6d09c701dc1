/** \file influence_read.h
 * Reading influence.h5 (formats.md). All local, serial HDF5; one process.
 *
 * The numbers can be read of tables that are complete (n_left 0). Its first dimension, here called
 * row, is `model`, or with --layer-selection all `feature_space`. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "chiasm/status.h"
#include "store/schema.h"

/** The part of influence.h5 that belongs to one alignment. */
typedef struct chi_influence_table {
  char *alignment;
  int64_t n_rows, n_sites, n_times, n_blocks, n_subjects;
  bool by_space;           /* rows are feature spaces, else models */
  char **model;            /* n_rows */
  char **layer;            /* n_rows x n_sites; "" where there is none */
  char **site;             /* n_sites, as in fit.h5 */
  int32_t *subject_blocks; /* n_subjects: blocks of its recording, of n_blocks */
  int32_t *block_length;   /* n_subjects: events of a block */
  int64_t n_left;          /* (row, site) that have a layer and no influences yet */
  int64_t n_failed;
} chi_influence_table;

/** Of fewer blocks nobody can tell a spread. */
enum { CHI_FEW_BLOCKS = 10 };

/** What lies below an interval: of the bins that count for a model to take part at a site, by the
 * mean of both halves, and of those that it is compared in, by one half. */
#define CHI_TAIL_TAKES_PART 0.1
#define CHI_TAIL_COMPARED   0.05

/** Where a model predicts at a site: the lower ends of one-sided intervals, of all but a share
 * `tail`, of (1 - share) val_r + share test_r, by Student's t of a degree of freedom less than
 * there are blocks. A bin's standard deviation is the root of the sum of the squared influences
 * (not centred), or that of the root mean square of all bins where this is larger: the least one of
 * many that are as uncertain is mostly luck. \param[in]  n_blocks   of the recording's own
 * \param[in]  influence  on val_r and test_r, n_blocks x n_times
 * \param[in]  r          val_r and test_r, n_times
 * \param[in]  tail       0 < tail < 0.5
 * \param[out] lower      n_times; NaN where a score or an influence is none
 * \return whether the best bin is above 0 in the same way at 95 %, with as many bins as there are
 *         (Bonferroni): the site is sure. The best of many models often predicts bins that none of
 *         them does */
bool chi_influence_lower(int64_t n_blocks, int64_t n_times, const float *const influence[2],
                         const float *const r[2], double share, double tail, float *lower);

/** An open influence.h5. */
typedef struct chi_influence_file chi_influence_file;

/** Open RUN/influence.h5 and read its labels and flags. Close with chi_influence_file_close.
 * \param[out] tables  n of them, of the file and valid while it is open
 * \return CHI_ERR_INPUT if it is missing or no influence.h5 of this format */
chi_status chi_influence_file_open(const char *run, chi_influence_file **file,
                                   const chi_influence_table **tables, int32_t *n);
void chi_influence_file_close(chi_influence_file **file);

/** The checksum of its study, as fit.h5's study_checksum. Borrowed. */
const char *chi_influence_file_checksum(const chi_influence_file *file);

/** Read the influences of one row and site, and compare them with their checksum.
 * \param[out] out  on val_r and test_r: n_blocks x n_times, row-major; NaN beyond the recording's
 *                  own blocks, and where a score is undefined */
chi_status chi_influence_read(chi_influence_file *file, int32_t table, int64_t row, int64_t site,
                              float *const out[2]);
