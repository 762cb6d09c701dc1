#include "base/write_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

static chi_status lock_path(const char *path, char *out)
{
  const int n = snprintf(out, PATH_MAX, "%s.lock.tmp", path);
  return n < PATH_MAX ? CHI_OK : chi_fail(CHI_ERR_USAGE, "%.100s...: the path is too long", path);
}

/* Whether the file that was locked is still the one of that name: its last holder removes it. */
static bool is_there(const char *lock, int fd)
{
  struct stat named, locked;
  return stat(lock, &named) == 0 && fstat(fd, &locked) == 0 && named.st_ino == locked.st_ino &&
         named.st_dev == locked.st_dev;
}

chi_status chi_write_lock(const char *path, int *fd)
{
  char lock[PATH_MAX];
  *fd = -1;
  CHI_TRY(lock_path(path, lock));
  for (;;) {
    CHI_TRY(chi_file_open(lock, lock, O_RDWR | O_CREAT | O_NOFOLLOW, fd));
    const int why = flock(*fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    if (why == 0 && is_there(lock, *fd)) return CHI_OK;
    close(*fd);
    *fd = -1;
    if (why == 0 || why == EINTR) continue;
    if (why == EWOULDBLOCK)
      return chi_fail(CHI_ERR_USAGE,
                      "%s: another job is writing this file; wait for its end, or stop it", path);
    unlink(lock);
    chi_log(CHI_LOG_WARNING,
            "%s: cannot be locked (%s); see to it that no other job writes this file", path,
            strerror(why));
    return CHI_OK;
  }
}

void chi_write_unlock(const char *path, int fd)
{
  char lock[PATH_MAX];
  if (fd < 0) return;
  if (lock_path(path, lock) == CHI_OK) unlink(lock);
  close(fd);
}
