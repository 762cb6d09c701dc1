#include "store/status.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/gate.h"
#include "base/memory.h"
#include "base/table.h"
#include "store/config.h"
#include "store/folder.h"
#include "store/lock.h"
#include "store/progress.h"
#include "store/store.h"

enum { MANY_GROUPS = 64 };

/* What is counted of each file; an option by which config.yaml shows that the run is to have it,
 * and what it then lacks. */
static const struct {
  const char *what, *option, *missing;
} files[CHI_N_RESULTS] = {
    [CHI_OF_FIT] = {"models", NULL, NULL},
    [CHI_OF_INFLUENCE] = {"influences", "influence.residual", "the influences"},
    [CHI_OF_BOOTSTRAP] = {"replicates", "bootstrap.replicates", "the bootstrap"}};

/* Of one file: encoding models in all, and by alignment. */
typedef struct file_state {
  bool there;
  chi_counts all, group[MANY_GROUPS];
  char name[MANY_GROUPS][80];
  int32_t n_groups;
} file_state;

/* What there is to say of a run. */
typedef struct run_state {
  bool begun; /* it has a fit.h5; nothing else is known where not, but the writer */
  file_state file[CHI_N_RESULTS];
  int64_t left, failed; /* encoding models and what is made of them, of all files */
  const char *missing;  /* a stage that is to be, by config.yaml, and has not begun; NULL: none */
  bool unfinished;
  chi_lock_holder writer;
  const chi_progress *heard; /* what its job last said; NULL: nothing */
  chi_progress said;
} run_state;

static chi_status check_folder(const char *run)
{
  struct stat st;
  if (stat(run, &st) != 0)
    return chi_fail(CHI_ERR_INPUT, "%s: no such run: %s", run, strerror(errno));
  if (!S_ISDIR(st.st_mode)) return chi_fail(CHI_ERR_INPUT, "%s: no run: it is no folder", run);
  return CHI_OK;
}

static double age_of(const char *iso8601)
{
  struct tm utc = {0};
  if (strptime(iso8601, "%Y-%m-%dT%H:%M:%SZ", &utc) == NULL) return NAN;
  return difftime(time(NULL), timegm(&utc));
}

static void add_row(chi_table *table, const char *what, const chi_counts *c, const char *running)
{
  chi_table_row(table, "%s\t%lld\t%s\t%lld\t%lld", what, (long long)c->done, running,
                (long long)c->failed, (long long)c->left);
}

/* The line on top: the state, and who works on it. */
static void add_state(const char *run, const run_state *r, chi_text *out)
{
  const bool said_running = r->heard != NULL && strcmp(r->heard->state, "running") == 0;
  if (!r->begun)
    chi_text_add_line(out, "%s: %s", run,
                      r->writer == CHI_LOCK_FREE
                          ? "not begun; no job is running; go on with --resume"
                          : "starting: the study is being read");
  else if (!r->unfinished)
    chi_text_add_line(out, "%s: complete%s", run, r->failed > 0 ? ", with failed units" : "");
  else if (r->writer == CHI_LOCK_HELD && said_running)
    chi_text_add_line(out, "%s: running: %s, %d %s, %s", run, r->heard->stage, r->heard->ranks,
                      r->heard->ranks == 1 ? "rank" : "ranks", r->heard->host);
  else if (r->writer == CHI_LOCK_HELD && r->left == 0 && r->missing != NULL)
    chi_text_add_line(out, "%s: running; still to be done: %s", run, r->missing);
  else if (r->writer == CHI_LOCK_HELD)
    chi_text_add_line(out, "%s: running", run);
  else if (r->writer == CHI_LOCK_UNKNOWN)
    chi_text_add_line(out, "%s: not complete; whether a job is running cannot be seen here", run);
  else if (said_running)
    chi_text_add_line(
        out, "%s: not complete; its job does not seem to be running any more; go on with --resume",
        run);
  else if (r->left == 0 && r->missing != NULL)
    chi_text_add_line(
        out, "%s: not complete: %s is still to be done; no job is running; go on with --resume",
        run, r->missing);
  else
    chi_text_add_line(out, "%s: not complete; no job is running; go on with --resume", run);
}

