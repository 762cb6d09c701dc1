/** \file features.h
 * The two ways to a feature file: `chiasm import features`, activations of a network, one layer per
 * file; and `chiasm import concat`, layers of several models of a study side by side, as one layer
 * of a new model. */
#pragma once

#include <mpi.h>

#include "base/text.h"
#include "import/output.h"
#include "import/reader.h"

/** Which layers are projected, and to how many components (protocol.md). */
typedef struct chi_project_options {
  bool none;
  int64_t components; /* 0: as the events and eps say (chi_projection_dimension) */
  double eps;
  uint64_t seed;
  bool always;      /* also layers that have no more features than that */
  const char *keep; /* shell patterns of layers that are never projected; NULL: no such layers */
} chi_project_options;

/** All borrowed. */
typedef struct chi_features_options {
  chi_feature_file file;
  int64_t n_paths;
  const char *const *paths; /* as in chi_layer_files_find */
  chi_layer_order order;
  chi_event_axis axis;
  chi_project_options project;
} chi_features_options;

/** Write the feature file: float32, a row per event. Rows are read, projected and passed to rank 0
 * in blocks of events, by all ranks at once; the file's bytes do not depend on how many there are.
 * The projection of a layer has the stream "<model>/<layer>", so it is the same for all subjects.
 * Memory per rank: two blocks (chi_reader_block) and the projection. Collective on comm.
 * \param[in,out] report  start as {0}; a table of the layers by depth is added; free with
 *                        chi_text_free, also after a failure
 * \return CHI_ERR_USAGE, CHI_ERR_INPUT naming file, object and place; nothing bears the final name
 *         then that did not before */
chi_status chi_import_features(MPI_Comm comm, const chi_features_options *options,
                               chi_text *report);

/** All borrowed. */
typedef struct chi_concat_options {
  chi_feature_file file;             /* without subject and alignment; training NULL: the parts' */
  const char *subjects, *alignments; /* shell patterns of which recordings */
  const char *layer;                 /* what is made */
  const char *of;                    /* "model/layer,model/layer,..." */
} chi_concat_options;

/** Make the feature file of each recording that has all the parts. Each is read by blocks of
 * events. Local. \return CHI_ERR_USAGE; CHI_ERR_INPUT where no recording has them all, or one's
 * parts cannot be read; recordings before it keep their new file */
chi_status chi_import_concat(const chi_concat_options *options);
