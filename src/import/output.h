/** \file output.h
 * What an import writes to in a study. All local. */
#ifndef CHIASM_IMPORT_OUTPUT_H
#define CHIASM_IMPORT_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/file.h"

/** \return CHI_ERR_USAGE unless `name`, given to an option, can be a part of a file name
 * (chi_name_ok)
 */
chi_status chi_output_check_name(const char *option, const char *name, bool dots);

/** \return CHI_ERR_USAGE unless `text`, given to an option, can be an attribute that names
 * something
 */
chi_status chi_output_check_label(const char *option, const char *text);

/** A model's features for one subject and alignment. All borrowed. */
typedef struct chi_feature_file {
  const char *study, *subject, *alignment, *model;
  bool overwrite;
} chi_feature_file;

/** \return CHI_ERR_USAGE unless subject, alignment and model can be parts of file names */
chi_status chi_feature_file_check(const chi_feature_file *file);

/** How many events the response file has. \return CHI_ERR_INPUT: missing, unreadable */
chi_status chi_feature_file_events(const chi_feature_file *file, int64_t *n);

/** The path, in a buffer of PATH_MAX.
 * \return CHI_ERR_USAGE if it is there already, without `overwrite` */
chi_status chi_feature_file_path(const chi_feature_file *file, char *path);

/** Make the folders above the file that are not there yet. */
chi_status chi_feature_file_make_folders(const chi_feature_file *file);

#endif
