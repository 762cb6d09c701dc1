/** \file found.h
 * The table at the end of the stages after the fit: at how many sites each model predicts. Local.
 */
#pragma once

#include <stdint.h>

#include "base/table.h"
#include "base/text.h"

/** What is said of one model: sites that have a layer; those of them where enough bins are kept;
 * and the sum of their test r in those bins. */
typedef struct chi_found {
  int64_t sites, predicted, bins;
  double sum;
} chi_found;

/** All models. */
typedef struct chi_found_table {
  int64_t min_bins; /* as of chi_run_bins_needed */
  chi_table table;
  int64_t predicted, bins, undefined; /* sites, bins, and bins without an interval */
} chi_found_table;

void chi_found_begin(int64_t min_bins, chi_found_table *t);

/** Add a site. \param[in] lower, test_r  n_times: the lower end of val_r's interval
 * \param[in] needed  bins where it is above 0 */
void chi_found_add(chi_found_table *t, const float *lower, const float *test_r, int64_t n_times,
                   int64_t needed, chi_found *f);

/** The line of a model. */
void chi_found_row(chi_found_table *t, const char *alignment, const char *model,
                   const chi_found *f);

/** Write the table, and warn if no model predicts any site.
 * \param[in] stage  its name
 * \param[in] certain  "in 97.5 % of the replicates"
 * \param[in] undefined  why bins have no interval */
void chi_found_end(chi_found_table *t, const char *stage, const char *certain,
                   const char *undefined, chi_text *out);
