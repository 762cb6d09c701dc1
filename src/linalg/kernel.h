/** \file kernel.h
 * Which BLAS kernel runs. Debian's OpenBLAS 0.3.21 does not know recent AVX-512 processors and
 * falls back to AVX2 kernels at half the speed; OPENBLAS_CORETYPE corrects it, but is read only
 * when the library loads. Local. */
#ifndef CHIASM_LINALG_KERNEL_H
#define CHIASM_LINALG_KERNEL_H

/** Call first thing in main: where the processor has AVX-512, OpenBLAS picked a lesser kernel and
 * the user has not chosen one, set OPENBLAS_CORETYPE=SKYLAKEX and execute the program again (once).
 * Also makes every BLAS call single-threaded: chiasm's threads are over blocks, folds and alphas.
 */
void chi_blas_prepare(char **argv);

/** The kernel in use, e.g. "Zen" or "SkylakeX". Borrowed, static. */
const char *chi_blas_kernel(void);

#endif
