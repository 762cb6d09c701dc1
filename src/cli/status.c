/* chiasm status: how far a run is, by the flags in fit.h5 and what its job last said. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "chiasm/run.h"
#include "cli/cli.h"
#include "run/bootstrap_read.h"
#include "run/config.h"
#include "run/progress.h"

/* Encoding models: one per feature space, site and bin. */
typedef struct chi_counts {
  int64_t done, failed, left;
} chi_counts;

typedef enum chi_writer { WRITER_NONE, WRITER_THERE, WRITER_UNKNOWN } chi_writer;

static chi_counts count_fit(const chi_fit_table *t)
{
  chi_counts c = {0, 0, 0};
  for (int64_t i = 0; i < t->n_spaces * t->n_sites; i++) {
    if (t->present[i] == 0) continue;
    const uint8_t flag = t->done[i];
    *(flag == CHI_DONE_WRITTEN  ? &c.done
      : flag == CHI_DONE_FAILED ? &c.failed
                                : &c.left) += t->n_times;
  }
  return c;
}

/* What there is to say of a run. */
typedef struct chi_run_state {
  chi_fit_table *fit;
  int32_t n_fit;
  chi_bootstrap_file *file; /* NULL: not bootstrapped */
  const chi_bootstrap_table *bootstrap;
  int32_t n_bootstrap;
  chi_counts fitted, refitted; /* encoding models */
  const char *missing; /* a stage that is to be, by config.yaml, and has not begun; NULL: none */
  bool unfinished;
  chi_writer writer;
  const chi_progress *heard; /* NULL: nothing */
} chi_run_state;

