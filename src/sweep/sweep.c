#include "sweep/sweep.h"

#include "base/agree.h"
#include "base/clock.h"
#include "sweep/coordinator.h"
#include "sweep/worker.h"

chi_status chi_sweep_run(MPI_Comm comm, const chi_unit *units, int64_t n,
                         const chi_sweep_stage *stage, chi_sweep_report *report,
                         chi_sweep_result *result)
{
  const double start = chi_clock_now();
  *result = (chi_sweep_result){.left = n};
  int threads, rank;
  MPI_Query_thread(&threads);
  if (threads < MPI_THREAD_MULTIPLE)
    return chi_fail(CHI_ERR_BUG,
                    "%s: MPI runs without MPI_THREAD_MULTIPLE, which the coordinator "
                    "needs",
                    stage->name);
  MPI_Comm own;
  MPI_Comm_dup(comm, &own);
  MPI_Comm_rank(own, &rank);
  chi_coordinator *coordinator = NULL;
  chi_status s = CHI_OK;
  if (rank == 0) s = chi_coordinator_start(own, units, n, stage, report, &coordinator);
  s = chi_agree(own, s);
  if (s == CHI_OK) {
    chi_worker_run(own, stage, coordinator, result);
    chi_coordinator_join(&coordinator, result);
    MPI_Allreduce(&result->waited_s, &result->waited_max_s, 1, MPI_DOUBLE, MPI_MAX, own);
    result->stopped = result->left > 0;
    if (result->stopped)
      s = chi_fail(CHI_STOPPED, "%s: stopped by a signal with %lld of %lld units left", stage->name,
                   (long long)result->left, (long long)n);
  }
  MPI_Comm_free(&own);
  result->wall_s = chi_clock_now() - start;
  return s;
}
