/* chiasm --version, and the libraries that a run records. */
#include <cblas.h>
#include <gnu/libc-version.h>
#include <hdf5.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>
#include <yaml.h>

#include "cli/cli.h"
#include "import/formats.h"
#include "linalg/kernel.h"
#include "linalg/projection.h"

/* "Open MPI v4.1.4, package: ..." -> "Open MPI v4.1.4" */
static void add_mpi(chi_text *out)
{
  char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int n;
  MPI_Get_library_version(text, &n);
  chi_text_add(out, "%.*s", (int)strcspn(text, ",\n"), text);
}

/* "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ..." -> "OpenBLAS 0.3.21" */
static void add_blas(chi_text *out)
{
  char name[32] = "", version[32] = "";
  if (sscanf(openblas_get_config(), "%31s %31s", name, version) < 1) return;
  chi_text_add(out, "%s %s (%s kernel)", name, version, chi_blas_kernel());
}

void chi_cli_versions(chi_text *out, const char *separator)
{
  unsigned major, minor, release;
  H5get_libversion(&major, &minor, &release);
  chi_text_add(out, "chiasm %s%s", CHIASM_VERSION, separator);
  add_mpi(out);
  chi_text_add(out, "%sHDF5 %u.%u.%u%s", separator, major, minor, release, separator);
  add_blas(out);
  const unsigned x = XXH_versionNumber();
  chi_text_add(out, "%slibyaml %s%sxxHash %u.%u.%u", separator, yaml_get_version_string(),
               separator, x / 10000, x / 100 % 100, x % 100);
  chi_text_add(out, "%sJansson %s%sPETSc %s%slibzip %s", separator, jansson_version_str(),
               separator, chi_projection_version(), separator, chi_npz_version());
  chi_text_add(out, "%sRandom123 (headers alone, which bear no version)", separator);
#ifdef _OPENMP
  chi_text_add(out, "%sOpenMP %d", separator, _OPENMP);
#endif
  chi_text_add(out, "%sglibc %s", separator, gnu_get_libc_version());
}
