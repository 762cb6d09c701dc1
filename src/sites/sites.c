#include "sites/sites.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/gate.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/stop.h"
#include "sites/internal.h"
#include "store/choose.h"
#include "store/config.h"
#include "store/folder.h"
#include "store/lock.h"

const char *const chi_sites_test_names[] = {"auto",   "influence", "influence-crossed",
                                            "events", "crossed",   "bins"};

/* As chiasm fit --resume: a killed job's ranks may live on for some seconds. */
static const double lock_wait_s = 30;

static chi_status check_folder(const char *run)
{
  chi_run_folder_kind kind;
  CHI_TRY(chi_run_folder_look(run, &kind));
  if (kind == CHI_FOLDER_NONE || kind == CHI_FOLDER_NO_FOLDER)
    return chi_fail(CHI_ERR_INPUT, "%s: no such run", run);
  if (!chi_run_folder_has(run, "fit.h5"))
    return chi_fail(CHI_ERR_INPUT,
                    "%s: has no fit.h5; chiasm fit STUDY -o %s makes it, then chiasm influence %s",
                    run, run, run);
  return CHI_OK;
}

static bool by_influences(const chi_sites_options *o)
{
  return o->test == CHI_SITES_INFLUENCE || o->test == CHI_SITES_INFLUENCE_CROSSED;
}

/* Which test it is, if that was left open; and whether there is what it needs. */
static chi_status choose_test(chi_sites_options *o)
{
  const bool influences = chi_run_folder_has(o->run, "influence.h5");
  const bool bootstrap = chi_run_folder_has(o->run, "bootstrap.h5");
  if (o->test == CHI_SITES_AUTO && !influences && !bootstrap)
    return chi_fail(CHI_ERR_INPUT,
                    "%s: has neither an influence.h5 nor a bootstrap.h5; chiasm influence %s makes "
                    "the one, chiasm bootstrap %s the other",
                    o->run, o->run, o->run);
  if (o->test == CHI_SITES_AUTO)
    o->test = influences ? CHI_SITES_INFLUENCE_CROSSED : CHI_SITES_EVENTS;
  const char *needed = by_influences(o) ? "influence" : "bootstrap";
  if (by_influences(o) ? influences : bootstrap) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: has no %s.h5, which --test %s needs; chiasm %s %s makes it",
                  o->run, needed, chi_sites_test_names[o->test], needed, o->run);
}

/* ---- opening ---- */

static chi_status open_fit(chi_sites_run *r)
{
  const char *run = r->options->run;
  int64_t left = 0, failed = 0;
  CHI_TRY(chi_run_read_text(run, "study", &r->study));
  CHI_TRY(chi_run_read_text(run, "study_checksum", &r->checksum));
  CHI_TRY(chi_run_read_tables(run, &r->fit, &r->n_fit));
  for (int32_t a = 0; a < r->n_fit; a++)
    for (int64_t i = 0; i < r->fit[a].n_spaces * r->fit[a].n_sites; i++) {
      if (r->fit[a].present[i] == 0) continue;
      left += r->fit[a].done[i] == CHI_DONE_NOT_YET;
      failed += r->fit[a].done[i] == CHI_DONE_FAILED;
    }
  if (left > 0)
    return chi_fail(CHI_ERR_INPUT,
                    "%s/fit.h5: is not complete; chiasm fit %s -o %s --resume goes on with it", run,
                    r->study, run);
  if (failed > 0)
    chi_log(CHI_LOG_WARNING, "%s/fit.h5: %lld layers of sites failed and are left out", run,
            (long long)failed);
  return CHI_OK;
}

/* The edges of the fit's alphas, "[0.1, ..., 100000]". */
static chi_status read_edges(const char *run, float edge[2])
{
  char *config = NULL, *alphas = NULL;
  edge[0] = edge[1] = NAN;
  chi_status s = chi_run_read_text(run, "config", &config);
  if (s == CHI_OK) s = chi_config_value(run, config, "fit.alphas", &alphas);
  const char *last = alphas == NULL ? NULL : strrchr(alphas, ' ');
  if (last != NULL) {
    edge[0] = strtof(alphas + 1, NULL);
    edge[1] = strtof(last, NULL);
  }
  chi_free(config);
  chi_free(alphas);
  return s;
}

