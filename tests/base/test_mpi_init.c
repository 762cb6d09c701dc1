/* MPI_Finalize closes Open MPI's plugins, but for those that are to stay; and a process alone has
 * no daemon, whose thread it may wait for in vain, and a folder of its own, which goes with it. */
#include "base/mpi_init.h"

#include <link.h>
#include <mpi.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_all.h"

typedef struct counter {
  const char *part;
  int n;
} counter;

static int count_one(struct dl_phdr_info *info, size_t size, void *context)
{
  (void)size;
  counter *c = context;
  c->n += strstr(info->dlpi_name, c->part) != NULL;
  return 0;
}

/* Libraries in memory whose path contains `part`. */
static int count(const char *part)
{
  counter c = {.part = part};
  dl_iterate_phdr(count_one, &c);
  return c.n;
}

static void test_plugins_stay(void **state)
{
  (void)state;
  assert_int_equal(chi_mpi_init(NULL, NULL), MPI_THREAD_MULTIPLE);
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* there is no child */
  const int pmix = count("mca_pmix_"), others = count("mca_pml_");
  const char *folder = getenv("OMPI_MCA_orte_jobfam_session_dir");
  assert_non_null(folder);
  MPI_Finalize();
  assert_int_equal(access(folder, F_OK), -1);
  if (pmix == 0 || count("mca_pml_") == others) skip(); /* an MPI without plugins */
  assert_int_equal(count("mca_pmix_"), pmix);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_plugins_stay)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
