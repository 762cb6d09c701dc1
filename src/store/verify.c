#include "store/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/agree.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/table.h"
#include "store/config.h"
#include "store/folder.h"
#include "store/internal.h"
#include "store/sites_check.h"
#include "study/layers.h"

enum { MAX_NAMED = 10 };

typedef struct verifying {
  MPI_Comm comm;
  int rank;
  const char *run;
  chi_store *store; /* fit.h5 */
  chi_content fit;
  chi_table table;   /* what was checked, rank 0's */
  chi_text problems; /* lines to print */
  int64_t n_problems;
  bool unfinished;
} verifying;

/* Note a problem: the first ones are shown. */
static void problem(verifying *v, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void problem(verifying *v, const char *format, ...)
{
  char line[CHI_MESSAGE_MAX];
  va_list arguments;
  if (v->n_problems++ >= MAX_NAMED) return;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  chi_text_add_line(&v->problems, "%s", line);
}

/* Add a row to the table. \param[in] before  problems before it was checked */
static void add_row(verifying *v, const char *what, int64_t n, const char *of, int64_t before)
{
  char wrong[32] = "good";
  if (v->n_problems > before)
    snprintf(wrong, sizeof wrong, "%lld wrong", (long long)(v->n_problems - before));
  chi_table_row(&v->table, "%s\t%s\t%lld %s", what, wrong, (long long)n, of);
}

/* ---- the study ---- */

static chi_status open_study(const verifying *v, chi_study **study)
{
  chi_selection selection = {0};
  chi_text models = {0}; /* those that fit.h5 holds: the study may have others now */
  char **name = NULL;
  int64_t n = 0;
  chi_status s = chi_config_selection(v->run, v->fit.config, &selection);
  if (s == CHI_OK) s = chi_content_models(&v->fit, &name, &n);
  if (s == CHI_OK) s = chi_names_join(name, n, &models);
  s = chi_agree(v->comm, s);
  selection.models = models.s;
  if (s == CHI_OK) s = chi_layers_open_study(v->comm, v->fit.study, &selection, study);
  chi_text_free(&models);
  chi_free(name);
  chi_config_selection_free(&selection);
  return s;
}

/* Rank 0: its labels say what has changed, where that is not the numbers alone. */
static void compare_labels(verifying *v, const chi_study *study)
{
  const chi_provenance provenance = {.config = v->fit.config,
                                     .study_checksum = v->fit.study_checksum};
  chi_content content = {0};
  unsigned variants;
  chi_status s = chi_fit_content(study, &content);
  if (s == CHI_OK) s = chi_store_check(v->run, &content, &provenance, &variants);
  if (s != CHI_OK) problem(v, "%s", chi_message());
  chi_content_free(&content);
}

/* The study is there and unchanged, and of the sizes and labels of fit.h5. Collective. */
static chi_status check_study(verifying *v)
{
  const int64_t before = v->n_problems;
  chi_study *study = NULL;
  char checksum[17];
  chi_status s = open_study(v, &study);
  const int64_t n_files = s == CHI_OK ? study->n_files : 0;
  if (s == CHI_OK) s = chi_layers_checksum(v->comm, study, checksum);
  if (s == CHI_ERR_MEMORY) goto cleanup;
  if (s != CHI_OK)
    problem(v, "the study %s: %s", v->fit.study, chi_message());
  else if (strcmp(checksum, v->fit.study_checksum) != 0)
    problem(v,
            "the study %s has changed since the run was made (checksum %s then, %s "
            "now)",
            v->fit.study, v->fit.study_checksum, checksum);
  if (s == CHI_OK && v->rank == 0) compare_labels(v, study);
  add_row(v, "study", n_files, "files", before);
  s = CHI_OK;
cleanup:
  chi_study_destroy(&study);
  return s;
}

/* ---- results files ---- */

static void note_cells(verifying *v, const chi_store *store, const chi_content *labels, int32_t a,
                       int record, const uint8_t *torn, int64_t *written)
{
  const uint8_t *flags = chi_store_flags(store, a, record);
  const int64_t n_blocks = chi_store_blocks(store, a, record);
  const int64_t sites = labels->group[a].length[CHI_SITE];
  char name[1024];
  for (int64_t i = 0; i < chi_store_cells(store, a, record); i++) {
    *written += flags[i] == CHI_DONE_WRITTEN;
    if (flags[i] == CHI_DONE_NOT_YET && !v->unfinished)
      v->unfinished = chi_content_has(labels, a, i / n_blocks / sites, i / n_blocks % sites);
    if (flags[i] <= CHI_DONE_FAILED && torn[i] == 0) continue;
    chi_content_name_cell(labels, a, record, i, name, sizeof name);
    if (flags[i] > CHI_DONE_FAILED)
      problem(v, "%s: %s have the flag %d, expected 0, 1 or 2", labels->schema->file, name,
              flags[i]);
    if (torn[i] != 0) problem(v, "%s: %s do not fit their checksum", labels->schema->file, name);
  }
}

/* Checksums and flags of a record. Collective. \return only what keeps the check from being made */
static chi_status check_cells(verifying *v, const chi_store *store, const chi_content *labels,
                              int record, int64_t *written)
{
  chi_status s = CHI_OK;
  for (int32_t a = 0; a < labels->n_groups && s == CHI_OK; a++) {
    uint8_t *torn = NULL;
    s = chi_agree(v->comm, chi_alloc(chi_store_cells(store, a, record), 1, "flags", &torn));
    if (s == CHI_OK) s = chi_store_find_torn(v->comm, store, a, record, torn);
    if (s == CHI_OK) note_cells(v, store, labels, a, record, torn, written);
    chi_free(torn);
  }
  return s;
}

/* Where the replicates were dropped: those of kept bins. */
static chi_status check_kept(verifying *v, const chi_store *store, const chi_content *labels)
{
  for (int32_t a = 0; a < labels->n_groups; a++) {
    int64_t entry;
    CHI_TRY(chi_store_find_torn_kept(store, a, &entry));
    if (entry >= 0)
      problem(v, "bootstrap.h5: /%s: entry %lld of the kept bins does not fit its checksum",
              labels->group[a].name, (long long)entry);
  }
  return CHI_OK;
}

/* Whether a later stage's file belongs to fit.h5 beside it. */
static void check_labels(verifying *v, const chi_content *of)
{
  const char *file = of->schema->file;
  if (strcmp(of->study_checksum, v->fit.study_checksum) != 0 ||
      strncmp(of->config, v->fit.config, strlen(v->fit.config)) != 0 ||
      of->n_groups != v->fit.n_groups)
    problem(v, "%s: is of another fit than fit.h5", file);
  for (int32_t a = 0; a < of->n_groups; a++) {
    const chi_group_content *g = &of->group[a];
    int32_t at;
    const chi_group_content *fit = chi_content_find(&v->fit, g->name, &at);
    bool same = fit != NULL && fit->length[CHI_SITE] == g->length[CHI_SITE] &&
                fit->length[CHI_TIME] == g->length[CHI_TIME];
    for (int64_t i = 0; same && i < g->length[CHI_SITE]; i++)
      same = strcmp(chi_content_names(&v->fit, at, CHI_SITE)[i],
                    chi_content_names(of, a, CHI_SITE)[i]) == 0;
    if (!same) problem(v, "%s: /%s: its sites and bins are not those of fit.h5", file, g->name);
  }
}

/* All records of an open file. \param[out] what  was written and counted */
static chi_status check_records(verifying *v, const chi_store *store, const chi_content *labels,
                                int64_t *written, const char **what)
{
  const bool dropped = (labels->variants & CHI_DROPPED) != 0;
  check_labels(v, labels);
  for (int record = labels->schema->n_records - 1; record >= (dropped ? 1 : 0); record--) {
    *written = 0;
    CHI_TRY(check_cells(v, store, labels, record, written));
  }
  if (!dropped) return CHI_OK;
  *what = "summaries: the replicates were dropped";
  return check_kept(v, store, labels);
}

/* The file of a later stage, if it is there. Collective. */
static chi_status check_later(verifying *v, const chi_schema *schema)
{
  const int64_t before = v->n_problems;
  const char *what = schema->record[0].block > 0 ? "blocks of replicates" : schema->record[0].noun;
  int64_t written = 0;
  chi_store *store = NULL;
  chi_content labels = {0};
  bool there = chi_run_folder_has(v->run, schema->file);
  MPI_Bcast(&there, 1, MPI_C_BOOL, 0, v->comm);
  if (!there) return CHI_OK;
  chi_status s = chi_agree(v->comm, chi_store_open_read(v->run, schema, &store, &labels));
  if (s == CHI_OK) s = check_records(v, store, &labels, &written, &what);
  if (s == CHI_ERR_INPUT || s == CHI_ERR_IO || s == CHI_ERR_USAGE) {
    problem(v, "%s", chi_message());
    s = CHI_OK;
  }
  if (store != NULL) chi_content_free(&labels);
  s = chi_store_finish(&store, s);
  add_row(v, schema->file, written, what, before);
  return s;
}

/* ---- the other files ---- */

static chi_status open_run(verifying *v)
{
  chi_run_folder_kind kind;
  CHI_TRY(chi_run_folder_look(v->run, &kind));
  if (kind != CHI_FOLDER_RUN) return chi_fail(CHI_ERR_USAGE, "%s: there is no run here", v->run);
  if (!chi_run_folder_has(v->run, "fit.h5"))
    return chi_fail(CHI_ERR_USAGE, "%s: holds no fit.h5 yet: there is nothing to verify", v->run);
  /* a file that is damaged is what was asked about, no bad usage */
  const chi_status s = chi_store_open_read(v->run, &chi_fit_schema, &v->store, &v->fit);
  return s == CHI_ERR_INPUT || s == CHI_ERR_USAGE ? chi_fail(CHI_ERR_IO, "%s", chi_message()) : s;
}

/* Rank 0: one stage's options in config.yaml against those that its file was made with. */
static void check_section(verifying *v, const char *text, const chi_schema *schema)
{
  char *stored = NULL;
  chi_text there = {0}, here = {0};
  if (chi_run_read_file_text(v->run, schema->file, "config", &stored) != CHI_OK) return;
  chi_config_section(stored, schema->stage, &there);
  chi_config_section(text, schema->stage, &here);
  if (chi_config_compare_runs(schema->file, there.s == NULL ? "" : there.s, "config.yaml",
                              here.s == NULL ? "" : here.s, NULL,
                              "the file was made with the first") != CHI_OK)
    problem(v, "config.yaml: %s: %s", schema->stage, chi_message());
  chi_text_free(&there);
  chi_text_free(&here);
  chi_free(stored);
}

static void check_config(verifying *v)
{
  const int64_t before = v->n_problems;
  char path[PATH_MAX], *text = NULL;
  chi_status s = chi_path_join(path, v->run, "config.yaml");
  if (s == CHI_OK) s = chi_text_read(path, path, &text);
  if (s != CHI_OK) problem(v, "%s", chi_message());
  for (int i = 0; i < CHI_N_RESULTS && s == CHI_OK; i++)
    if (chi_run_folder_has(v->run, chi_results[i]->file)) check_section(v, text, chi_results[i]);
  chi_free(text);
  add_row(v, "config.yaml", 1, "file", before);
}

static void check_sites(verifying *v)
{
  const int64_t before = v->n_problems;
  chi_fit_table *tables = NULL;
  int32_t n = 0;
  int64_t rows = 0;
  if (!chi_run_folder_has(v->run, "sites.h5")) return;
  if (chi_run_read_tables(v->run, &tables, &n) != CHI_OK ||
      chi_sites_check(v->run, tables, n, v->fit.study_checksum, &rows) != CHI_OK)
    problem(v, "%s", chi_message());
  chi_fit_tables_free(&tables, n);
  add_row(v, "sites.h5", rows, "rows", before);
}

static chi_status print_end(verifying *v)
{
  chi_text text = {0};
  chi_table_end(&v->table, &text);
  if (v->problems.n > 0) chi_text_add(&text, "\n%s", v->problems.s);
  if (v->n_problems > MAX_NAMED)
    chi_text_add(&text, "and %lld more\n", (long long)(v->n_problems - MAX_NAMED));
  if (v->unfinished) {
    chi_text_add(&text, "\n");
    chi_text_add_line(&text, "%s is not complete; what there is of it was checked", v->run);
  }
  const chi_status s = v->problems.failed ? chi_fail(CHI_ERR_MEMORY, "no memory for what was found")
                                          : chi_text_print(&text);
  chi_text_free(&text);
  return s;
}

static chi_status check_all(verifying *v)
{
  int64_t written = 0;
  CHI_TRY(chi_agree(v->comm, open_run(v)));
  CHI_TRY(check_study(v));
  const int64_t before = v->n_problems;
  CHI_TRY(check_cells(v, v->store, &v->fit, CHI_SCORES, &written));
  add_row(v, "fit.h5", written, "scores", before);
  for (int i = CHI_OF_FIT + 1; i < CHI_N_RESULTS; i++) CHI_TRY(check_later(v, chi_results[i]));
  if (v->rank == 0) check_config(v);
  if (v->rank == 0) check_sites(v);
  return chi_agree(v->comm, v->rank == 0 ? print_end(v) : CHI_OK);
}

chi_status chi_verify(MPI_Comm comm, const char *run, chi_verify_result *result)
{
  verifying v = {.comm = comm, .run = run};
  MPI_Comm_rank(comm, &v.rank);
  chi_table_begin(&v.table, "\t\t");
  chi_status s = check_all(&v);
  *result = (chi_verify_result){.problems = v.n_problems, .unfinished = v.unfinished};
  MPI_Bcast(&result->problems, 1, MPI_INT64_T, 0, comm);
  MPI_Bcast(&result->unfinished, 1, MPI_C_BOOL, 0, comm);
  if (v.store != NULL) chi_content_free(&v.fit);
  s = chi_store_finish(&v.store, s);
  chi_text_free(&v.table.lines);
  chi_text_free(&v.problems);
  return s;
}