/* Whether some job holds RUN/lock. Where a file system does not say, nobody knows. */
static chi_writer find_writer(const char *run)
{
  chi_text path = {0};
  chi_text_add(&path, "%s/lock", run);
  const int fd = path.failed ? -1 : open(path.s, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  const bool missing = fd < 0 && errno == ENOENT;
  chi_text_free(&path);
  if (fd < 0) return missing ? WRITER_NONE : WRITER_UNKNOWN;
  chi_writer writer = WRITER_NONE;
  if (flock(fd, LOCK_EX | LOCK_NB) != 0)
    writer = errno == EWOULDBLOCK ? WRITER_THERE : WRITER_UNKNOWN;
  close(fd);
  return writer;
}

static chi_status check_folder(const char *run)
{
  struct stat st;
  if (stat(run, &st) != 0)
    return chi_fail(CHI_ERR_INPUT, "%s: no such run: %s", run, strerror(errno));
  if (!S_ISDIR(st.st_mode)) return chi_fail(CHI_ERR_INPUT, "%s: no run: it is no folder", run);
  return CHI_OK;
}

static bool has_file(const char *run, const char *name)
{
  chi_text path = {0};
  chi_text_add(&path, "%s/%s", run, name);
  const bool there = !path.failed && access(path.s, F_OK) == 0;
  chi_text_free(&path);
  return there;
}

static double age_of(const char *iso8601)
{
  struct tm utc = {0};
  if (strptime(iso8601, "%Y-%m-%dT%H:%M:%SZ", &utc) == NULL) return NAN;
  return difftime(time(NULL), timegm(&utc));
}

static void print_row(const char *what, const chi_counts *c, const char *running)
{
  printf("%-16s%16lld%9s%14lld%16lld\n", what, (long long)c->done, running, (long long)c->failed,
         (long long)c->left);
}

/* The line on top: the state, and who works on it. */
static void print_state(const char *run, const chi_run_state *r)
{
  const bool said_running = r->heard != NULL && strcmp(r->heard->state, "running") == 0;
  printf("%s: ", run);
  if (!r->unfinished)
    printf(r->fitted.failed + r->refitted.failed > 0 ? "complete, with failed units" : "complete");
  else if (r->writer == WRITER_THERE && said_running)
    printf("running: %s, %d %s, %s", r->heard->stage, r->heard->ranks,
           r->heard->ranks == 1 ? "rank" : "ranks", r->heard->host);
  else if (r->writer == WRITER_THERE)
    printf("running");
  else if (r->writer == WRITER_UNKNOWN && said_running)
    printf("not complete; whether a job is running cannot be seen here");
  else if (said_running)
    printf("not complete; its job does not seem to be running any more; go on with --resume");
  else if (r->fitted.left + r->refitted.left == 0 && r->missing != NULL)
    printf("not complete: %s is still to be done; no job is running; go on with --resume",
           r->missing);
  else
    printf("not complete; no job is running; go on with --resume");
  printf("\n");
}

static void print_rate(const chi_progress *p, bool running)
{
  char text[64];
  if (running && p->models_per_s > 0) {
    printf("rate: %.0f models per second", p->models_per_s);
    if (isfinite(p->seconds_left)) {
      chi_clock_format(p->seconds_left, text, sizeof text);
      printf("; left: about %s; estimated end: %s", text, p->end);
    }
    printf("\n");
  }
  const double age = age_of(p->written);
  if (!isfinite(age)) return;
  chi_clock_format(age < 0 ? 0 : age, text, sizeof text);
  printf("last heard of: %s (%s ago), state: %s\n", p->written, text, p->state);
}

static void print_counts(const chi_run_state *r)
{
  char name[80];
  print_row("models", &r->fitted, "");
  for (int32_t i = 0; i < r->n_fit; i++) {
    const chi_counts c = count_fit(&r->fit[i]);
    snprintf(name, sizeof name, "  %.70s", r->fit[i].alignment);
    print_row(name, &c, "");
  }
  if (r->file == NULL) return;
  print_row("replicates", &r->refitted, "");
  for (int32_t i = 0; i < r->n_bootstrap; i++) {
    const chi_counts c = {r->bootstrap[i].done, r->bootstrap[i].failed, r->bootstrap[i].left};
    snprintf(name, sizeof name, "  %.70s", r->bootstrap[i].alignment);
    print_row(name, &c, "");
  }
}

static void print_all(const char *run, const chi_run_state *r)
{
  const chi_progress *p = r->heard;
  const bool running = r->writer != WRITER_NONE && r->unfinished;
  print_state(run, r);
  printf("%-16s%16s%9s%14s%16s\n", "", "done", "running", "failed", "left");
  if (p != NULL) {
    char text[32];
    snprintf(text, sizeof text, "%lld", running ? (long long)p->running : 0LL);
    const chi_counts units = {p->done, p->failed, p->left + (running ? 0 : p->running)};
    print_row("units", &units, text);
  }
  print_counts(r);
  if (p != NULL) print_rate(p, running);
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
  return has_file(run, "sites.h5") && has_file(run, "sites.csv") && has_file(run, "regions.csv");
}

/* The first stage that is planned and has no file. */
static const char *find_missing(const char *run)
{
  chi_text path = {0};
  char *text = NULL;
  const char *missing = NULL;
  chi_text_add(&path, "%s/config.yaml", run);
  if (!path.failed && chi_text_read(path.s, path.s, &text) == CHI_OK) {
    if (!has_file(run, "bootstrap.h5") && is_planned(run, text, "bootstrap.replicates"))
      missing = "the bootstrap";
    else if (!has_comparison(run) && is_planned(run, text, "sites.test"))
      missing = "the comparison of sites";
  }
  chi_free(text);
  chi_text_free(&path);
  return missing;
}

static chi_status read_state(const char *run, chi_run_state *r)
{
  CHI_TRY(chi_run_read_tables(run, &r->fit, &r->n_fit));
  for (int32_t i = 0; i < r->n_fit; i++) {
    const chi_counts c = count_fit(&r->fit[i]);
    r->fitted.done += c.done;
    r->fitted.failed += c.failed;
    r->fitted.left += c.left;
  }
  int64_t unsummarised = 0;
  if (has_file(run, "bootstrap.h5"))
    CHI_TRY(chi_bootstrap_file_open(run, &r->file, &r->bootstrap, &r->n_bootstrap));
  for (int32_t i = 0; i < r->n_bootstrap; i++) {
    r->refitted.done += r->bootstrap[i].done;
    r->refitted.failed += r->bootstrap[i].failed;
    r->refitted.left += r->bootstrap[i].left;
    unsummarised += r->bootstrap[i].n_left;
  }
  r->missing = find_missing(run);
  r->unfinished =
      r->fitted.left > 0 || r->refitted.left > 0 || unsummarised > 0 || r->missing != NULL;
  return CHI_OK;
}

chi_status chi_cli_status(chi_cli *cli)
{
  const char *run = chi_opt_argument(cli->options, 0);
  CHI_TRY(check_folder(run));
  /* The lock before the flags: a job that ends in between is then seen complete, not abandoned. */
  chi_run_state r = {.writer = find_writer(run)};
  if (!has_file(run, "fit.h5") && has_file(run, "lock")) {
    printf("%s: %s\n", run,
           r.writer == WRITER_NONE ? "not begun; no job is running; go on with --resume"
                                   : "starting: the study is being read");
    cli->exit_code = 3;
    return CHI_OK;
  }
  chi_progress progress;
  if (chi_progress_read(run, &progress) == CHI_OK) r.heard = &progress;
  const chi_status s = read_state(run, &r);
  if (s == CHI_OK) {
    print_all(run, &r);
    cli->exit_code = r.unfinished ? 3 : r.fitted.failed + r.refitted.failed > 0 ? 1 : 0;
  }
  chi_fit_tables_free(&r.fit, r.n_fit);
  chi_bootstrap_file_close(&r.file);
  return s;
}
