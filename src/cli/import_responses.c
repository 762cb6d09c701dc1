/* chiasm import brain-treebank and chiasm import events: a plan, the same on every rank, then one
 * call. */
#include <string.h>

#include "base/agree.h"
#include "cli/cli.h"
#include "import/plain.h"
#include "import/responses.h"
#include "import/treebank.h"

/* "low,high" of --window or --band. */
static chi_status get_pair(const chi_options *o, const char *name, double *low, double *high)
{
  int n;
  const double *values = chi_opt_reals(o, name, &n);
  if (n != 2)
    return chi_fail(CHI_ERR_USAGE, "--%s: expected two numbers, low,high, not %d", name, n);
  *low = values[0];
  *high = values[1];
  return CHI_OK;
}

static chi_reference get_reference(const chi_options *o)
{
  const char *text = chi_opt_text(o, "reference");
  return strcmp(text, "laplacian") == 0 ? CHI_REFERENCE_LAPLACIAN
         : strcmp(text, "car") == 0     ? CHI_REFERENCE_CAR
                                        : CHI_REFERENCE_NONE;
}

static chi_layout get_layout(const chi_options *o)
{
  const char *text = chi_opt_text(o, "layout");
  return strcmp(text, "channel-sample") == 0   ? CHI_LAYOUT_CHANNEL_SAMPLE
         : strcmp(text, "sample-channel") == 0 ? CHI_LAYOUT_SAMPLE_CHANNEL
                                               : CHI_LAYOUT_AUTO;
}

static chi_status get_options(const chi_options *o, bool treebank, chi_import_options *out)
{
  *out = (chi_import_options){.subject = chi_opt_text(o, "subject"),
                              .alignment = chi_opt_text(o, "alignment"),
                              .event_files = chi_opt_text(o, "event-file"),
                              .treatment = {.reference = get_reference(o),
                                            .notch = chi_opt_real(o, "notch"),
                                            .high_pass = chi_opt_real(o, "high-pass"),
                                            .envelope = chi_opt_flag(o, "envelope"),
                                            .zscore = chi_opt_flag(o, "zscore"),
                                            .bin = chi_opt_real(o, "bin"),
                                            .step = chi_opt_real(o, "step"),
                                            .units = chi_opt_text(o, "units")}};
  int n_band;
  chi_treatment *t = &out->treatment;
  if (chi_opt_text(o, "output") == NULL)
    return chi_fail(CHI_ERR_USAGE, "no study to write to; give -o STUDY");
  CHI_TRY(get_pair(o, "window", &t->window_start, &t->window_end));
  const double *band = chi_opt_reals(o, "band", &n_band);
  if (n_band != 1 || band[0] != 0) CHI_TRY(get_pair(o, "band", &t->low, &t->high));
  if (treebank) {
    out->trials = chi_opt_reals(o, "trial", &out->n_trials);
    out->atlas = chi_opt_text(o, "atlas");
  } else {
    out->rate = chi_opt_real(o, "rate");
    out->dataset = chi_opt_text(o, "dataset");
    out->names = chi_opt_text(o, "names");
    out->channels = chi_opt_text(o, "channels");
    out->layout = get_layout(o);
  }
  return CHI_OK;
}

static chi_status make_plan(const chi_options *o, bool treebank, chi_plan **plan)
{
  chi_import_options options;
  *plan = NULL;
  CHI_TRY(get_options(o, treebank, &options));
  return treebank ? chi_treebank_plan(chi_opt_argument(o, 0), &options, plan)
                  : chi_plain_plan(chi_opt_argument(o, 0), &options, plan);
}

void chi_cli_import_look(const chi_command *command, const chi_options *options)
{
  chi_plan *plan;
  make_plan(options, command->bit == CHI_CMD_IMPORT_TREEBANK, &plan);
  chi_plan_destroy(&plan);
}

/* Every rank reads the small files itself; they could have changed in between. Collective. */
static chi_status check_equal(MPI_Comm comm, const chi_plan *plan)
{
  int64_t mine[4] = {plan->n_electrodes, plan->n_events, plan->n_sessions, 0}, first[4];
  for (int64_t i = 0; i < plan->n_sessions; i++) mine[3] += plan->session[i].n_samples;
  memcpy(first, mine, sizeof first);
  MPI_Bcast(first, 4, MPI_INT64_T, 0, comm);
  chi_status s = CHI_OK;
  if (memcmp(first, mine, sizeof first) != 0)
    s = chi_fail(CHI_ERR_IO, "the ranks do not see the same files; start again");
  return chi_agree(comm, s);
}

static chi_status import_responses(const chi_cli *cli, bool treebank)
{
  chi_plan *plan = NULL;
  chi_status s = chi_agree(cli->comm, make_plan(cli->options, treebank, &plan));
  if (s == CHI_OK) s = check_equal(cli->comm, plan);
  if (s == CHI_OK)
    s = chi_import_responses(cli->comm, plan, chi_opt_text(cli->options, "output"),
                             chi_opt_flag(cli->options, "overwrite"));
  chi_plan_destroy(&plan);
  return s;
}

chi_status chi_cli_import_treebank(const chi_cli *cli, int *exit_code)
{
  (void)exit_code;
  return import_responses(cli, true);
}

chi_status chi_cli_import_events(const chi_cli *cli, int *exit_code)
{
  (void)exit_code;
  return import_responses(cli, false);
}
