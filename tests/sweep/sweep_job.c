/* A sweep of units that do nothing, to be held and ended from outside: sweep_job UNITS FATAL_UNIT.
 * Each rank prints "end RANK STATUS DONE LEFT UNITS_DONE_HERE" at the end. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/mpi_init.h"
#include "base/stop.h"
#include "sweep/sweep.h"

typedef struct job {
  int64_t fatal, here;
} job;

static chi_status work(void *context, int64_t i, int64_t next)
{
  (void)next;
  job *j = context;
  if (i == j->fatal) return chi_fail(CHI_ERR_INPUT, "unit %lld: the disk is on fire", (long long)i);
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
  if (argc != 3) MPI_Abort(MPI_COMM_WORLD, 99);
  const int64_t n = atoll(argv[1]);
  job j = {.fatal = atoll(argv[2])};
  chi_unit *units;
  if (chi_alloc(n, sizeof *units, "units", &units) != CHI_OK) MPI_Abort(MPI_COMM_WORLD, 1);
  for (int64_t i = 0; i < n; i++) units[i] = (chi_unit){0, (int32_t)i, 1, 1};
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
