/** \file fake_study.h
 * The catalog of a study that has no files, and scores for it that are known everywhere. */
#ifndef CHIASM_TESTS_FAKE_STUDY_H
#define CHIASM_TESTS_FAKE_STUDY_H

#include "chiasm/run.h"

/** Two alignments (language: subjects s1, s2; vision: s2), four feature spaces, `scale` times the
 * least number of electrodes. Lives as long as the program. */
const chi_study *fake_study(int64_t scale);

/** The scores of some sites of one space, as any rank would compute them. A few are NaN. */
void fake_scores(const chi_study *study, int32_t alignment, int64_t space, int64_t site0,
                 int64_t n_sites, float *val_r, float *test_r, float *alpha);

#endif
