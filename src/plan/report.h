/** \file report.h
 * A plan in words, or as JSON. Local. */
#pragma once

#include "base/text.h"
#include "plan/stages.h"

/** What the stages are, what they need and how long they take on `options->ranks` ranks. */
void chi_report_plan(const chi_stages_options *options, const chi_run_plan *plan, chi_text *out);
void chi_report_plan_json(const chi_stages_options *options, const chi_run_plan *plan,
                          chi_text *out);

/** A table of n plans, one for each number of ranks, and where it stops scaling.
 * \param[in] alone  the plan for one rank */
void chi_report_sweep(const chi_stages_options *options, const chi_run_plan *alone,
                      const int32_t *ranks, const chi_run_plan *plans, int n, chi_text *out);
void chi_report_sweep_json(const chi_run_plan *alone, const int32_t *ranks,
                           const chi_run_plan *plans, int n, chi_text *out);