static void add_rate(const chi_progress *p, bool running, chi_text *out)
{
  char text[64];
  if (running && strcmp(p->state, "running") == 0 && p->models_per_s > 0) {
    if (isfinite(p->seconds_left)) {
      chi_clock_format(p->seconds_left, text, sizeof text);
      chi_text_add_line(out, "rate: %.0f models per second; left: about %s; estimated end: %s",
                        p->models_per_s, text, p->end);
    } else {
      chi_text_add_line(out, "rate: %.0f models per second", p->models_per_s);
    }
  }
  const double age = age_of(p->written);
  if (!isfinite(age)) return;
  chi_clock_format(age < 0 ? 0 : age, text, sizeof text);
  chi_text_add_line(out, "last heard of: %s (%s ago), state: %s", p->written, text, p->state);
}

static void add_counts(const run_state *r, chi_table *table)
{
  for (int i = 0; i < CHI_N_RESULTS; i++) {
    const file_state *f = &r->file[i];
    if (!f->there) continue;
    add_row(table, files[i].what, &f->all, "");
    for (int32_t a = 0; a < f->n_groups; a++) add_row(table, f->name[a], &f->group[a], "");
  }
}

static chi_status print(chi_text *text)
{
  const chi_status s = chi_text_print(text);
  chi_text_free(text);
  return s;
}

static chi_status print_all(const char *run, const run_state *r)
{
  const chi_progress *p = r->heard;
  const bool running = r->writer != CHI_LOCK_FREE && r->unfinished;
  chi_table table;
  chi_text text = {0};
  add_state(run, r, &text);
  if (!r->begun) return print(&text);
  chi_table_begin(&table, "\t>done\t>running\t>failed\t>left");
  if (p != NULL) {
    char now[32];
    snprintf(now, sizeof now, "%lld", running ? (long long)p->running : 0LL);
    const chi_counts units = {p->done, p->failed, p->left + (running ? 0 : p->running)};
    add_row(&table, "units", &units, now);
  }
  add_counts(r, &table);
  chi_table_end(&table, &text);
  if (p != NULL) add_rate(p, running, &text);
  return print(&text);
}

/* Whether config.yaml holds an option of a stage: then the run is to have that stage. */
static bool is_planned(const char *run, const char *text, const char *option)
{
  char *value = NULL;
  const bool found = chi_config_value(run, text, option, &value) == CHI_OK && value != NULL;
  chi_free(value);
  return found;
}

static bool has_comparison(const char *run)
{
  return chi_run_folder_has(run, "sites.h5") && chi_run_folder_has(run, "sites.csv") &&
         chi_run_folder_has(run, "regions.csv");
}

/* The first stage that is planned and has no file. */
static const char *find_missing(const char *run)
{
  char path[PATH_MAX], *text = NULL;
  const char *missing = NULL;
  if (chi_path_join(path, run, "config.yaml") != CHI_OK ||
      chi_text_read(path, path, &text) != CHI_OK)
    return NULL;
  for (int i = CHI_OF_FIT + 1; i < CHI_N_RESULTS && missing == NULL; i++)
    if (!chi_run_folder_has(run, chi_results[i]->file) && is_planned(run, text, files[i].option))
      missing = files[i].missing;
  if (missing == NULL && !has_comparison(run) && is_planned(run, text, "sites.test"))
    missing = "the comparison of sites";
  chi_free(text);
  return missing;
}

static void add(chi_counts *sum, const chi_counts *c)
{
  sum->done += c->done;
  sum->failed += c->failed;
  sum->left += c->left;
}

static void count_file(const chi_store *store, const chi_content *content, file_state *f,
                       run_state *r)
{
  for (int32_t a = 0; a < content->n_groups; a++) {
    const chi_counts c = chi_store_count(store, content, a, 0, true);
    add(&f->all, &c);
    for (int k = 1; k < content->schema->n_records; k++)
      r->unfinished = r->unfinished || chi_store_count(store, content, a, k, false).left > 0;
    if (f->n_groups == MANY_GROUPS) continue; /* in the sum alone */
    snprintf(f->name[f->n_groups], sizeof f->name[0], "  %.70s", content->group[a].name);
    f->group[f->n_groups++] = c;
  }
  f->there = true;
  r->left += f->all.left;
  r->failed += f->all.failed;
}

