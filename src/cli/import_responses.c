/* chiasm import brain-treebank and chiasm import events: the raw recordings, found the same on
 * every rank, then one call. */
#include <string.h>

#include "base/agree.h"
#include "cli/cli.h"
#include "import/raw.h"
#include "import/responses.h"

/* Whether this is import brain-treebank, not import events. */
static bool is_treebank(const chi_options *o) { return chi_opt_has(o, "trial"); }

static chi_status get_options(const chi_options *o, chi_import_options *out)
{
  double window[2], edges[2] = {0, 0};
  int n_band;
  const double *band = chi_opt_reals(o, "band", &n_band);
  CHI_TRY(chi_cli_reals(o, "window", 2, "two numbers, low,high", window));
  if (n_band != 1 || band[0] != 0)
    CHI_TRY(chi_cli_reals(o, "band", 2, "two numbers, low,high", edges));
  const chi_treatment treatment = {.window_start = window[0],
                                   .window_end = window[1],
                                   .low = edges[0],
                                   .high = edges[1],
                                   .reference = (chi_reference)chi_opt_choice(o, "reference"),
                                   .notch = chi_opt_real(o, "notch"),
                                   .high_pass = chi_opt_real(o, "high-pass"),
                                   .envelope = chi_opt_flag(o, "envelope"),
                                   .zscore = chi_opt_flag(o, "zscore"),
                                   .bin = chi_opt_real(o, "bin"),
                                   .step = chi_opt_real(o, "step"),
                                   .units = chi_opt_text(o, "units")};
  *out = (chi_import_options){.subject = chi_opt_text(o, "subject"),
                              .alignment = chi_opt_text(o, "alignment"),
                              .event_files = chi_opt_text(o, "event-file"),
                              .event_column = chi_opt_text(o, "event-column"),
                              .shaft_pattern = chi_opt_text(o, "shaft-pattern"),
                              .treatment = treatment};
  if (is_treebank(o)) {
    out->trials = chi_opt_reals(o, "trial", &out->n_trials);
    out->atlas = chi_opt_text(o, "atlas");
  } else {
    out->rate = chi_opt_real(o, "rate");
    out->dataset = chi_opt_text(o, "dataset");
    out->names = chi_opt_text(o, "names");
    out->channels = chi_opt_text(o, "channels");
    out->layout = (chi_layout)chi_opt_choice(o, "layout");
  }
  return CHI_OK;
}

static chi_status find_raw(const chi_options *o, chi_raw **raw)
{
  chi_import_options options;
  *raw = NULL;
  CHI_TRY(get_options(o, &options));
  return is_treebank(o) ? chi_treebank_find(chi_opt_argument(o, 0), &options, raw)
                        : chi_plain_find(chi_opt_argument(o, 0), &options, raw);
}

void chi_look_responses(chi_options *options)
{
  chi_raw *raw;
  find_raw(options, &raw);
  chi_raw_destroy(&raw);
}

/* Every rank reads the small files itself; they could have changed in between. Collective. */
static chi_status check_equal(MPI_Comm comm, const chi_raw *raw)
{
  int64_t mine[4] = {raw->n_electrodes, raw->n_events, raw->n_sessions, 0}, first[4];
  for (int64_t i = 0; i < raw->n_sessions; i++) mine[3] += raw->session[i].n_samples;
  memcpy(first, mine, sizeof first);
  MPI_Bcast(first, 4, MPI_INT64_T, 0, comm);
  chi_status s = CHI_OK;
  if (memcmp(first, mine, sizeof first) != 0)
    s = chi_fail(CHI_ERR_IO, "the ranks do not see the same files; start again");
  return chi_agree(comm, s);
}

chi_status chi_cli_import_responses(chi_cli *cli)
{
  const chi_options *o = cli->options;
  chi_raw *raw = NULL;
  chi_status s = chi_agree(cli->comm, find_raw(o, &raw));
  if (s == CHI_OK) s = check_equal(cli->comm, raw);
  if (s == CHI_OK)
    s = chi_import_responses(cli->comm, raw, chi_opt_text(o, "output"),
                             chi_opt_flag(o, "overwrite"));
  chi_raw_destroy(&raw);
  return s;
}
