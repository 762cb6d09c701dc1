#include "store/merge.h"

#include <stdio.h>

#include "base/agree.h"
#include "base/log.h"
#include "base/table.h"
#include "base/text.h"
#include "store/merge_internal.h"

/* What is there, and how to go on with what is not. */
static chi_status print_end(const chi_merging *m)
{
  const chi_merge_options *o = m->options;
  const chi_merge_counts *fit = &m->counts[CHI_MERGE_FIT];
  const chi_merge_counts *boot = &m->counts[CHI_MERGE_BOOTSTRAP];
  chi_text text = {0};
  chi_table table;
  chi_table_begin(&table, "run\t>models\t>bootstrap");
  for (int i = 0; i < o->n_parts; i++)
    chi_table_row(&table, "%s\t%lld\t%s", m->part[i].run, (long long)m->part[i].n_models,
                  m->part[i].store[CHI_MERGE_BOOTSTRAP] == NULL ? "no" : "yes");
  chi_table_row(&table, "%s\t%lld\t%s", o->run, (long long)m->n_models,
                m->with_bootstrap ? "yes" : "no");
  chi_table_end(&table, &text);
  chi_text_add(&text, "\nscores of layers and sites: %lld, failed: %lld, left: %lld\n",
               (long long)fit->written, (long long)fit->failed, (long long)fit->left);
  if (m->with_bootstrap)
    chi_text_add(&text, "blocks of replicates: %lld, left: %lld\n", (long long)boot->written,
                 (long long)boot->left);
  if (fit->left + fit->failed > 0)
    chi_text_add_line(&text, "to go on: chiasm fit %s -o %s --resume",
                      m->part[0].labels[CHI_MERGE_FIT].study, o->run);
  else if (boot->left > 0)
    chi_text_add_line(&text, "to go on: chiasm bootstrap %s --resume", o->run);
  const chi_status s = chi_text_print(&text);
  chi_text_free(&text);
  return s;
}

/* All parts have a bootstrap, or none has one that can be used. */
static void warn_of_bootstraps(chi_merging *m)
{
  const char *without = NULL;
  const bool whole = m->counts[CHI_MERGE_FIT].left == 0;
  int with = 0;
  for (int i = 0; i < m->options->n_parts; i++) {
    with += m->part[i].store[CHI_MERGE_BOOTSTRAP] != NULL;
    if (m->part[i].store[CHI_MERGE_BOOTSTRAP] == NULL) without = m->part[i].run;
  }
  if (m->with_bootstrap && !whole) {
    m->with_bootstrap = false;
    without = "a part";
  }
  if (m->rank == 0 && with > 0 && !m->with_bootstrap)
    chi_log(CHI_LOG_WARNING,
            "the bootstraps are left out, since %s %s; chiasm bootstrap %s makes one, or bootstrap "
            "that run and merge again with --overwrite",
            without, whole ? "has none" : "is not fitted yet as a whole", m->options->run);
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

/* Make one file of the joined run. \param[in] stage  NULL: of the fit */
static chi_status join_file(chi_merging *m, int file, const chi_merge_stage *stage)
{
  const chi_content *like = &m->part[0].labels[file];
  chi_text config = {0};
  chi_content content = {0};
  chi_store *store = NULL;
  chi_text_add(&config, "%s%s", m->config.s, stage == NULL ? "" : m->section.s);
  chi_status s = config.failed ? chi_fail(CHI_ERR_MEMORY, "no memory for options") : CHI_OK;
  if (s == CHI_OK && stage == NULL) s = chi_fit_content(m->study, &content);
  s = chi_agree(m->comm, s);
  if (s == CHI_OK && stage != NULL)
    s = stage->describe(m->comm, m->options->run, m->study, m->section.s, like, &content);
  const chi_provenance provenance = {.config = config.s,
                                     .section = stage == NULL ? m->later.s : m->section.s,
                                     .study_checksum = m->checksum,
                                     .threads_per_rank = 1,
                                     .blas_kernel = like->kernel,
                                     .libraries = m->options->libraries};
  if (s == CHI_OK)
    s = chi_store_open(m->comm, m->options->run,
                       stage == NULL ? m->options->mode : CHI_RUN_OVERWRITE, &content, &provenance,
                       &store);
  m->begun = m->begun || s == CHI_OK;
  if (s == CHI_OK) s = chi_merge_copy(m, file, &content, store);
  /* where something is left, --resume does that at its end */
  if (s == CHI_OK && stage != NULL && m->counts[file].left == 0)
    s = stage->complete(m->comm, &content, store);
  if (store != NULL) s = chi_store_finish(&store, s);
  chi_content_free(&content);
  chi_text_free(&config);
  return s;
}

static chi_status work(chi_merging *m)
{
  CHI_TRY(join_file(m, CHI_MERGE_FIT, NULL));
  warn_of_bootstraps(m);
  return m->with_bootstrap ? join_file(m, CHI_MERGE_BOOTSTRAP, m->options->bootstrap) : CHI_OK;
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
  chi_kept kept;
  chi_keep(&kept, s);
  chi_merge_close_parts(&m);
  chi_study_destroy(&m.study);
  chi_text *texts[] = {&m.models, &m.config, &m.section, &m.later};
  for (int i = 0; i < 4; i++) chi_text_free(texts[i]);
  return chi_keep_first(&kept, CHI_OK);
}
