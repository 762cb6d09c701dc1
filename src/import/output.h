/** \file output.h
 * What an import writes to in a study. All local. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/file.h"
#include "study/write.h"

/** \return CHI_ERR_USAGE unless `name`, given to an option, can be a part of a file name
 * (chi_name_ok)
 */
chi_status chi_output_check_name(const char *option, const char *name, bool dots);

/** A model's features for one subject and alignment. All borrowed. */
typedef struct chi_feature_file {
  const char *study, *subject, *alignment, *model;
  const char *network; /* NULL: the model's name */
  const char *modality, *training;
  bool overwrite;
} chi_feature_file;

/** \return CHI_ERR_USAGE unless subject and alignment (where not NULL) and model can be parts of
 * file names, network and modality attributes that name something */
chi_status chi_feature_file_check(const chi_feature_file *file);

/** How many events the response file has. \return CHI_ERR_INPUT: missing, unreadable */
chi_status chi_feature_file_events(const chi_feature_file *file, int64_t *n);

/** The path, in a buffer of PATH_MAX.
 * \return CHI_ERR_USAGE if it is there already, without `overwrite` */
chi_status chi_feature_file_path(const chi_feature_file *file, char *path);

/** Begin the file, in folders that are made if they are not there yet.
 * \param[in]  path  by the function above
 * \param[out] out   as by chi_writer_create_features */
chi_status chi_feature_file_create(const chi_feature_file *file, const char *path, int64_t n_events,
                                   chi_writer **out);
