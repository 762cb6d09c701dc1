/** \file bootstrap_table.h
 * What the bootstrap says when it ends. */
#pragma once

#include "base/text.h"

/** The table of what was found in a run's bootstrap.h5, a line for each alignment and model. Local.
 * \param[in]  min_bins  as of chi_run_bins_needed
 * \param[out] out  lines of text, added to
 * \return CHI_ERR_INPUT if the file has gone or is damaged */
chi_status chi_bootstrap_report_table(const char *run, int64_t min_bins, chi_text *out);
