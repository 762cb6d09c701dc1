/* Loaded before the C library (LD_PRELOAD). As soon as the file $SHIM_SWITCH exists, the time of
 * day is off by $SHIM_CLOCK seconds, and writes to files under the folder $SHIM_DISK fail as on a
 * file system that has become read-only, which is what Linux makes of one that has errors. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static int on(void)
{
  const char *path = getenv("SHIM_SWITCH");
  const int before = errno, there = path != NULL && syscall(SYS_access, path, F_OK) == 0;
  errno = before;
  return there;
}

static long shift(void)
{
  const char *seconds = getenv("SHIM_CLOCK");
  return seconds != NULL && on() ? atol(seconds) : 0;
}

static int refuses(const char *path)
{
  const char *disk = getenv("SHIM_DISK");
  if (disk == NULL || strncmp(path, disk, strlen(disk)) != 0 || !on()) return 0;
  errno = EROFS;
  return 1;
}

static int refuses_fd(int fd)
{
  char link[64], path[PATH_MAX];
  if (getenv("SHIM_DISK") == NULL) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(link, path, sizeof path - 1);
  path[n > 0 ? n : 0] = '\0';
  return refuses(path);
}

/* ---- the clock ---- */

int clock_gettime(clockid_t id, struct timespec *t)
{
  const int failed = (int)syscall(SYS_clock_gettime, id, t);
  if (!failed && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) t->tv_sec += shift();
  return failed;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  *t = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
  return 0;
}

time_t time(time_t *out)
{
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}

/* ---- the disk ---- */

#define NEXT(type, name) ((type)dlsym(RTLD_NEXT, name))
#define BOTH(result, name, parameters, arguments, test, failure)             \
  result name parameters                                                     \
  {                                                                          \
    return (test) ? (failure) : NEXT(result(*) parameters, #name) arguments; \
  }

BOTH(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n), refuses_fd(fd), -1)
BOTH(ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at), refuses_fd(fd),
     -1)
BOTH(ssize_t, pwrite64, (int fd, const void *p, size_t n, off64_t at), (fd, p, n, at),
     refuses_fd(fd), -1)
BOTH(ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n), refuses_fd(fd), -1)
BOTH(ssize_t, pwritev, (int fd, const struct iovec *v, int n, off_t at), (fd, v, n, at),
     refuses_fd(fd), -1)
BOTH(ssize_t, pwritev64, (int fd, const struct iovec *v, int n, off64_t at), (fd, v, n, at),
     refuses_fd(fd), -1)
BOTH(int, ftruncate, (int fd, off_t n), (fd, n), refuses_fd(fd), -1)
BOTH(int, ftruncate64, (int fd, off64_t n), (fd, n), refuses_fd(fd), -1)
BOTH(int, fallocate, (int fd, int mode, off_t at, off_t n), (fd, mode, at, n), refuses_fd(fd), -1)
BOTH(int, fallocate64, (int fd, int mode, off64_t at, off64_t n), (fd, mode, at, n), refuses_fd(fd),
     -1)
BOTH(int, rename, (const char *from, const char *to), (from, to), refuses(to), -1)
BOTH(int, unlink, (const char *path), (path), refuses(path), -1)
BOTH(int, mkdir, (const char *path, mode_t mode), (path, mode), refuses(path), -1)

static int open_file(const char *name, const char *path, int flags, mode_t mode)
{
  if ((flags & (O_WRONLY | O_RDWR | O_CREAT)) != 0 && refuses(path)) return -1;
  return NEXT(int (*)(const char *, int, ...), name)(path, flags, mode);
}

#define OPEN(name)                                      \
  int name(const char *path, int flags, ...)            \
  {                                                     \
    va_list arguments;                                  \
    va_start(arguments, flags);                         \
    const mode_t mode = (mode_t)va_arg(arguments, int); \
    va_end(arguments);                                  \
    return open_file(#name, path, flags, mode);         \
  }

OPEN(open)
OPEN(open64)
