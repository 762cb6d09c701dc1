#include "base/mpi_init.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <mpi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The next plugin to keep: dlopen must not be called while dl_iterate_phdr walks. */
typedef struct walk {
  int skip; /* those that came before */
  char path[PATH_MAX];
} walk;

static int find_next(struct dl_phdr_info *info, size_t size, void *context)
{
  (void)size;
  walk *w = context;
  if (strstr(info->dlpi_name, "/mca_pmix_") == NULL || w->skip-- > 0) return 0;
  snprintf(w->path, sizeof w->path, "%s", info->dlpi_name);
  return 1;
}

/* Whether neither mpirun nor srun nor the like has started this process. */
static bool is_alone(void)
{
  static const char *const of_ranks[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK",
                                         "SLURM_STEP_NUM_TASKS"};
  for (size_t i = 0; i < sizeof of_ranks / sizeof *of_ranks; i++)
    if (getenv(of_ranks[i]) != NULL) return false;
  return true;
}

/* No daemon, whose folder for temporary files then needs a name of its own: Open MPI calls all such
 * processes alike, and the first that ends would take the folder from the others. It removes it. */
static void isolate(void)
{
  char folder[PATH_MAX];
  const char *top = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/ompi.chiasm.XXXXXX", top == NULL ? "/tmp" : top);
  if (getenv("OMPI_MCA_ess_singleton_isolated") != NULL || mkdtemp(folder) == NULL) return;
  setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
  setenv("OMPI_MCA_orte_jobfam_session_dir", folder, 0);
}

/* Open MPI wants a component that could, and takes none below -1. */
static void forgo_shared_pointers(void)
{
  setenv("OMPI_MCA_sharedfp", "sm", 0);
  setenv("OMPI_MCA_sharedfp_sm_priority", "-2", 0);
}

int chi_mpi_init(int *argc, char ***argv)
{
  int level;
  walk w;
  if (is_alone()) isolate();
  forgo_shared_pointers();
  MPI_Init_thread(argc, argv, MPI_THREAD_MULTIPLE, &level);
  for (int n = 0; w.skip = n, dl_iterate_phdr(find_next, &w) != 0; n++)
    (void)dlopen(w.path, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
  return level;
}
