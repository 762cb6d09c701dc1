/** \file internal.h
 * What the files of verify share. */
#ifndef CHIASM_VERIFY_INTERNAL_H
#define CHIASM_VERIFY_INTERNAL_H

#include <stdbool.h>

#include "base/text.h"
#include "chiasm/run.h"
#include "verify/verify.h"

typedef struct chi_verifying {
  MPI_Comm comm;
  int rank, size;
  const char *run;
  chi_fit_table *tables;
  int32_t n;
  char *study, *config, *checksum; /* as fit.h5 has them */
  chi_text table, problems;        /* lines to print, rank 0's */
  int64_t n_problems;
  bool unfinished;
} chi_verifying;

/** Note a problem: the first ones are shown. */
void chi_verify_problem(chi_verifying *v, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Add a row to the table of what was checked. \param[in] before  problems before it was checked */
void chi_verify_row(chi_verifying *v, const char *what, int64_t n, const char *of, int64_t before);

/** The study is there and unchanged, and of the sizes and labels of fit.h5. Collective. */
chi_status chi_verify_study(chi_verifying *v);

/** Checksums and flags. Collective. \return only what keeps the check from being made */
chi_status chi_verify_fit(chi_verifying *v);
chi_status chi_verify_bootstrap(chi_verifying *v);

#endif
