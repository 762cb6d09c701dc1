#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/gate.h"
#include "base/log.h"
#include "base/stop.h"
#include "store/folder.h"

/* `chiasm status` looks who holds the lock by holding it alone for a moment: no reason to give up.
 */
static const double a_look_s = 1;

/* What chi_lock_keep keeps. It is shared, yet its holder is alone with it: every job begins by
 * taking the lock alone, and this one's other ranks are between two stages, too. */
static bool keeping = false;
static int kept = -1;

static void close_lock(int *fd)
{
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

/* Some network and parallel file systems are mounted without locks. */
static bool has_no_locks(int why) { return why == ENOLCK || why == ENOSYS || why == EOPNOTSUPP; }

static chi_status open_lock(const char *run, int *fd)
{
  char path[PATH_MAX];
  CHI_TRY(chi_path_join(path, run, "lock"));
  const chi_status s = chi_file_open(path, path, O_RDWR | O_CREAT | O_NOFOLLOW, fd);
  if (s == CHI_ERR_IO && errno == EROFS)
    return chi_fail(s, "%s; choose another folder for the run", chi_message());
  return s;
}

static chi_status held_by_other(const char *run, int fd, double wait_s)
{
  char holder[200] = "", waited[64] = "";
  const ssize_t n = pread(fd, holder, sizeof holder - 1, 0);
  holder[n > 0 ? n : 0] = '\0';
  holder[strcspn(holder, "\n")] = '\0';
  if (wait_s > 0) snprintf(waited, sizeof waited, ", still after %.0f s", wait_s);
  return chi_fail(CHI_ERR_USAGE,
                  "%s: another job is writing this run%s (%s); wait for its end, or stop it", run,
                  waited, holder[0] != '\0' ? holder : "it does not say which");
}

/* For people who read "another job is writing": not needed for the lock itself, so a full disk is
 * no reason to stop. */
static void sign(int fd)
{
  char host[128] = "", now[32], text[256];
  gethostname(host, sizeof host - 1);
  chi_clock_iso8601(0, now, sizeof now);
  const int n =
      snprintf(text, sizeof text, "host %s, process %ld, since %s\n", host, (long)getpid(), now);
  if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n)
    chi_log(CHI_LOG_FILE, "the holder's name could not be written into the lock");
}

chi_status chi_lock_alone(const char *run, double wait_s, int *fd)
{
  *fd = kept;
  kept = -1;
  if (*fd >= 0) return CHI_OK;
  CHI_TRY(open_lock(run, fd));
  const double start = chi_clock_now();
  int why = flock(*fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
  if (why == EWOULDBLOCK && wait_s > 0)
    chi_log(CHI_LOG_INFO, "%s is being written by another job: waiting up to %.0f s for it", run,
            wait_s);
  const double patience = wait_s > a_look_s ? wait_s : a_look_s;
  while ((why == EWOULDBLOCK || why == EINTR) && chi_clock_now() - start < patience &&
         !chi_stop_asked() && chi_gate("lock.wait") == CHI_OK) {
    chi_clock_sleep(0.05);
    why = flock(*fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
  }
  if (why == 0) {
    sign(*fd);
    return CHI_OK;
  }
  chi_status s = CHI_OK;
  if ((why == EWOULDBLOCK || why == EINTR) && wait_s > 0 && chi_stop_asked())
    s = chi_fail(CHI_STOPPED, "%s: stopped by a signal while waiting for another job's end", run);
  else if (why == EWOULDBLOCK || why == EINTR)
    s = held_by_other(run, *fd, wait_s);
  else if (has_no_locks(why))
    chi_log(CHI_LOG_WARNING,
            "%s/lock: this file system has no locks (%s); see to it that no other job writes this "
            "run",
            run, strerror(why));
  else
    s = chi_fail(CHI_ERR_IO, "%s/lock: cannot be locked: %s", run, strerror(why));
  close_lock(fd);
  return s;
}

chi_status chi_lock_shared(const char *run, bool alone, int *fd)
{
  if (alone && *fd < 0) return CHI_OK; /* no locks here: warned already */
  if (!alone) CHI_TRY(open_lock(run, fd));
  const double start = chi_clock_now();
  int why = flock(*fd, LOCK_SH | LOCK_NB) == 0 ? 0 : errno;
  while ((why == EWOULDBLOCK || why == EINTR) && chi_clock_now() - start < a_look_s) {
    chi_clock_sleep(0.05);
    why = flock(*fd, LOCK_SH | LOCK_NB) == 0 ? 0 : errno;
  }
  if (why == 0) return CHI_OK;
  chi_status s = CHI_OK;
  if (why == EWOULDBLOCK)
    s = held_by_other(run, *fd, 0);
  else if (!has_no_locks(why))
    s = chi_fail(CHI_ERR_IO, "%s/lock: cannot be locked: %s", run, strerror(why));
  close_lock(fd);
  return s;
}

/* Alone, since ranks that write share it. A read-only folder has no writers. */
chi_status chi_lock_reading(const char *run, int *fd)
{
  char path[PATH_MAX];
  CHI_TRY(chi_path_join(path, run, "lock"));
  if (chi_file_open(path, path, O_RDWR | O_NOFOLLOW, fd) != CHI_OK &&
      chi_file_open(path, path, O_RDONLY | O_NOFOLLOW, fd) != CHI_OK)
    return CHI_OK;
  int why = EINTR;
  for (int i = 0; i < 20 && (why == EWOULDBLOCK || why == EINTR); i++) {
    if (i > 0) chi_clock_sleep(0.05); /* `chiasm status` holds it for a moment */
    why = flock(*fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
  }
  const chi_status s = why == EWOULDBLOCK ? held_by_other(run, *fd, 0) : CHI_OK;
  if (why != 0) close_lock(fd);
  return s;
}

chi_lock_holder chi_lock_look(const char *run)
{
  char path[PATH_MAX];
  if (chi_path_join(path, run, "lock") != CHI_OK) return CHI_LOCK_UNKNOWN;
  int fd;
  if (chi_file_open(path, path, O_RDONLY, &fd) != CHI_OK)
    return errno == ENOENT ? CHI_LOCK_FREE : CHI_LOCK_UNKNOWN;
  const int why = flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
  close(fd);
  return why == 0 ? CHI_LOCK_FREE : why == EWOULDBLOCK ? CHI_LOCK_HELD : CHI_LOCK_UNKNOWN;
}

void chi_lock_release(int *fd)
{
  if (keeping && kept < 0) {
    kept = *fd;
    *fd = -1;
  }
  close_lock(fd);
}

void chi_lock_keep(bool keep)
{
  keeping = keep;
  if (!keep) close_lock(&kept);
}
