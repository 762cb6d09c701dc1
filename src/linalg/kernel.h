/** \file kernel.h
 * Which instructions run: BLAS's kernel, and clones of our own loops. Debian's OpenBLAS 0.3.21 does
 * not know recent AVX-512 processors and falls back to AVX2 kernels at half the speed;
 * OPENBLAS_CORETYPE corrects it, but is read only when the library loads. Local. */
#pragma once

#include <stdint.h>

#include "chiasm/status.h"

/** Call first thing in main: see to the environment that OpenBLAS and OpenMP read when they load,
 * and execute the program again (once) where something had to be set. What the user has set stays.
 * - OPENBLAS_CORETYPE=SKYLAKEX where the processor has AVX-512 and OpenBLAS picked a lesser kernel;
 * - OPENBLAS_NUM_THREADS=1: chiasm's own threads are over blocks, folds and alphas;
 * - OMP_WAIT_POLICY=PASSIVE: threads that wait do not spin, which on a shared core makes a fit
 * several times slower. */
void chi_blas_prepare(char **argv);

/** What OpenBLAS maps for each thread that calls it, and the most of that it fills (5000 x 5000).
 */
enum { CHI_BLAS_MAPS = 128 << 20, CHI_BLAS_FILLS = 16 << 20 };

/** Whether OpenBLAS can have that for `threads` threads: where it cannot it tries again for ever.
 * Before the first call of BLAS. \return CHI_ERR_USAGE with the limit in the way */
chi_status chi_blas_check(int64_t threads);

/** The kernel in use, e.g. "Zen" or "SkylakeX". Borrowed, static. */
const char *chi_blas_kernel(void);

/** Before a static function: the same code for the instructions of newer processors, chosen when
 * the program loads. */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define CHI_CLONES __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define CHI_CLONES
#endif
