#include "merge/merge.h"

#include <stdio.h>

#include "base/agree.h"
#include "base/log.h"
#include "base/text.h"
#include "merge/internal.h"

/* What is there, and how to go on with what is not. */
static chi_status print_end(const chi_merging *m)
{
  const chi_merge_options *o = m->options;
  const char *study = m->part[0].study;
  chi_text text = {0};
  chi_text_add(&text, "%-40s%10s%16s\n", "run", "models", "bootstrap");
  for (int i = 0; i < o->n_parts; i++)
    chi_text_add(&text, "%-40s%10lld%16s\n", m->part[i].run, (long long)m->part[i].n_models,
                 m->part[i].boot_file == NULL ? "no" : "yes");
  chi_text_add(&text, "%-40s%10lld%16s\n\n", o->run, (long long)m->n_models,
               m->with_bootstrap ? "yes" : "no");
  chi_text_add(&text, "scores of layers and sites: %lld, failed: %lld, left: %lld\n",
               (long long)m->written, (long long)m->failed, (long long)m->left);
  if (m->with_bootstrap)
    chi_text_add(&text, "blocks of replicates: %lld, left: %lld\n", (long long)m->boot_written,
                 (long long)m->boot_left);
  if (m->left + m->failed > 0)
    chi_text_add(&text, "to go on: chiasm fit %s -o %s --resume\n", study, o->run);
  else if (m->boot_left > 0)
    chi_text_add(&text, "to go on: chiasm bootstrap %s --resume\n", o->run);
  const chi_status s = chi_text_print(&text);
  chi_text_free(&text);
  return s;
}

/* All parts have a bootstrap, or none has one that can be used. */
static void warn_of_bootstraps(chi_merging *m)
{
  const char *without = NULL;
  int with = 0;
  for (int i = 0; i < m->options->n_parts; i++) {
    with += m->part[i].boot_file != NULL;
    if (m->part[i].boot_file == NULL) without = m->part[i].run;
  }
  if (m->with_bootstrap && m->left > 0) {
    m->with_bootstrap = false;
    without = "a part";
  }
  if (m->rank == 0 && with > 0 && !m->with_bootstrap)
    chi_log(CHI_LOG_WARNING,
            "the bootstraps are left out, since %s %s; chiasm bootstrap %s makes one, or bootstrap "
            "that run and merge again with --overwrite",
            without, m->left > 0 ? "is not fitted yet as a whole" : "has none", m->options->run);
}

/* What has been copied when something goes wrong is right, and what is missing is not flagged. */
static void warn_of_rest(const chi_merging *m)
{
  if (m->rank == 0 && m->begun)
    chi_log(CHI_LOG_WARNING,
            "%s: was not joined to its end: merge again with --overwrite, once what is wrong has "
            "been put right",
            m->options->run);
}

static chi_status work(chi_merging *m)
{
  CHI_TRY(chi_merge_fit(m));
  warn_of_bootstraps(m);
  return m->with_bootstrap ? chi_merge_bootstrap(m) : CHI_OK;
}

static chi_status prepare(chi_merging *m)
{
  CHI_TRY(chi_merge_open_parts(m));
  CHI_TRY(chi_merge_open_study(m));
  return chi_agree(m->comm, chi_merge_make_config(m));
}

chi_status chi_merge(MPI_Comm comm, const chi_merge_options *options)
{
  chi_merging m = {.comm = comm, .options = options};
  MPI_Comm_rank(comm, &m.rank);
  MPI_Comm_size(comm, &m.size);
  chi_status s = prepare(&m);
  if (s == CHI_OK) {
    s = work(&m);
    if (s != CHI_OK) warn_of_rest(&m);
  }
  if (s == CHI_OK) s = chi_agree(comm, m.rank == 0 ? print_end(&m) : CHI_OK);
  char message[CHI_MESSAGE_MAX];
  snprintf(message, sizeof message, "%s", chi_message());
  chi_merge_close_parts(&m);
  chi_study_destroy(&m.study);
  chi_text *texts[] = {&m.models, &m.config, &m.section, &m.later};
  for (int i = 0; i < 4; i++) chi_text_free(texts[i]);
  return s == CHI_OK ? s : chi_fail(s, "%s", message);
}
