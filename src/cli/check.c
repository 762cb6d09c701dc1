/* chiasm check STUDY: everything that is wrong with a study, and what would be fitted. */
#include "study/check.h"

#include "base/log.h"
#include "cli/cli.h"
#include "stage/draws.h"

static void print_findings(const chi_findings *findings, bool errors)
{
  for (int64_t i = 0; i < findings->n; i++)
    if (findings->item[i].error == errors)
      chi_log(errors ? CHI_LOG_ERROR : CHI_LOG_WARNING, "%s", findings->item[i].text);
}

/* Replicates, by default, that leave halves of folds out; blocks are at least so long. */
static chi_status check_draws(const chi_study *study, int32_t folds, chi_findings *findings)
{
  enum { REPLICATES = 100 };
  const chi_encode_options encode = {.folds = folds};
  for (int32_t i = 0; i < study->n_datasets; i++) {
    const chi_dataset *d = &study->datasets[i];
    chi_draws draws;
    int64_t length, count = 0;
    if (d->n_events < 4 * (int64_t)folds) continue; /* is an error by itself */
    CHI_TRY(chi_draws_length(study, d, NULL, 1, &length));
    CHI_TRY(chi_draws_create(d, study->alignments[d->alignment].name, 0, length, &draws));
    const chi_status s = chi_draws_count_short(&draws, &encode, d, REPLICATES, &count);
    chi_draws_free(&draws);
    CHI_TRY(s);
    if (count > 0)
      chi_findings_add(
          findings, false,
          "%s: %lld events make small folds: in about %lld of %d bootstrap replicates a "
          "half of one repeats a single event and is left out; use fewer --folds",
          d->path, (long long)d->n_events, (long long)count, REPLICATES);
  }
  return CHI_OK;
}

/* What is wrong with the study is printed, and makes exit code 2. */
chi_status chi_cli_check(chi_cli *cli)
{
  const chi_options *o = cli->options;
  const chi_selection selection = chi_cli_selection(o);
  chi_findings findings = {0};
  chi_study *study = NULL;
  chi_text report = {0};
  chi_status status = chi_study_open(chi_opt_argument(o, 0), &selection, &findings, &study);
  if (status != CHI_OK && findings.n_errors == 0) goto cleanup;
  status = CHI_OK; /* the findings say it all */
  if (study != NULL) {
    const int32_t folds = (int32_t)chi_opt_int(o, "folds");
    status = chi_check_catalog(study, folds, &findings);
    if (status == CHI_OK) status = check_draws(study, folds, &findings);
    if (status == CHI_OK) status = chi_check_numbers(study, folds, &findings);
  }
  print_findings(&findings, true);
  if (study != NULL && chi_opt_given(o, "list"))
    status = status == CHI_OK ? chi_check_list_models(study, &report) : status;
  else if (study != NULL)
    chi_check_report(study, &report);
  status = chi_cli_print(cli, status, &report);
  print_findings(&findings, false);
  if (findings.n_errors > 0) cli->exit_code = chi_exit_code(CHI_ERR_INPUT);

cleanup:
  chi_study_destroy(&study);
  chi_findings_free(&findings);
  return status;
}
