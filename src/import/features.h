/** \file features.h
 * `chiasm import features`: activations of a network, one layer per file, as a feature file. */
#ifndef CHIASM_IMPORT_FEATURES_H
#define CHIASM_IMPORT_FEATURES_H

#include <mpi.h>

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
  const char *network, *modality, *training;
  int64_t n_paths;
  const char *const *paths; /* as in chi_layer_files_find */
  chi_layer_order order;
  chi_project_options project;
} chi_features_options;

/** Write the feature file: float32, a row per event. Rows are read, projected and passed to rank 0
 * in blocks of events, by all ranks at once; the file's bytes do not depend on how many there are.
 * The projection of a layer has the stream "<model>/<layer>", so it is the same for all subjects.
 * Memory per rank: two blocks (chi_reader_block) and the projection. Collective on comm.
 * \return CHI_ERR_USAGE, CHI_ERR_INPUT naming file, object and place; nothing bears the final name
 *         then that did not before */
chi_status chi_import_features(MPI_Comm comm, const chi_features_options *options);

#endif
