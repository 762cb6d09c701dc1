/** \file hdf5_layers.h
 * Layers in any HDF5 file: which there are at a path, and one of them by rows. Files are not
 * trusted (h5/h5.h). All local; the HDF5 lock is taken inside. */
#ifndef CHIASM_IMPORT_HDF5_LAYERS_H
#define CHIASM_IMPORT_HDF5_LAYERS_H

#include "import/layers.h"
#include "study/numbers.h"

/** Add the dataset at a path of a file, or each dataset of the group there but dimension scales: in
 * the order of their creation if the group has it, else by name, numbers by value.
 * \return CHI_ERR_INPUT */
chi_status chi_hdf5_layers_list(const char *path, const char *object, chi_layer_files *files);

/** Open a layer's dataset of floats for reading by rows; close with chi_numbers_close.
 * \return CHI_ERR_INPUT */
chi_status chi_hdf5_layer_open(const chi_layer_file *layer, chi_numbers *numbers);

#endif
