/** \file sites.h
 * Which sites integrate: models compared at every site (protocol.md). */
#pragma once

#include <stdint.h>

#include "chiasm/status.h"

typedef enum chi_sites_test {
  CHI_SITES_AUTO, /* `influence-crossed` where there is an influence.h5, else `events` */
  CHI_SITES_INFLUENCE,
  CHI_SITES_INFLUENCE_CROSSED,
  CHI_SITES_EVENTS,
  CHI_SITES_CROSSED,
  CHI_SITES_BINS
} chi_sites_test;
extern const char *const chi_sites_test_names[]; /* "auto", "influence", ... */

/** Whether the choice of a side's best model is part of a test by influences. */
typedef enum chi_sites_selection {
  CHI_SELECTION_AUTO, /* where the sides have unequal numbers of models */
  CHI_SELECTION_FIXED,
  CHI_SELECTION_MULTIPLIER
} chi_sites_selection;

/** All borrowed. */
typedef struct chi_sites_options {
  const char *run;
  chi_sites_test test;
  int64_t min_bins; /* as of chi_run_bins_needed */
  double fdr;       /* false discovery rate within a comparison */
  chi_sites_selection selection;
  uint64_t seed;      /* of the test `bins`, and of multipliers */
  int32_t threads;    /* results do not depend on them */
  const char *config; /* the command's section of config.yaml */
} chi_sites_options;

/** Compare the models at every site of a run that has its influence.h5 or its bootstrap.h5: write
 * RUN/sites.h5, sites.csv and regions.csv, put the options into config.yaml and print the tables.
 * Local; holds RUN/lock alone.
 * \return CHI_ERR_INPUT if fit.h5 or what the test needs is missing, incomplete or damaged, or if
 *         they do not belong together; for a contrast of study.yaml that names nothing there is
 *         CHI_ERR_USAGE if min_bins is more than there are bins, or another job holds the lock
 *         CHI_ERR_IO */
chi_status chi_sites(const chi_sites_options *options);
