/** \file npz.h
 * Reading .npz archives (zip, one .npy member per array) by libzip, without unpacking them. All
 * local. */
#ifndef CHIASM_IMPORT_NPZ_H
#define CHIASM_IMPORT_NPZ_H

#include <stddef.h>
#include <stdint.h>

#include "chiasm/status.h"
#include "import/npy.h"

/** An archive open to read, and at most one of its members. */
typedef struct chi_npz chi_npz;

/** \param[in] where  the file's name for messages; borrowed while it is open
 * \return CHI_ERR_INPUT: no zip archive, damaged */
chi_status chi_npz_open(const char *path, const char *where, chi_npz **out);
void chi_npz_close(chi_npz **npz);

/** How many members, and the name of one; borrowed. NULL for a member that is a damaged entry. */
int64_t chi_npz_count(const chi_npz *npz);
const char *chi_npz_name(const chi_npz *npz, int64_t member);

/** Open a member, in place of one opened before. A stored member is read anywhere; a compressed one
 * from its beginning, so it is quickest read in order.
 * \param[in]  where  file and member for messages; borrowed
 * \param[out] bytes  lives until the next member or the end
 * \return CHI_ERR_INPUT: encrypted, packed by what libzip does not know */
chi_status chi_npz_member(chi_npz *npz, int64_t member, const char *where, chi_bytes *bytes);

/** libzip's version, borrowed. */
const char *chi_npz_version(void);

#endif
