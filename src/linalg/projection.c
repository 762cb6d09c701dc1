#include "linalg/projection.h"

#include <dlfcn.h>
#include <math.h>

#include "linalg/petsc/library.h"

static const chi_projection_library *library; /* NULL: not loaded yet */

int64_t chi_projection_dimension(int64_t n, double eps)
{
  const double k = floor(4 * log((double)n) / (eps * eps / 2 - eps * eps * eps / 3));
  return k < 1 ? 1 : (int64_t)k;
}

/* Looked for where the program was built, and in lib/chiasm beside its bin; kept to the end, since
 * MPI then calls what PETSc gave it. */
static chi_status load(void)
{
  void *handle = dlopen("chiasm-petsc.so", RTLD_NOW);
  library = handle == NULL ? NULL : dlsym(handle, "chi_petsc_library");
  if (library != NULL) return CHI_OK;
  return chi_fail(CHI_ERR_IO, "%s; projections need it: it is installed in lib/chiasm, beside bin",
                  dlerror());
}

chi_status chi_projection_start(MPI_Comm comm)
{
  if (library == NULL) CHI_TRY(load());
  return library->start(comm);
}

void chi_projection_stop(void) { library->stop(); }

const char *chi_projection_version(void) { return CHIASM_PETSC_VERSION; }

chi_status chi_projection_create(MPI_Comm comm, chi_random_key key, int64_t n_features,
                                 int64_t n_components, chi_projection **out)
{
  return library->create(comm, key, n_features, n_components, out);
}

/* NULL may come without a library, from who projects nothing. */
void chi_projection_destroy(chi_projection **projection)
{
  if (*projection != NULL) library->destroy(projection);
}

int64_t chi_projection_nonzeros(const chi_projection *projection)
{
  return library->nonzeros(projection);
}

chi_status chi_projection_apply(chi_projection *projection, int64_t n, const double *rows,
                                double *out)
{
  return library->apply(projection, n, rows, out);
}
