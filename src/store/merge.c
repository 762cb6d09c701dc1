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
  const chi_merge_counts *fit = &m->counts[CHI_OF_FIT];
  chi_text text = {0};
  chi_table table;
  bool goes_on = fit->left + fit->failed > 0;
  chi_table_begin(&table, "run\t>models\t>influence\t>bootstrap");
  for (int i = 0; i <= o->n_parts; i++) {
    const bool whole = i == o->n_parts;
    const chi_part *p = whole ? NULL : &m->part[i];
    const bool influence = whole ? m->with[CHI_OF_INFLUENCE] : p->store[CHI_OF_INFLUENCE] != NULL;
    const bool bootstrap = whole ? m->with[CHI_OF_BOOTSTRAP] : p->store[CHI_OF_BOOTSTRAP] != NULL;
    chi_table_row(&table, "%s\t%lld\t%s\t%s", whole ? o->run : p->run,
                  (long long)(whole ? m->n_models : p->n_models), influence ? "yes" : "no",
                  bootstrap ? "yes" : "no");
  }
  chi_table_end(&table, &text);
  chi_text_add(&text, "\nscores of layers and sites: %lld, failed: %lld, left: %lld\n",
               (long long)fit->written, (long long)fit->failed, (long long)fit->left);
  if (goes_on)
    chi_text_add_line(&text, "to go on: chiasm fit %s -o %s --resume",
                      m->part[0].labels[CHI_OF_FIT].study, o->run);
  for (int k = CHI_OF_FIT + 1; k < CHI_N_RESULTS; k++) {
    if (!m->with[k]) continue;
    chi_text_add(&text, "%s: %lld, left: %lld\n",
                 k == CHI_OF_BOOTSTRAP ? "blocks of replicates" : "influences of sites",
                 (long long)m->counts[k].written, (long long)m->counts[k].left);
    if (m->counts[k].left > 0 && !goes_on)
      chi_text_add_line(&text, "to go on: chiasm %s %s --resume", chi_results[k]->stage, o->run);
  }
  const chi_status s = chi_text_print(&text);
  chi_text_free(&text);
  return s;
}

/* All parts have a file of a stage, or none has one that can be used. */
static void warn_of_stage(chi_merging *m, int file)
{
  const char *without = NULL, *stage = chi_results[file]->stage;
  const bool whole = m->counts[CHI_OF_FIT].left == 0;
  int with = 0;
  for (int i = 0; i < m->options->n_parts; i++) {
    with += m->part[i].store[file] != NULL;
    if (m->part[i].store[file] == NULL) without = m->part[i].run;
  }
  if (m->with[file] && !whole) {
    m->with[file] = false;
    without = "a part";
  }
  if (m->rank == 0 && with > 0 && !m->with[file])
    chi_log(CHI_LOG_WARNING,
            "the %ss are left out, since %s %s; chiasm %s %s makes one, or %s that run and merge "
            "again with --overwrite",
            stage, without, whole ? "has none" : "is not fitted yet as a whole", stage,
            m->options->run, stage);
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

/* Make one file of the joined run. */
static chi_status join_file(chi_merging *m, int file)
{
  const chi_merge_stage *stage = m->options->stage[file];
  const chi_content *like = &m->part[0].labels[file];
  const chi_text *section = &m->section[file];
  chi_text config = {0};
  chi_content content = {0};
  chi_store *store = NULL;
  chi_text_add(&config, "%s%s", m->config.s, stage == NULL ? "" : section->s);
  chi_status s = config.failed ? chi_fail(CHI_ERR_MEMORY, "no memory for options") : CHI_OK;
  if (s == CHI_OK && stage == NULL) s = chi_fit_content(m->study, &content);
  s = chi_agree(m->comm, s);
  if (s == CHI_OK && stage != NULL)
    s = stage->describe(m->comm, m->options->run, m->study, section->s, like, &content);
  const chi_provenance provenance = {.config = config.s,
                                     .section = stage == NULL ? m->later.s : section->s,
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
  if (s == CHI_OK && stage != NULL && stage->complete != NULL && m->counts[file].left == 0)
    s = stage->complete(m->comm, &content, store);
  if (store != NULL) s = chi_store_finish(&store, s);
  chi_content_free(&content);
  chi_text_free(&config);
  return s;
}

static chi_status work(chi_merging *m)
{
  CHI_TRY(join_file(m, CHI_OF_FIT));
  for (int file = CHI_OF_FIT + 1; file < CHI_N_RESULTS; file++) {
    warn_of_stage(m, file);
    if (m->with[file]) CHI_TRY(join_file(m, file));
  }
  return CHI_OK;
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
  chi_text *texts[] = {&m.models, &m.config, &m.later};
  for (int i = 0; i < 3; i++) chi_text_free(texts[i]);
  for (int i = 0; i < CHI_N_RESULTS; i++) chi_text_free(&m.section[i]);
  return chi_keep_first(&kept, CHI_OK);
}
