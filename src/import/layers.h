/** \file layers.h
 * A list of layers and the files they are in. All local. */
#ifndef CHIASM_IMPORT_LAYERS_H
#define CHIASM_IMPORT_LAYERS_H

#include <stdint.h>

#include "chiasm/status.h"

typedef enum chi_layer_kind { CHI_LAYER_NPY, CHI_LAYER_NPZ, CHI_LAYER_HDF5 } chi_layer_kind;

/** Where one layer is. */
typedef struct chi_layer_file {
  chi_layer_kind kind;
  char *path;    /* of the file */
  char *object;  /* name of the member, path of the dataset ("/a/b"); "" for an .npy */
  int64_t index; /* of the member */
  char *where;   /* file and object, for messages */
  char *layer;   /* its name in the study */
} chi_layer_file;

/** Start as {0}; free with chi_layer_files_free. */
typedef struct chi_layer_files {
  int64_t n, room;
  chi_layer_file *item;
} chi_layer_files;

typedef enum chi_layer_order {
  CHI_ORDER_GIVEN,   /* as on the command line, in the archive, as created in an HDF5 group */
  CHI_ORDER_NATURAL, /* by name, numbers in it by value: conv2 before conv10 */
  CHI_ORDER_NAME     /* by name, letter for letter */
} chi_layer_order;

/** Add one; all texts are copied. `layer` need not be a good name yet. */
chi_status chi_layer_files_add(chi_layer_files *files, chi_layer_kind kind, const char *path,
                               const char *object, int64_t index, const char *layer);
void chi_layer_files_free(chi_layer_files *files);

/** Sort the layers from number `first` on. */
void chi_layer_files_sort(chi_layer_files *files, int64_t first, chi_layer_order order);

/** The name of a layer by its file or member, "dir/conv1.npy" -> "conv1"; free with chi_free.
 * \param[out] name  NULL if there is another ending */
chi_status chi_layer_name(const char *path, char **name);

#endif
