/** \file folder.h
 * The folder of a simulated study: made anew, or emptied of an older one. All local. */
#pragma once

#include <stdbool.h>

#include "chiasm/status.h"

/** The first line of a simulated study's study.yaml, by which it is known again. */
#define CHI_SIMULATE_MARK "# Made by chiasm simulate\n"

/** See whether a study may be written to `path`; nothing is changed.
 * \param[out] free_bytes  what the disk has for it, an older study's files counted
 * \return CHI_ERR_USAGE: no folder; not empty without `overwrite`, or holding anything that
 *         chiasm simulate does not make; CHI_ERR_IO: cannot be looked at */
chi_status chi_simulate_folder_examine(const char *path, bool overwrite, double *free_bytes);

/** Remove what an older study left and make the folder. Only after chi_simulate_folder_examine. */
chi_status chi_simulate_folder_make(const char *path);
