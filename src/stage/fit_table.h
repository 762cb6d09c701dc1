/** \file fit_table.h
 * What a fit says when it ends. */
#pragma once

#include <stdint.h>
#include "base/text.h"
#include "chiasm/status.h"

/** The table of what was found in a run's fit.h5: per alignment, modality and training the number
 * of models and layers, the targets without a score and the best layer's mean test r over all sites
 * and bins. Then, as log lines, how many targets have a score, and the share of those a layer
 * predicts whose alpha lies at an edge of the grid. Local.
 * \param[in]  alphas  n_alphas, ascending
 * \param[in]  study   its folder
 * \param[out] out     lines of text, added to */
chi_status chi_fit_report_table(const char *run, const double *alphas, int32_t n_alphas,
                                const char *study, chi_text *out);
