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
#include "chiasm/run.h"
#include "cli/cli.h"
#include "run/progress.h"

/* Encoding models: one per feature space, site and bin. */
typedef struct chi_counts {
  int64_t done, failed, left;
} chi_counts;

typedef enum chi_writer { WRITER_NONE, WRITER_THERE, WRITER_UNKNOWN } chi_writer;

static chi_counts count_flags(const chi_fit_table *t)
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
static void print_state(const char *run, const chi_counts *all, chi_writer writer,
                        const chi_progress *p)
{
  const bool said_running = p != NULL && strcmp(p->state, "running") == 0;
  printf("%s: ", run);
  if (all->left == 0)
    printf(all->failed > 0 ? "complete, with failed units" : "complete");
  else if (writer == WRITER_THERE && p != NULL && said_running)
    printf("running: %s, %d %s, %s", p->stage, p->ranks, p->ranks == 1 ? "rank" : "ranks", p->host);
  else if (writer == WRITER_THERE)
    printf("running");
  else if (writer == WRITER_UNKNOWN && said_running)
    printf("not complete; whether a job is running cannot be seen here");
  else if (said_running)
    printf("not complete; its job does not seem to be running any more; go on with --resume");
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

static void print_all(const char *run, const chi_fit_table *tables, int32_t n, chi_writer writer,
                      const chi_progress *p, const chi_counts *all)
{
  print_state(run, all, writer, p);
  printf("%-16s%16s%9s%14s%16s\n", "", "done", "running", "failed", "left");
  if (p != NULL) {
    const bool running = writer != WRITER_NONE && all->left > 0;
    char text[32];
    snprintf(text, sizeof text, "%lld", running ? (long long)p->running : 0LL);
    const chi_counts units = {p->done, p->failed, p->left + (running ? 0 : p->running)};
    print_row("units", &units, text);
  }
  print_row("models", all, "");
  for (int32_t i = 0; i < n; i++) {
    const chi_counts c = count_flags(&tables[i]);
    char name[80];
    snprintf(name, sizeof name, "  %.70s", tables[i].alignment);
    print_row(name, &c, "");
  }
  if (p != NULL) print_rate(p, writer != WRITER_NONE && all->left > 0);
}

chi_status chi_cli_status(const chi_cli *cli, int *exit_code)
{
  const char *run = chi_opt_argument(cli->options, 0);
  CHI_TRY(check_folder(run));
  /* The lock before the flags: a job that ends in between is then seen complete, not abandoned. */
  const chi_writer writer = find_writer(run);
  if (!has_file(run, "fit.h5") && has_file(run, "lock")) {
    printf("%s: %s\n", run,
           writer == WRITER_NONE ? "not begun; no job is running; go on with --resume"
                                 : "starting: the study is being read");
    *exit_code = 3;
    return CHI_OK;
  }
  chi_fit_table *tables = NULL;
  int32_t n = 0;
  CHI_TRY(chi_run_read_tables(run, &tables, &n));
  chi_progress progress;
  const bool heard = chi_progress_read(run, &progress) == CHI_OK;
  chi_counts all = {0, 0, 0};
  for (int32_t i = 0; i < n; i++) {
    const chi_counts c = count_flags(&tables[i]);
    all.done += c.done;
    all.failed += c.failed;
    all.left += c.left;
  }
  print_all(run, tables, n, writer, heard ? &progress : NULL, &all);
  chi_fit_tables_free(&tables, n);
  *exit_code = all.left > 0 ? 3 : all.failed > 0 ? 1 : 0;
  return CHI_OK;
}