static chi_status check_draws(chi_sites_run *r)
{
  const char *run = r->options->run, *file = r->draws.schema->file, *stage = r->draws.schema->stage;
  int64_t left = 0, failed = 0;
  if (strcmp(chi_sites_draws_checksum(&r->draws), r->checksum) != 0)
    return chi_fail(CHI_ERR_INPUT,
                    "%s/%s: is of another study than fit.h5 (checksums %s and %s); chiasm %s %s "
                    "--overwrite makes it again",
                    run, file, chi_sites_draws_checksum(&r->draws), r->checksum, stage, run);
  for (int32_t a = 0; a < r->draws.n; a++) {
    left += r->draws.table[a].n_left;
    failed += r->draws.table[a].n_failed;
  }
  if (left > 0)
    return chi_fail(CHI_ERR_INPUT, "%s/%s: is not complete; chiasm %s %s --resume goes on with it",
                    run, file, stage, run);
  if (failed > 0)
    chi_log(CHI_LOG_WARNING, "%s/%s: %s of %lld models of sites failed", run, file,
            r->draws.schema->record[0].noun, (long long)failed);
  return CHI_OK;
}

static const chi_fit_table *find_fit(const chi_sites_run *r, const char *alignment)
{
  for (int32_t a = 0; a < r->n_fit; a++)
    if (strcmp(r->fit[a].alignment, alignment) == 0) return &r->fit[a];
  return NULL;
}

static chi_status open_draws(chi_sites_run *r)
{
  const char *run = r->options->run;
  CHI_TRY(chi_sites_draws_open(run, by_influences(r->options), &r->draws));
  CHI_TRY(check_draws(r));
  float edge[2];
  CHI_TRY(read_edges(run, edge));
  const chi_sites_table *tables = r->draws.table;
  const char *file = r->draws.schema->file, *stage = r->draws.schema->stage;
  const int32_t n = r->draws.n;
  CHI_TRY(chi_alloc(n, sizeof *r->data, "alignments", &r->data));
  for (int32_t a = 0; a < n; a++) {
    const chi_fit_table *fit = find_fit(r, tables[a].alignment);
    if (fit == NULL)
      return chi_fail(CHI_ERR_INPUT,
                      "%s/%s: has the alignment %s, which fit.h5 has not; chiasm %s %s --overwrite "
                      "makes it again",
                      run, file, tables[a].alignment, stage, run);
    r->n_alignments = a + 1;
    CHI_TRY(chi_sites_data_open(run, fit, &tables[a], a, &r->data[a]));
    memcpy(r->data[a].edge, edge, sizeof edge);
    CHI_TRY(chi_run_bins_needed(r->options->min_bins, fit->alignment, fit->n_times,
                                &r->data[a].min_bins));
  }
  if (n == 0) return chi_fail(CHI_ERR_INPUT, "%s/%s: holds no alignment", run, file);
  for (int32_t a = 0; a < r->n_fit; a++) {
    bool found = false;
    for (int32_t b = 0; b < n; b++)
      found = found || strcmp(tables[b].alignment, r->fit[a].alignment) == 0;
    if (!found)
      chi_text_add_line(&r->notes, "%s is left out: %s has nothing of it.", r->fit[a].alignment,
                        file);
  }
  return CHI_OK;
}

/* ---- testing ---- */

static chi_status test_site(chi_sites_run *r, chi_sites_work *work, int32_t a)
{
  for (int32_t c = 0; c < r->integration; c++) {
    const chi_sites_block *block = chi_sites_block_of(r, c, a);
    for (int32_t p = 0; p < block->n_pairs; p++) {
      chi_sites_result *result = &r->result[block->first + work->site * block->n_pairs + p];
      CHI_TRY(r->options->test == CHI_SITES_BINS
                  ? chi_sites_test_bins(work, &block->pair[p], result)
                  : chi_sites_test_halves(work, &block->pair[p], result));
      chi_sites_name_models(work, &block->pair[p], result);
    }
  }
  return CHI_OK;
}

