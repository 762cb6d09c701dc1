#include "linalg/kernel.h"

#include <cblas.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

const char *chi_blas_kernel(void) { return openblas_get_corename(); }

#if defined(__x86_64__)
static bool has_avx512(void)
{
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512cd");
}
#else
static bool has_avx512(void) { return false; }
#endif

/* The kernels of OpenBLAS that use AVX-512. */
static bool is_avx512_kernel(const char *name)
{
  static const char *const names[] = {"SkylakeX", "Cooperlake", "Sapphirerapids", "Zen4"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcasecmp(name, names[i]) == 0) return true;
  return false;
}

/* Whether the variable had to be set. */
static bool set_default(const char *name, const char *value)
{
  if (getenv(name) != NULL) return false;
  return setenv(name, value, 0) == 0;
}

chi_status chi_blas_check(int64_t threads)
{
  char limit[128];
  if (chi_memory_may_map(threads * CHI_BLAS_MAPS)) return CHI_OK;
  chi_memory_limit_text(limit, sizeof limit);
  return chi_fail(CHI_ERR_USAGE,
                  "the address space is too small for OpenBLAS, which takes 128 MiB more for each "
                  "of %lld threads: %s; raise that limit",
                  (long long)threads, limit);
}

void chi_blas_prepare(char **argv)
{
  bool again = set_default("OMP_WAIT_POLICY", "PASSIVE");
  again |= set_default("OPENBLAS_NUM_THREADS", "1");
  if (has_avx512() && !is_avx512_kernel(chi_blas_kernel()))
    again |= set_default("OPENBLAS_CORETYPE", "SKYLAKEX");
  if (again) execv("/proc/self/exe", argv); /* where it fails the slower settings serve */
  openblas_set_num_threads(1);
}
