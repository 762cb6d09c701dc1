/* A sweep of sleeping units to be ended from outside: sweep_job UNITS SECONDS [FATAL_UNIT]. Each
 * rank prints "pid RANK PID" at first, and at the end "end RANK STATUS DONE LEFT UNITS_DONE_HERE".
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/mpi_init.h"
#include "base/stop.h"
#include "sweep/sweep.h"

typedef struct job {
  double seconds;
  int64_t fatal, here;
} job;

static chi_status work(void *context, int64_t i, int64_t next)
{
  (void)next;
  job *j = context;
  if (i == j->fatal) return chi_fail(CHI_ERR_INPUT, "unit %lld: the disk is on fire", (long long)i);
  const double end = chi_clock_now() + j->seconds;
  while (chi_clock_now() < end) chi_clock_sleep(end - chi_clock_now());
  j->here++;
  return CHI_OK;
}

int main(int argc, char **argv)
{
  int rank;
  chi_stop_catch();
  chi_mpi_init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  chi_log_set_rank(rank);
  const int64_t n = argc > 1 ? atoll(argv[1]) : 10;
  job j = {argc > 2 ? atof(argv[2]) : 0.1, argc > 3 ? atoll(argv[3]) : -1, 0};
  chi_unit *units;
  if (chi_alloc(n, sizeof *units, "units", &units) != CHI_OK) MPI_Abort(MPI_COMM_WORLD, 1);
  for (int64_t i = 0; i < n; i++) units[i] = (chi_unit){0, (int32_t)i, 1, 1};
  printf("pid %d %d\n", rank, (int)getpid());
  fflush(stdout);
  const chi_sweep_stage stage = {"job", &j, work, NULL};
  chi_sweep_result r;
  const chi_status s = chi_sweep_run(MPI_COMM_WORLD, units, n, &stage, NULL, &r);
  printf("end %d %d %lld %lld %lld\n", rank, (int)s, (long long)r.done, (long long)r.left,
         (long long)j.here);
  fflush(stdout);
  chi_free(units);
  MPI_Finalize();
  return chi_exit_code(s);
}
