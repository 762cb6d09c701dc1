/** \file choose.h
 * Which layer of a model stands for it at a site. */
#pragma once

#include "chiasm/run.h"

typedef enum chi_layer_selection {
  CHI_LAYERS_SITE,  /* the one with the best validation r there; of equals the first */
  CHI_LAYERS_FINAL, /* the deepest */
  CHI_LAYERS_ALL    /* each, for itself */
} chi_layer_selection;

/** Choose among the feature spaces [begin, end) of one model, which come in order of depth. What
 * counts is the mean over a site's bins; a layer without scores there is none. Local.
 * \param[out] space  n_sites; -1: no layer
 * \return as chi_run_read_scores */
chi_status chi_run_choose_layer(const char *run, const chi_fit_table *table,
                                chi_layer_selection selection, int64_t begin, int64_t end,
                                int64_t *space);

/** The kept bins that a model needs to take part at a site (--min-bins).
 * \param[in]  min_bins  as given; 0: 10, or all bins of an alignment that has fewer
 * \return CHI_ERR_USAGE if that is more than there are bins */
chi_status chi_run_bins_needed(int64_t min_bins, const char *alignment, int64_t n_times,
                               int64_t *needed);
