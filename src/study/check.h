/** \file check.h
 * What `chiasm check` does beyond opening a study: looks at the numbers, and says what would be
 * fitted. All local. */
#pragma once

#include "base/text.h"
#include "chiasm/study.h"

/** Read all numbers of the catalog, by pieces, and add what is odd in them: of responses as
 * chi_check_responses, constant and duplicate layers, features with an
 * event far out, numbers that cannot be read.
 * \return CHI_ERR_MEMORY; what is wrong with the study is a finding */
chi_status chi_check_numbers(const chi_study *study, int32_t folds, chi_findings *findings);

/** The same for one recording's responses: NaN, constant and duplicate electrodes, those that do
 * not change within a half of a fold, events far out. \return CHI_ERR_INPUT, CHI_ERR_IO,
 * CHI_ERR_MEMORY */
chi_status chi_check_responses(const chi_study *study, int32_t dataset, int32_t folds,
                               chi_findings *findings);

/** Add what is odd in the catalog: too few events for the folds (an error), windows that overlap
 * across fold borders, events at the same time, trained models without a random twin. */
chi_status chi_check_catalog(const chi_study *study, int32_t folds, chi_findings *findings);

/** The table of what would be fitted. */
void chi_check_report(const chi_study *study, chi_text *out);

/** The models of all alignments, for scripts: their names alone, in order, one a line.
 * \return CHI_ERR_MEMORY */
chi_status chi_check_list_models(const chi_study *study, chi_text *out);
