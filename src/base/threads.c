#include "base/threads.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"

/* How many ranks of the node, this one included, may run on a core that this one may run on: 1 each
 * where the launcher bound them apart, all of them where it bound nothing. */
static int sharing_ranks(MPI_Comm comm, const cpu_set_t *mine)
{
  MPI_Comm node;
  int size, n = 1;
  MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  MPI_Comm_size(node, &size);
  cpu_set_t *all = NULL;
  int worst, bad = chi_alloc(size, sizeof *all, "cores", &all) != CHI_OK;
  MPI_Allreduce(&bad, &worst, 1, MPI_INT, MPI_MAX, node);
  if (worst == 0) {
    MPI_Allgather(mine, (int)sizeof *mine, MPI_BYTE, all, (int)sizeof *mine, MPI_BYTE, node);
    n = 0;
    for (int i = 0; i < size; i++) {
      cpu_set_t both;
      CPU_AND(&both, mine, &all[i]);
      n += CPU_COUNT(&both) > 0;
    }
  }
  chi_free(all);
  MPI_Comm_free(&node);
  return n < 1 ? 1 : n;
}

int32_t chi_threads_choose(MPI_Comm comm, int64_t asked)
{
  cpu_set_t mine;
  CPU_ZERO(&mine);
  if (sched_getaffinity(0, sizeof mine, &mine) != 0) {
    /* more cores than a cpu_set_t holds: take them all as this process's */
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    for (int i = 0; i < online && i < CPU_SETSIZE; i++) CPU_SET(i, &mine);
  }
  const int cores = CPU_COUNT(&mine);
  const int sharing = comm == MPI_COMM_NULL ? 1 : sharing_ranks(comm, &mine);
  if (asked > 0) return (int32_t)asked;
  const char *slurm = getenv("SLURM_CPUS_PER_TASK");
  const int per_task = slurm == NULL ? 0 : atoi(slurm);
  int threads = per_task > 0 ? per_task : cores / sharing;
  if (threads > cores) threads = cores;
  return threads < 1 ? 1 : threads;
}
