#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/gate.h"

chi_status chi_path_join(char *out, const char *folder, const char *name)
{
  const int n = snprintf(out, PATH_MAX, "%s/%s", folder, name);
  if (n >= 0 && n < PATH_MAX) return CHI_OK;
  return chi_fail(CHI_ERR_USAGE, "%.100s...: the path is too long, at most %d characters", folder,
                  PATH_MAX);
}

chi_status chi_path_format(char *out, const char *folder, const char *format, ...)
{
  char name[PATH_MAX];
  va_list args;
  va_start(args, format);
  vsnprintf(name, sizeof name, format, args); /* one that was cut is too long with the folder */
  va_end(args);
  return chi_path_join(out, folder, name);
}

chi_status chi_file_look(const char *path, const char *where, bool follow)
{
  struct stat info;
  if ((follow ? stat : lstat)(path, &info) != 0 || S_ISREG(info.st_mode)) return CHI_OK;
  if (!S_ISLNK(info.st_mode))
    return chi_fail(CHI_ERR_INPUT, "%s: is not a regular file%s", where,
                    follow ? "" : "; remove it");
  return chi_fail(
      CHI_ERR_INPUT,
      "%s: is a link, which is not followed to write; remove it, or put the file itself there",
      where);
}

chi_status chi_file_open(const char *path, const char *where, int flags, int *fd)
{
  struct stat info;
  *fd = -1;
  chi_status s = chi_file_look(path, where, (flags & O_NOFOLLOW) == 0);
  int why = 0;
  if (s == CHI_OK) {
    *fd = open(path, flags | O_NONBLOCK | O_CLOEXEC, 0666);
    if (*fd < 0 || fstat(*fd, &info) != 0) why = errno;
    if (why == 0 && S_ISREG(info.st_mode)) return CHI_OK;
    if (*fd >= 0) close(*fd);
    *fd = -1;
    if (why == 0)
      s = chi_fail(CHI_ERR_INPUT, "%s: is no regular file any more", where);
    else if (why == ENOENT && (flags & O_CREAT) == 0)
      s = chi_fail(CHI_ERR_INPUT, "%s: there is no such file", where);
    else
      s = chi_fail(CHI_ERR_IO, "%s: cannot be %s: %s", where,
                   (flags & O_ACCMODE) == O_RDONLY ? "read" : "opened to write", strerror(why));
  }
  errno = why;
  return s;
}

chi_status chi_folder_make(const char *path)
{
  if (mkdir(path, 0777) == 0 || errno == EEXIST) return CHI_OK;
  return chi_fail(CHI_ERR_IO, "%s: cannot be made: %s", path, strerror(errno));
}

chi_status chi_folder_sync(const char *folder)
{
  const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return chi_fail(CHI_ERR_IO, "%s: cannot be opened: %s", folder, strerror(errno));
  /* Some file systems cannot sync a folder and say EINVAL: nothing is lost by going on. */
  const bool failed = fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP;
  const int why = errno;
  close(fd);
  if (failed) return chi_fail(CHI_ERR_IO, "%s: cannot be synced: %s", folder, strerror(why));
  return CHI_OK;
}

bool chi_write_all(int fd, const char *bytes, size_t n)
{
  while (n > 0) {
    const ssize_t w = write(fd, bytes, n);
    if (w < 0 && errno == EINTR) continue;
    if (w == 0) errno = EIO;
    if (w <= 0) return false;
    bytes += w;
    n -= (size_t)w;
  }
  return true;
}

static chi_status write_synced(const char *path, const char *text, int64_t n, int *why)
{
  int fd;
  CHI_TRY(chi_file_open(path, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, &fd));
  *why = chi_write_all(fd, text, (size_t)n) && fsync(fd) == 0 ? 0 : errno;
  if (close(fd) != 0 && *why == 0) *why = errno;
  return CHI_OK;
}

chi_status chi_file_write(const char *folder, const char *name, const char *text, int64_t n)
{
  char path[PATH_MAX], temporary[PATH_MAX], name_tmp[NAME_MAX];
  snprintf(name_tmp, sizeof name_tmp, "%s.tmp", name);
  CHI_TRY(chi_path_join(path, folder, name));
  CHI_TRY(chi_path_join(temporary, folder, name_tmp));
  int why;
  CHI_TRY(write_synced(temporary, text, n, &why));
  if (why == 0 && chi_gate("%s.written", name) != CHI_OK) why = EIO;
  if (why == 0 && rename(temporary, path) != 0) why = errno;
  if (why == 0) return CHI_OK;
  unlink(temporary);
  return chi_fail(CHI_ERR_IO, "%s: cannot be written: %s", path, strerror(why));
}

int64_t chi_disk_free(const char *path)
{
  struct statvfs info;
  char parent[PATH_MAX];
  snprintf(parent, sizeof parent, "%s", path);
  int failed = statvfs(parent, &info);
  if (failed != 0) {
    size_t n = strlen(parent);
    while (n > 1 && parent[n - 1] == '/') parent[--n] = '\0';
    char *slash = strrchr(parent, '/');
    if (slash == NULL)
      snprintf(parent, sizeof parent, ".");
    else
      slash[slash == parent ? 1 : 0] = '\0';
    failed = statvfs(parent, &info);
  }
  if (failed != 0 || info.f_blocks == 0) return -1;
  return (int64_t)(info.f_bavail * info.f_frsize);
}