/* One alignment's numbers are held at a time, and one site's draws. */
static chi_status test_alignment(chi_sites_run *r, int32_t a)
{
  chi_sites_data *d = &r->data[a];
  chi_sites_work work = {0};
  chi_status s = chi_sites_data_read(&r->draws, d);
  if (s == CHI_OK) s = chi_sites_work_begin(&r->draws, d, r->options, &work);
  for (int64_t site = 0; site < d->n_sites && s == CHI_OK; site++) {
    (void)chi_gate("sites.site");
    s = chi_stop_asked() ? chi_fail(CHI_STOPPED, "sites: stopped by a signal; nothing is written")
                         : chi_sites_work_site(&work, site);
    if (s == CHI_OK) s = test_site(r, &work, a);
  }
  chi_sites_work_end(&work);
  chi_sites_data_drop(d);
  return s;
}

/* ---- the end ---- */

static chi_status put_config(chi_sites_run *r)
{
  char path[PATH_MAX];
  CHI_TRY(chi_path_join(path, r->options->run, "config.yaml"));
  CHI_TRY(chi_config_put(r->options->run, "sites", r->options->config));
  return chi_text_read(path, path, &r->config);
}

static void log_end(const chi_sites_run *r)
{
  for (int32_t c = 0; c < r->n_comparisons; c++)
    for (int32_t a = 0; a < r->n_alignments; a++) {
      const chi_sites_block *block = chi_sites_block_of(r, c, a);
      if (block->n == 0) continue;
      const chi_sites_line *line = &r->result[block->first].line;
      const chi_sites_count n = chi_sites_count_block(r, block);
      chi_log(CHI_LOG_FILE, "sites: %s, %s: %lld sites, %lld tested, %lld significant",
              line->comparison, line->alignment, (long long)n.sites, (long long)n.tested,
              (long long)n.significant);
    }
  chi_log_lines(CHI_LOG_FILE, "sites: ", r->notes.s);
}

static chi_status print_report(const chi_sites_run *r)
{
  chi_text text = {0};
  chi_status s = chi_sites_report(r, &text);
  if (s == CHI_OK) s = chi_text_print(&text);
  chi_text_free(&text);
  return s;
}

static chi_status run_stage(chi_sites_run *r)
{
  const chi_sites_options *o = r->options;
  char log[PATH_MAX];
  CHI_TRY(chi_lock_alone(o->run, lock_wait_s, &r->lock));
  CHI_TRY(chi_run_folder_take(o->run));
  CHI_TRY(chi_path_join(log, o->run, "log.txt"));
  chi_log_set_file(log);
  CHI_TRY(open_fit(r));
  CHI_TRY(open_draws(r));
  CHI_TRY(chi_sites_list(r));
  CHI_TRY(chi_sites_place_results(r));
  chi_log(CHI_LOG_INFO, "chiasm %s: sites of %s; test: %s, %s: %lld, threads: %d", CHIASM_VERSION,
          o->run, chi_sites_test_names[o->test],
          by_influences(o) ? "blocks of events" : "replicates",
          (long long)r->data[0].draws->n_draws, (int)o->threads);
  for (int32_t a = 0; a < r->n_alignments; a++) CHI_TRY(test_alignment(r, a));
  CHI_TRY(chi_sites_combine(r));
  CHI_TRY(put_config(r));
  CHI_TRY(chi_sites_write(r));
  log_end(r);
  return print_report(r);
}

chi_status chi_sites(const chi_sites_options *options)
{
  chi_sites_options chosen = *options;
  chi_sites_run r = {.options = &chosen, .lock = -1};
  chi_text config = {0}; /* with the test that it is */
  CHI_TRY(check_folder(options->run));
  CHI_TRY(choose_test(&chosen));
  chi_config_set(options->config, "test", chi_sites_test_names[chosen.test], &config);
  chosen.config = config.s;
  const chi_status s =
      config.failed ? chi_fail(CHI_ERR_MEMORY, "no memory for options") : run_stage(&r);
  chi_sites_list_free(&r);
  for (int32_t a = 0; a < r.n_alignments; a++) chi_sites_data_free(&r.data[a]);
  chi_free(r.data);
  chi_sites_draws_close(&r.draws);
  chi_fit_tables_free(&r.fit, r.n_fit);
  chi_free(r.study);
  chi_free(r.checksum);
  chi_free(r.config);
  chi_text_free(&r.notes);
  chi_text_free(&config);
  chi_lock_release(&r.lock);
  return s;
}
