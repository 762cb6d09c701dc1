/** \file write_lock.h
 * A lock on a file of a study while it is written, so that two jobs do not write it at once. All
 * local. */
#pragma once

#include "chiasm/status.h"

/** Take the lock of PATH, a file PATH.lock.tmp that is there meanwhile; a job that was killed
 * leaves the file, but not the lock.
 * \param[out] fd  give to chi_write_unlock; -1 on failure, and, with a warning, where the file
 *                 system has no locks
 * \return CHI_ERR_USAGE: another job writes it; CHI_ERR_IO */
chi_status chi_write_lock(const char *path, int *fd);

/** Give it back; with fd -1 nothing happens. */
void chi_write_unlock(const char *path, int fd);
