/** \file draws.h
 * How sure scores are, of either kind: a replicate of the bootstrap, or a block of events and its
 * influence, is a draw here. Inside src/sites only; all local. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "chiasm/status.h"
#include "store/bootstrap_read.h"
#include "store/influence_read.h"

/** The part of one alignment. All borrowed from the open file. */
typedef struct chi_sites_table {
  const chi_schema *schema; /* of its file */
  const char *alignment;
  int64_t n_rows, n_sites, n_times, n_draws;
  bool by_space;                                   /* rows are feature spaces, else models */
  char *const *model, *const *layer, *const *site; /* n_rows; n_rows x n_sites; n_sites */
  const int32_t *own; /* by subject: draws of its own, of n_draws; NULL: all are */
  int64_t n_left, n_failed;
} chi_sites_table;

/** An open bootstrap.h5 or influence.h5. Start as {0}; end with chi_sites_draws_close. */
typedef struct chi_sites_draws {
  const chi_schema *schema; /* of the file */
  chi_bootstrap_file *bootstrap;
  chi_influence_file *influences; /* one of the two is open */
  int32_t n;
  chi_sites_table *table;
} chi_sites_draws;

chi_status chi_sites_draws_open(const char *run, bool influences, chi_sites_draws *draws);
void chi_sites_draws_close(chi_sites_draws *draws);

/** The checksum of its study. Borrowed. */
const char *chi_sites_draws_checksum(const chi_sites_draws *draws);

/** Read one row and site. \param[out] out  of val_r and test_r: n_draws x n_times */
chi_status chi_sites_draws_read(chi_sites_draws *draws, int32_t table, int64_t row, int64_t site,
                                float *const out[2]);
