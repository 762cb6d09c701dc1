/** \file influence_table.h
 * What an influence pass found, for people. */
#pragma once

#include "base/text.h"
#include "chiasm/status.h"

/** Add to `out` a table of RUN/influence.h5: for each model at how many sites its layer predicts.
 * Local. \param[in] min_bins  as of chi_run_bins_needed */
chi_status chi_influence_report_table(const char *run, int64_t min_bins, chi_text *out);
