/* A planted study: what was called against STUDY/truth.csv. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/table.h"
#include "sites/internal.h"

/* One line of truth.csv; its texts point into the file's. */
typedef struct planted {
  const char *subject, *alignment, *electrode, *kind;
} planted;

typedef struct truth {
  char *text;
  int64_t n;
  planted *line;
} truth;

static int compare_planted(const void *a, const void *b)
{
  const planted *x = a, *y = b;
  int order = strcmp(x->alignment, y->alignment);
  if (order == 0) order = strcmp(x->subject, y->subject);
  return order != 0 ? order : strcmp(x->electrode, y->electrode);
}

/* Cut a line into four fields, in place; false if it has not as many. */
static bool cut_line(char *line, planted *out)
{
  const char **fields[] = {&out->subject, &out->alignment, &out->electrode, &out->kind};
  for (int i = 0; i < 4; i++) *fields[i] = strsep(&line, ",");
  if (out->kind == NULL || line != NULL) return false;
  for (int i = 0; i < 4; i++) *fields[i] = chi_csv_plain(*fields[i]);
  return true;
}

/* \param[out] good  false with a warning if the file is not as chiasm simulate writes it */
static chi_status parse(const char *path, truth *t, bool *good)
{
  int64_t room = 1;
  char *save;
  for (const char *c = t->text; *c != '\0'; c++) room += *c == '\n' || *c == '\r';
  CHI_TRY(chi_alloc(room, sizeof *t->line, "truth.csv", &t->line));
  char *line = strtok_r(t->text, "\r\n", &save);
  *good = line != NULL && strcmp(line, "subject,alignment,electrode,kind") == 0;
  while (*good && (line = strtok_r(NULL, "\r\n", &save)) != NULL)
    *good = cut_line(line, &t->line[t->n++]);
  *good = *good && t->n > 0;
  if (*good)
    qsort(t->line, (size_t)t->n, sizeof *t->line, compare_planted);
  else
    chi_log(CHI_LOG_WARNING,
            "%s: line %lld is not subject,alignment,electrode,kind: the truth is left out", path,
            (long long)t->n + 1);
  return CHI_OK;
}

/* How many sites there are of a kind, and how many of them are called. */
typedef struct tally {
  const char *name; /* of the kind */
  int64_t sites, called;
} tally;

enum { MAX_KINDS = 16 };

static const char *kind_of(const truth *t, const chi_sites_line *line)
{
  const planted wanted = {line->subject, line->alignment, line->electrode, ""};
  const planted *found = bsearch(&wanted, t->line, (size_t)t->n, sizeof *t->line, compare_planted);
  return found == NULL ? NULL : found->kind;
}

static void count_kind(tally *kinds, int *n, const char *kind, bool called)
{
  int k = 0;
  while (k < *n && strcmp(kinds[k].name, kind) != 0) k++;
  if (k == MAX_KINDS) return;
  if (k == *n) kinds[(*n)++] = (tally){.name = kind};
  kinds[k].sites++;
  kinds[k].called += called;
}

static const char *share(char *room, int64_t part, int64_t of)
{
  return chi_cell(room, "%.3f", of > 0 ? (double)part / (double)of : NAN);
}

/* One alignment's row: all of the called that truth.csv knows, and all of the planted. */
static void add_alignment(const chi_sites_run *run, const truth *t, int32_t a, tally *kinds,
                          int *n_kinds, chi_table *table)
{
  const chi_sites_block *block = chi_sites_block_of(run, run->integration, a);
  int64_t n_called = 0, n_planted = 0, n_found = 0;
  char precision[CHI_CELL], recall[CHI_CELL];
  for (int64_t i = block->first; i < block->first + block->n; i++) {
    const chi_sites_line *line = &run->result[i].line;
    const char *kind = kind_of(t, line);
    if (kind == NULL) continue;
    const bool planted_here = strcmp(kind, "integration") == 0;
    n_called += line->significant;
    n_planted += planted_here;
    n_found += planted_here && line->significant;
    count_kind(kinds, n_kinds, kind, line->significant);
  }
  if (block->n == 0) return;
  chi_table_row(table, "%s\t%lld\t%lld\t%lld\t%s\t%s", run->data[a].fit->alignment,
                (long long)n_called, (long long)n_planted, (long long)n_found,
                share(precision, n_found, n_called), share(recall, n_found, n_planted));
}

static void add_tables(const chi_sites_run *run, const truth *t, chi_text *text)
{
  tally kinds[MAX_KINDS];
  int n_kinds = 0;
  int64_t n = 0;
  chi_table table;
  for (int32_t a = 0; a < run->n_alignments; a++)
    n += chi_sites_block_of(run, run->integration, a)->n;
  if (n == 0) return;
  chi_text_add(text, "\nintegration against truth.csv\n");
  chi_table_begin(&table, "alignment\t>called\t>planted\t>found\t>precision\t>recall");
  for (int32_t a = 0; a < run->n_alignments; a++) add_alignment(run, t, a, kinds, &n_kinds, &table);
  chi_table_end(&table, text);
  chi_table_begin(&table, "kind of site\t>sites\t>called\t>share");
  for (int k = 0; k < n_kinds; k++) {
    char called[CHI_CELL];
    chi_table_row(&table, "%s\t%lld\t%lld\t%s", kinds[k].name, (long long)kinds[k].sites,
                  (long long)kinds[k].called, share(called, kinds[k].called, kinds[k].sites));
  }
  chi_table_end(&table, text);
}

chi_status chi_sites_report_truth(const chi_sites_run *run, chi_text *text)
{
  char path[PATH_MAX];
  struct stat info;
  truth t = {0};
  bool good = false;
  CHI_TRY(chi_path_join(path, run->study, "truth.csv"));
  if (lstat(path, &info) != 0) return CHI_OK;
  if (chi_text_read(path, path, &t.text) != CHI_OK) {
    chi_log(CHI_LOG_WARNING, "%s; the truth is left out", chi_message());
    return CHI_OK;
  }
  const chi_status s = parse(path, &t, &good);
  if (s == CHI_OK && good) add_tables(run, &t, text);
  chi_free(t.line);
  chi_free(t.text);
  return s;
}