static chi_status read_state(const char *run, run_state *r)
{
  for (int i = 0; i < CHI_N_RESULTS; i++) {
    chi_store *store = NULL;
    chi_content content;
    if (!chi_results[i]->first && !chi_run_folder_has(run, chi_results[i]->file)) continue;
    CHI_TRY(chi_store_open_read(run, chi_results[i], &store, &content));
    (void)chi_gate("status.file");
    count_file(store, &content, &r->file[i], r);
    chi_content_free(&content);
    chi_store_finish(&store, CHI_OK);
  }
  r->missing = find_missing(run);
  r->unfinished = r->unfinished || r->left > 0 || r->missing != NULL;
  return CHI_OK;
}

static chi_status look(const char *run, run_state *r)
{
  /* The lock before the flags: a job that ends in between is then seen complete, not abandoned. */
  *r = (run_state){.writer = chi_lock_look(run), .unfinished = true};
  if (!chi_run_folder_has(run, "fit.h5") && chi_run_folder_has(run, "lock")) return CHI_OK;
  r->begun = true;
  r->unfinished = false;
  if (chi_progress_read(run, &r->said) == CHI_OK) r->heard = &r->said;
  return read_state(run, r);
}

/* ---- a job array, whose runs are joined at its end ---- */

static int is_no_dot(const struct dirent *entry) { return entry->d_name[0] != '.'; }

/* One line of the state of each run in the folder, and a table of their encoding models. */
static void add_parts(const char *folder, struct dirent **entry, int n, chi_text *out)
{
  chi_table table;
  char run[PATH_MAX];
  run_state r;
  chi_table_begin(&table, "\t>done\t>running\t>failed\t>left");
  for (int i = 0; i < n; i++) {
    chi_run_folder_kind kind;
    if (chi_path_join(run, folder, entry[i]->d_name) != CHI_OK ||
        chi_run_folder_look(run, &kind) != CHI_OK || kind != CHI_FOLDER_RUN)
      continue;
    if (look(run, &r) != CHI_OK) {
      chi_text_add_line(out, "%s", chi_message());
      continue;
    }
    add_state(run, &r, out);
    if (r.begun) add_row(&table, entry[i]->d_name, &r.file[0].all, "");
  }
  chi_table_end(&table, out);
}

static chi_status print_parts(const char *run, const char *folder)
{
  struct dirent **entry = NULL;
  const int n = scandir(folder, &entry, is_no_dot, alphasort);
  if (n < 0) return chi_fail(CHI_ERR_IO, "%s: cannot be read: %s", folder, strerror(errno));
  chi_text text = {0};
  chi_text_add_line(&text, "%s: not there yet; the runs that are to be joined into it:", run);
  add_parts(folder, entry, n, &text);
  for (int i = 0; i < n; i++) free(entry[i]);
  free(entry);
  return print(&text);
}

/* RUN.parts, as jobs/sweep-array.sbatch names it. */
static bool has_parts(const char *run, char *folder)
{
  int n = (int)strlen(run);
  while (n > 1 && run[n - 1] == '/') n--;
  n = snprintf(folder, PATH_MAX, "%.*s.parts", n, run);
  struct stat st;
  return n < PATH_MAX && stat(run, &st) != 0 && stat(folder, &st) == 0 && S_ISDIR(st.st_mode);
}

chi_status chi_run_status(const char *run, int *exit_code)
{
  char parts[PATH_MAX];
  run_state r;
  if (has_parts(run, parts)) {
    *exit_code = 3;
    return print_parts(run, parts);
  }
  CHI_TRY(check_folder(run));
  CHI_TRY(look(run, &r));
  *exit_code = r.unfinished ? 3 : r.failed > 0 ? 1 : 0;
  return print_all(run, &r);
}
