/** \file drop.h
 * Taking the replicates out of a complete bootstrap.h5 (--no-keep-replicates). */
#pragma once

#include "store/store.h"

/** Write bootstrap.h5 anew without val_r and test_r, and with the scores of every row at the bins
 * that some row keeps at the site (val_r_lower > 0), which is all that `sites` needs: kept_val_r
 * and kept_test_r (entry, replicate), kept_row, kept_site, kept_time (entry), by row, site and
 * time. The old file stays until the new one is whole. Takes the run's lock. One process.
 * \param[in,out] content  as the file was opened with; turned into that of the new file
 * \param[in]     ranks    that made the file
 * \return CHI_ERR_IO, CHI_ERR_USAGE if another job holds the lock */
chi_status chi_store_drop(const char *run, chi_content *content, const chi_provenance *provenance,
                          int ranks);
