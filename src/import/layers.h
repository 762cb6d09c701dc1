/** \file layers.h
 * Which layers the files on the command line hold: one each in an .npy, one per member of an .npz,
 * one per dataset of HDF5 (FILE:/path to a dataset, or to a group of them). All local. */
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

typedef struct chi_layers {
  int64_t n, room;
  chi_layer_file *item;
} chi_layers;

typedef enum chi_layer_order {
  CHI_ORDER_GIVEN,   /* as on the command line, in the archive, as created in an HDF5 group */
  CHI_ORDER_NATURAL, /* by name, numbers in it by value: conv2 before conv10 */
  CHI_ORDER_NAME     /* by name, letter for letter */
} chi_layer_order;

/** Find the layers of n files, in order of depth.
 * \param[out] out  start as {0}; free with chi_layers_free, also after a failure
 * \return CHI_ERR_INPUT: a file missing or of no known kind; a name that no layer can have; the
 * same name twice */
chi_status chi_layers_find(int64_t n, const char *const *files, chi_layer_order order,
                           chi_layers *out);
void chi_layers_free(chi_layers *layers);

/** Add one; all texts are copied. `layer` need not be a good name yet. */
chi_status chi_layers_add(chi_layers *layers, chi_layer_kind kind, const char *path,
                          const char *object, int64_t index, const char *layer);

/** Sort the layers from number `first` on by name, numbers by value. */
void chi_layers_sort_natural(chi_layers *layers, int64_t first);

#endif
