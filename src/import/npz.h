/** \file npz.h
 * Reading .npz archives (zip, one .npy member per array) by libzip, without unpacking them. All
 * local. */
#ifndef CHIASM_IMPORT_NPZ_H
#define CHIASM_IMPORT_NPZ_H

#include "import/layers.h"
#include "import/npy.h"

/** Add an archive's members. \return CHI_ERR_INPUT: no zip archive, damaged, none or other members
 */
chi_status chi_npz_list(const char *path, chi_layer_files *files);

/** The bytes of a member: a stored one is read anywhere; a compressed one from its beginning, so it
 * is quickest read in order. End with bytes->close, unless that is NULL.
 * \param[in] layer  borrowed until then
 * \return CHI_ERR_INPUT: damaged, encrypted, packed by what libzip does not know */
chi_status chi_bytes_of_npz(const chi_layer_file *layer, chi_bytes *bytes);

/** libzip's version, borrowed. */
const char *chi_npz_version(void);

#endif
