/** \file sites.h
 * Which sites integrate: models compared at every site (protocol.md). */
#pragma once

#include <stdint.h>

#include "chiasm/status.h"

typedef enum chi_sites_test { CHI_SITES_EVENTS, CHI_SITES_BINS, CHI_SITES_CROSSED } chi_sites_test;
extern const char *const chi_sites_test_names[]; /* "events", "bins", "crossed" */

/** All borrowed. */
typedef struct chi_sites_options {
  const char *run;
  chi_sites_test test;
  int64_t min_bins;   /* as of chi_run_bins_needed */
  double fdr;         /* false discovery rate within a comparison */
  uint64_t seed;      /* of the test `bins` */
  int32_t threads;    /* results do not depend on them */
  const char *config; /* the command's section of config.yaml */
} chi_sites_options;

/** Compare the models at every site of a bootstrapped run: write RUN/sites.h5, sites.csv and
 * regions.csv, put the options into config.yaml and print the tables. Local; holds RUN/lock alone.
 * \return CHI_ERR_INPUT if fit.h5 or bootstrap.h5 is missing, incomplete or damaged, or if they do
 *         not belong together; for a contrast of study.yaml that names nothing there is
 *         CHI_ERR_USAGE if min_bins is more than there are bins, or another job holds the lock
 *         CHI_ERR_IO */
chi_status chi_sites(const chi_sites_options *options);
