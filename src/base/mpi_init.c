#include "base/mpi_init.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <mpi.h>
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

int chi_mpi_init(int *argc, char ***argv)
{
  int level;
  walk w;
  setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
  MPI_Init_thread(argc, argv, MPI_THREAD_MULTIPLE, &level);
  for (int n = 0; w.skip = n, dl_iterate_phdr(find_next, &w) != 0; n++)
    (void)dlopen(w.path, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
  return level;
}
