#include "study/guard.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/stop.h"
#include "h5/h5.h"

static const double patience = 10; /* s of computing on what should take milliseconds */

/* CPU seconds of the child so far; waiting for a slow disk is none. */
static double cpu_seconds(pid_t child)
{
  clockid_t clock;
  struct timespec t;
  if (clock_getcpuclockid(child, &clock) != 0 || clock_gettime(clock, &t) != 0) return 0;
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Wait for the child's end; kill it if it makes no progress. SIGCHLD is blocked.
 * \param[in] told  whether the child knows already that it is asked to stop */
static int watch(pid_t child, const chi_h5_progress *progress, bool told, bool *stuck)
{
  sigset_t signals;
  const struct timespec moment = {.tv_nsec = 200000000};
  int result = 1 << 8; /* exit code 1, should the child's be lost */
  int64_t steps = -1;
  double since = 0;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  for (;;) {
    const pid_t ended = waitpid(child, &result, WNOHANG);
    if (ended == child || (ended < 0 && errno != EINTR)) return result;
    if (chi_stop_asked() && !told) told = kill(child, SIGTERM) == 0; /* it may be for us alone */
    const double now = cpu_seconds(child);
    if (progress->steps != steps || !progress->brief) {
      steps = progress->steps;
      since = now;
    } else if (now - since > patience && !*stuck) {
      *stuck = true;
      kill(child, SIGKILL);
    }
    sigtimedwait(&signals, NULL, &moment);
  }
}

static chi_status judge(int result, bool stuck, const char *where, int *exit_code)
{
  if (WIFEXITED(result)) {
    *exit_code = WEXITSTATUS(result);
    return CHI_OK;
  }
  const int number = WTERMSIG(result);
  if (stuck)
    return chi_fail(CHI_ERR_INPUT, "%s: HDF5 comes to no end with it: the file is damaged", where);
  if (number == SIGSEGV || number == SIGBUS || number == SIGABRT || number == SIGFPE)
    return chi_fail(CHI_ERR_INPUT, "%s: HDF5 crashed on it (%s): the file is damaged", where,
                    strsignal(number));
  return chi_fail(CHI_ERR_IO, "%s: ended while it was read: %s", where, strsignal(number));
}

static void run_child(chi_guard_work *work, void *context, const sigset_t *signals, pid_t parent,
                      chi_h5_progress *progress)
{
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* not to go on alone */
  if (getppid() != parent) _exit(1);
  sigprocmask(SIG_SETMASK, signals, NULL);
  chi_h5_watch(progress);
  exit(work(context));
}

chi_status chi_guard_run(chi_guard_work *work, void *context, int *exit_code)
{
  sigset_t signals, before;
  int result = 0;
  bool stuck = false;
  const bool told = chi_stop_asked();
  const pid_t parent = getpid();
  chi_h5_progress *progress =
      mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (progress == MAP_FAILED)
    return chi_fail(CHI_ERR_MEMORY, "no memory to share: %s", strerror(errno));
  signal(SIGCHLD, SIG_DFL); /* ignored, it would take the child's exit code away */
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  sigprocmask(SIG_BLOCK, &signals, &before);
  fflush(NULL);
  const pid_t child = fork();
  if (child == 0) run_child(work, context, &before, parent, progress);
  chi_status status = CHI_OK;
  if (child < 0)
    status = chi_fail(CHI_ERR_MEMORY, "no process could be started: %s", strerror(errno));
  else
    result = watch(child, progress, told, &stuck);
  sigprocmask(SIG_SETMASK, &before, NULL);
  if (status == CHI_OK) status = judge(result, stuck, progress->where, exit_code);
  munmap(progress, sizeof *progress);
  return status;
}
