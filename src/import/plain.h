/** \file plain.h
 * A recording in one HDF5 file of any sane layout: what to import from it. All local. */
#ifndef CHIASM_IMPORT_PLAIN_H
#define CHIASM_IMPORT_PLAIN_H

#include "import/plan.h"

/** Plan the import of a recording: of its dataset or group options->dataset, names of channels from
 * the dataset options->names (NULL: the names of a group's datasets, else ch0, ch1, ...), those
 * that fit the patterns options->channels, events from options->event_files in seconds of the
 * recording. \return CHI_ERR_INPUT naming file, object and place; CHI_ERR_USAGE */
chi_status chi_plain_plan(const char *path, const chi_import_options *options, chi_plan **out);

#endif
