/** \file fake_study.h
 * The catalog of a study that has no files, and scores for it that are known everywhere. */
#pragma once

#include "store/store.h"

/** Two alignments (language: subjects s1, s2; vision: s2), four feature spaces, `scale` times the
 * least number of electrodes. Lives as long as the program. */
const chi_study *fake_study(int64_t scale);

/** The scores of some sites of one space, as any rank would compute them. A few are NaN. */
void fake_scores(const chi_study *study, int32_t alignment, int64_t space, int64_t site0,
                 int64_t n_sites, float *val_r, float *test_r, float *alpha);

/** Open the fit.h5 of such a study; write scores of some sites of one space, or that they failed.
 */
chi_status fake_open(const char *folder, chi_run_mode mode, const chi_study *study,
                     const chi_provenance *provenance, chi_store **out);
chi_status fake_write(chi_store *store, int32_t alignment, int64_t space, int64_t site0,
                      int64_t n_sites, const float *const scores[3]);
chi_status fake_fail(chi_store *store, int32_t alignment, int64_t space, int64_t site0,
                     int64_t n_sites);
