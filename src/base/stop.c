#include "base/stop.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chiasm/status.h"

static atomic_llong first_ns; /* when the first came; 0: none has */

/* Only what POSIX allows in a handler. MPI_Abort is not; mpirun ends the other ranks. */
static void on_signal(int number)
{
  (void)number;
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  const long long now = t.tv_sec * 1000000000LL + t.tv_nsec + 1;
  long long first = 0;
  if (atomic_compare_exchange_strong(&first_ns, &first, now)) return;
  if (now - first > 250000000LL) _exit(chi_exit_code(CHI_STOPPED));
}

static const int numbers[] = {SIGTERM, SIGUSR1, SIGINT};

static void mask(int how)
{
  sigset_t signals;
  sigemptyset(&signals);
  for (int i = 0; i < 2; i++) sigaddset(&signals, numbers[i]);
  sigprocmask(how, &signals, NULL);
}

void chi_stop_hold(void)
{
  mask(SIG_BLOCK);
  signal(SIGPIPE, SIG_IGN);
}

void chi_stop_free(void) { mask(SIG_UNBLOCK); }

void chi_stop_catch(void)
{
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART; /* reads and writes under way know nothing of it */
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < 3; i++) sigaction(numbers[i], &action, NULL);
  chi_stop_free();
}

bool chi_stop_asked(void) { return atomic_load(&first_ns) != 0; }
