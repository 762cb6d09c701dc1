/** \file file.h
 * Paths, and files that are written whole or not at all. All local. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chiasm/status.h"

/** folder/name in a buffer of PATH_MAX. \return CHI_ERR_USAGE if it is too long */
chi_status chi_path_join(char *out, const char *folder, const char *name);

/** folder/name, with the name by printf, in a buffer of PATH_MAX. \return as chi_path_join */
chi_status chi_path_format(char *out, const char *folder, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Whether there may be a file of ours: nothing is there yet, or a regular file, or a link to one
 * where links are followed.
 * \param[in] where  the file's name, for messages
 * \return CHI_ERR_INPUT */
chi_status chi_file_look(const char *path, const char *where, bool follow);

/** Open a regular file. A pipe or a device is refused and not opened, which could wait for ever for
 * its other end; with O_NOFOLLOW so is a link.
 * \param[in]  flags  of open(2); O_CLOEXEC is added
 * \param[out] fd     -1 after a failure; errno is then that of open(2), 0 for no regular file
 * \return CHI_ERR_INPUT: missing, or no regular file; CHI_ERR_IO: the system refuses it */
chi_status chi_file_open(const char *path, const char *where, int flags, int *fd);

/** Make a folder if it is not there. \return CHI_ERR_IO */
chi_status chi_folder_make(const char *path);

/** Write n bytes to an open file, in as many pieces as that takes. \return false with errno */
bool chi_write_all(int fd, const char *bytes, size_t n);

/** Write a small file whole or not at all: as NAME.tmp, synced, renamed. */
chi_status chi_file_write(const char *folder, const char *name, const char *text, int64_t n);

/** Make the names in a folder last through a power cut. */
chi_status chi_folder_sync(const char *folder);

/** Bytes free to this user at a path, or in its parent if there is nothing there yet; -1 if the
 * file system does not say. */
int64_t chi_disk_free(const char *path);
