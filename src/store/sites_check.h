/** \file sites_check.h
 * Whether sites.h5 can be read. Local. */
#pragma once

#include "chiasm/run.h"

/** Whether RUN/sites.h5 is of the run as it is: of its study, every column of one length, every
 * site one of fit.h5's, and all that it, sites.csv and regions.csv hold fitting their checksums.
 * \param[in]  tables    n of them, of fit.h5
 * \param[in]  checksum  fit.h5's study_checksum; NULL: any will do
 * \param[out] rows      how many it has
 * \return CHI_ERR_INPUT saying what is wrong */
chi_status chi_sites_check(const char *run, const chi_fit_table *tables, int32_t n,
                           const char *checksum, int64_t *rows);
