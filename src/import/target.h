/** \file target.h
 * The place in a study that an import writes to. All local. */
#ifndef CHIASM_IMPORT_TARGET_H
#define CHIASM_IMPORT_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "chiasm/status.h"

/** A model's features for one subject and alignment. All borrowed. */
typedef struct chi_target {
  const char *study, *subject, *alignment, *model;
  bool overwrite;
} chi_target;

/** \return CHI_ERR_USAGE unless subject, alignment and model can be parts of file names */
chi_status chi_target_check_names(const chi_target *target);

/** \return CHI_ERR_USAGE unless `text`, given to an `option`, can be an attribute that names
 * something
 */
chi_status chi_target_check_label(const char *option, const char *text);

/** How many events the response file has. \return CHI_ERR_INPUT: missing, unreadable */
chi_status chi_target_count_events(const chi_target *target, int64_t *n);

/** The feature file's path; free with chi_free.
 * \return CHI_ERR_USAGE if it is there already, without `overwrite` */
chi_status chi_target_path(const chi_target *target, char **path);

/** Make the folders above the feature file that are not there yet. */
chi_status chi_target_make_folders(const chi_target *target);

#endif
