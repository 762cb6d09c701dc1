/** \file origins.h
 * Where recordings come from: what to import from each kind of data set. All local. */
#ifndef CHIASM_IMPORT_ORIGINS_H
#define CHIASM_IMPORT_ORIGINS_H

#include "import/raw.h"

/** The Brain Treebank as it is published: one subject's trials, each of which becomes a session.
 *
 * Channel i of /data/electrode_i is label i of electrode_labels.json without '*', '#' and '_'.
 * Triggers (DC..., TRIG...) and what corrupted_elec.json lists are left out; datasets beyond the
 * labels too. Regions come by name from localization/sub_N/depth-wm.csv, without the side
 * ("ctx-lh-", "Left-"), coordinates from localization/elec_coords_full.csv. Events are the rows of
 * --event-file, or of transcripts/<movie>/features.csv. \return CHI_ERR_INPUT naming file, object
 * and place; CHI_ERR_USAGE */
chi_status chi_treebank_find(const char *root, const chi_import_options *options, chi_raw **out);

/** A recording in one HDF5 file of any sane layout: its dataset or group options->dataset, names of
 * channels from the dataset options->names (NULL: the names of a group's datasets, else ch0, ch1,
 * ...), those that fit the patterns options->channels, events from options->event_files in seconds
 * of the recording. \return CHI_ERR_INPUT naming file, object and place; CHI_ERR_USAGE */
chi_status chi_plain_find(const char *path, const chi_import_options *options, chi_raw **out);

#endif
