/** \file concat.h
 * `chiasm import concat`: layers of several models of a study side by side, as one layer of a new
 * model. */
#ifndef CHIASM_IMPORT_CONCAT_H
#define CHIASM_IMPORT_CONCAT_H

#include <stdbool.h>
#include <stdint.h>

#include "chiasm/status.h"

/** All borrowed. */
typedef struct chi_concat_options {
  const char *study, *subjects, *alignments; /* shell patterns of which recordings */
  const char *model, *layer;                 /* what is made */
  const char *network, *modality;            /* network NULL: the model's name */
  const char *training;                      /* NULL: that of the parts */
  const char *of;                            /* "model/layer,model/layer,..." */
  bool overwrite;
} chi_concat_options;

/** Make the feature file of each recording that has all the parts. Each is read by blocks of
 * events. Local. \return CHI_ERR_USAGE; CHI_ERR_INPUT where no recording has them all, or one's
 * parts cannot be read; recordings before it keep their new file */
chi_status chi_import_concat(const chi_concat_options *options);

#endif
