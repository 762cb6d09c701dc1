/** \file bootstrap_drop.h
 * Taking the replicates out of a complete bootstrap.h5 (--no-keep-replicates). */
#ifndef CHIASM_RUN_BOOTSTRAP_DROP_H
#define CHIASM_RUN_BOOTSTRAP_DROP_H

#include "run/bootstrap_file.h"

/** Write bootstrap.h5 anew without val_r and test_r, and with the scores of every row at the bins
 * that some row keeps at the site (val_r_lower > 0), which is all that `sites` needs: kept_val_r
 * and kept_test_r (entry, replicate), kept_row, kept_site, kept_time (entry), by row, site and
 * time. The old file stays until the new one is whole. Takes the run's lock. One process; arguments
 * as those of chi_bootstrap_open. \return CHI_ERR_IO, CHI_ERR_USAGE if another job holds the lock
 */
chi_status chi_bootstrap_drop(const char *run, const chi_study *study,
                              const chi_provenance *provenance,
                              const chi_bootstrap_content *content, int ranks);

#endif
