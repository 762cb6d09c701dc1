#include "verify/verify.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/agree.h"
#include "base/file.h"
#include "base/memory.h"
#include "run/config.h"
#include "run/folder.h"
#include "run/sites_check.h"
#include "verify/internal.h"

enum { MAX_NAMED = 10 };

void chi_verify_problem(chi_verifying *v, const char *format, ...)
{
  char line[CHI_MESSAGE_MAX];
  va_list arguments;
  if (v->n_problems++ >= MAX_NAMED) return;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  chi_text_add(&v->problems, "%s\n", line);
}

void chi_verify_row(chi_verifying *v, const char *what, int64_t n, const char *of, int64_t before)
{
  char wrong[32] = "good";
  if (v->n_problems > before)
    snprintf(wrong, sizeof wrong, "%lld wrong", (long long)(v->n_problems - before));
  chi_text_add(&v->table, "%-16s%-14s%12lld %s\n", what, wrong, (long long)n, of);
}

static chi_status open_run(chi_verifying *v)
{
  chi_run_folder_kind kind;
  CHI_TRY(chi_run_folder_look(v->run, &kind));
  if (kind != CHI_FOLDER_RUN) return chi_fail(CHI_ERR_USAGE, "%s: there is no run here", v->run);
  if (!chi_run_folder_has(v->run, "fit.h5"))
    return chi_fail(CHI_ERR_USAGE, "%s: holds no fit.h5 yet: there is nothing to verify", v->run);
  chi_status s = chi_run_read_tables(v->run, &v->tables, &v->n);
  if (s == CHI_OK) s = chi_run_read_text(v->run, "study", &v->study);
  if (s == CHI_OK) s = chi_run_read_text(v->run, "config", &v->config);
  if (s == CHI_OK) s = chi_run_read_text(v->run, "study_checksum", &v->checksum);
  return s == CHI_ERR_INPUT ? chi_fail(CHI_ERR_IO, "%s", chi_message()) : s;
}

/* Rank 0: one stage's options in config.yaml against those that its file was made with. */
static void check_section(chi_verifying *v, const char *text, const char *stage, const char *file)
{
  char *stored = NULL;
  chi_text there = {0}, here = {0};
  if (chi_run_read_file_text(v->run, file, "config", &stored) != CHI_OK) return;
  chi_config_section(stored, stage, &there);
  chi_config_section(text, stage, &here);
  if (chi_config_compare_runs(file, there.s == NULL ? "" : there.s, "config.yaml",
                              here.s == NULL ? "" : here.s, NULL,
                              "the file was made with the first") != CHI_OK)
    chi_verify_problem(v, "config.yaml: %s: %s", stage, chi_message());
  chi_text_free(&there);
  chi_text_free(&here);
  chi_free(stored);
}

static void check_config(chi_verifying *v)
{
  const int64_t before = v->n_problems;
  char path[PATH_MAX], *text = NULL;
  chi_status s = chi_path_join(path, v->run, "config.yaml");
  if (s == CHI_OK) s = chi_text_read(path, path, &text);
  if (s != CHI_OK) {
    chi_verify_problem(v, "%s", chi_message());
  } else {
    check_section(v, text, "fit", "fit.h5");
    if (chi_run_folder_has(v->run, "bootstrap.h5"))
      check_section(v, text, "bootstrap", "bootstrap.h5");
  }
  chi_free(text);
  chi_verify_row(v, "config.yaml", 1, "file", before);
}

static void check_sites(chi_verifying *v)
{
  const int64_t before = v->n_problems;
  int64_t rows = 0;
  if (!chi_run_folder_has(v->run, "sites.h5")) return;
  if (chi_sites_check(v->run, v->tables, v->n, v->checksum, &rows) != CHI_OK)
    chi_verify_problem(v, "%s", chi_message());
  chi_verify_row(v, "sites.h5", rows, "rows", before);
}

static chi_status print_end(const chi_verifying *v)
{
  chi_text text = {0};
  chi_text_add(&text, "%s", v->table.s);
  if (v->problems.n > 0) chi_text_add(&text, "\n%s", v->problems.s);
  if (v->n_problems > MAX_NAMED)
    chi_text_add(&text, "and %lld more\n", (long long)(v->n_problems - MAX_NAMED));
  if (v->unfinished)
    chi_text_add(&text, "\n%s is not complete; what there is of it was checked\n", v->run);
  const chi_status s = v->table.failed || v->problems.failed
                           ? chi_fail(CHI_ERR_MEMORY, "no memory for what was found")
                           : chi_text_print(&text);
  chi_text_free(&text);
  return s;
}

static chi_status check_all(chi_verifying *v)
{
  CHI_TRY(chi_agree(v->comm, open_run(v)));
  CHI_TRY(chi_verify_study(v));
  CHI_TRY(chi_verify_fit(v));
  CHI_TRY(chi_verify_bootstrap(v));
  if (v->rank == 0) check_config(v);
  if (v->rank == 0) check_sites(v);
  return chi_agree(v->comm, v->rank == 0 ? print_end(v) : CHI_OK);
}

chi_status chi_verify(MPI_Comm comm, const char *run, chi_verify_result *result)
{
  chi_verifying v = {.comm = comm, .run = run};
  MPI_Comm_rank(comm, &v.rank);
  MPI_Comm_size(comm, &v.size);
  const chi_status s = check_all(&v);
  *result = (chi_verify_result){.problems = v.n_problems, .unfinished = v.unfinished};
  MPI_Bcast(&result->problems, 1, MPI_INT64_T, 0, comm);
  MPI_Bcast(&result->unfinished, 1, MPI_C_BOOL, 0, comm);
  chi_fit_tables_free(&v.tables, v.n);
  chi_text_free(&v.table);
  chi_text_free(&v.problems);
  chi_free(v.study);
  chi_free(v.config);
  chi_free(v.checksum);
  return s;
}
