/** \file treebank.h
 * The Brain Treebank as it is published: what to import from its files. All local. */
#ifndef CHIASM_IMPORT_TREEBANK_H
#define CHIASM_IMPORT_TREEBANK_H

#include "import/plan.h"

/** Plan the import of one subject's trials, each of which becomes a session.
 *
 * Channel i of /data/electrode_i is label i of electrode_labels.json without '*', '#' and '_'.
 * Triggers (DC..., TRIG...) and what corrupted_elec.json lists are left out; datasets beyond the
 * labels too. Regions come by name from localization/sub_N/depth-wm.csv, without the side
 * ("ctx-lh-", "Left-"), coordinates from localization/elec_coords_full.csv. Events are the rows of
 * --event-file, or of transcripts/<movie>/features.csv. \return CHI_ERR_INPUT naming file, object
 * and place; CHI_ERR_USAGE */
chi_status chi_treebank_plan(const char *root, const chi_import_options *options, chi_plan **out);

#endif
