/* chiasm check STUDY: everything that is wrong with a study, and what would be fitted. */
#include "study/check.h"
#include "study/guard.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"

static void print_findings(const chi_findings *findings, bool errors)
{
  for (int64_t i = 0; i < findings->n; i++)
    if (findings->item[i].error == errors)
      chi_log(errors ? CHI_LOG_ERROR : CHI_LOG_WARNING, "%s", findings->item[i].text);
}

static chi_status print_report(const chi_study *study)
{
  chi_text report = {0};
  chi_check_report(study, &report);
  chi_status status = CHI_OK;
  if (report.failed)
    status = chi_fail(CHI_ERR_MEMORY, "no memory for the report");
  else if (fputs(report.s, stdout) < 0 || fflush(stdout) != 0)
    status = chi_fail(CHI_ERR_IO, "the report cannot be written to standard output");
  chi_text_free(&report);
  return status;
}

/* The whole check; what is wrong with the study is printed, and makes exit code 2. */
static chi_status check(const chi_options *options, int *exit_code)
{
  const chi_selection selection = chi_cli_selection(options);
  chi_findings findings = {0};
  chi_study *study = NULL;
  chi_status status = chi_study_open(chi_opt_argument(options, 0), &selection, &findings, &study);
  if (status != CHI_OK && findings.n_errors == 0) goto cleanup;
  status = CHI_OK; /* the findings say it all */
  if (study != NULL) {
    status = chi_check_catalog(study, (int32_t)chi_opt_int(options, "folds"), &findings);
    if (status == CHI_OK) status = chi_check_numbers(study, &findings);
  }
  print_findings(&findings, true);
  if (status == CHI_OK && study != NULL) status = print_report(study);
  print_findings(&findings, false);
  if (findings.n_errors > 0) *exit_code = chi_exit_code(CHI_ERR_INPUT);

cleanup:
  chi_study_destroy(&study);
  chi_findings_free(&findings);
  return status;
}

static int check_in_child(void *context)
{
  const chi_cli *cli = context;
  int exit_code = 0;
  const chi_status status = check(cli->options, &exit_code);
  if (status == CHI_OK) return exit_code;
  chi_log(CHI_LOG_ERROR, "%s", chi_message());
  return chi_exit_code(status);
}

chi_status chi_cli_check(const chi_cli *cli, int *exit_code)
{
  chi_cli copy = *cli;
  return chi_guard_run(check_in_child, &copy, exit_code);
}
