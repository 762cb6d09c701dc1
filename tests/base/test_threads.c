/* How many threads a rank gets; run on several numbers of ranks. */
#include "base/threads.h"

#include <sched.h>
#include <stdlib.h>

#include "base/mpi_init.h"
#include "cmocka_all.h"

static int rank, size;

static void test_choice(void **state)
{
  (void)state;
  cpu_set_t all, one;
  assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
  const int cores = CPU_COUNT(&all), share = cores / size < 1 ? 1 : cores / size;
  unsetenv("SLURM_CPUS_PER_TASK");
  assert_int_equal(chi_threads_choose(MPI_COMM_WORLD, 0), share);
  assert_int_equal(chi_threads_choose(MPI_COMM_WORLD, 7), 7);
  setenv("SLURM_CPUS_PER_TASK", "1", 1);
  assert_int_equal(chi_threads_choose(MPI_COMM_WORLD, 0), 1);
  setenv("SLURM_CPUS_PER_TASK", "100000", 1);
  assert_int_equal(chi_threads_choose(MPI_COMM_WORLD, 0), cores);
  unsetenv("SLURM_CPUS_PER_TASK");
  /* bound to a core of one's own, a rank does not share it */
  int core = 0, skip = rank % cores;
  while (!CPU_ISSET(core, &all) || skip-- > 0) core++;
  CPU_ZERO(&one);
  CPU_SET(core, &one);
  assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
  assert_int_equal(chi_threads_choose(MPI_COMM_WORLD, 0), 1);
  assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
}

/* A rank alone gets all the cores it is bound to. */
static void test_apart(void **state)
{
  (void)state;
  cpu_set_t all, mine;
  assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
  if (size != 1 || CPU_COUNT(&all) < 2) return;
  CPU_ZERO(&mine);
  for (int core = 0, n = 0; n < 2; core++)
    if (CPU_ISSET(core, &all)) {
      CPU_SET(core, &mine);
      n++;
    }
  assert_int_equal(sched_setaffinity(0, sizeof mine, &mine), 0);
  assert_int_equal(chi_threads_choose(MPI_COMM_WORLD, 0), 2);
  assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
}

int main(int argc, char **argv)
{
  chi_mpi_init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_choice), cmocka_unit_test(test_apart)};
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  if (failed != 0) MPI_Abort(MPI_COMM_WORLD, 1);
  MPI_Finalize();
  return 0;
}
