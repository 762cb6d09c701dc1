#include "plan/children.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

enum { MOST_WORDS = 40 };

static void child(chi_child_work *work, void *context, double *value, size_t bytes, int out)
{
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* not to go on alone */
  const bool good = work(context, value) == CHI_OK && write(out, value, bytes) == (ssize_t)bytes;
  if (!good) fprintf(stderr, "chiasm: error: %s\n", chi_message());
  _exit(good ? 0 : 1);
}

/* Add what one process sends. */
static bool collect(int in, int n_values, double *one, double *sum)
{
  char *at = (char *)one;
  size_t left = (size_t)n_values * sizeof *one;
  while (left > 0) {
    const ssize_t got = read(in, at, left);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    left -= (size_t)got;
  }
  for (int k = 0; k < n_values; k++) sum[k] += one[k];
  return true;
}

chi_status chi_children_run(int n, chi_child_work *work, void *context, int n_values, double *value)
{
  int started = 0, *in = NULL;
  pid_t *pid = NULL;
  double *one = NULL;
  bool good = true;
  chi_status s = chi_alloc(n, sizeof *in, "pipes", &in);
  if (s == CHI_OK) s = chi_alloc(n, sizeof *pid, "processes", &pid);
  if (s == CHI_OK) s = chi_alloc(n_values, sizeof *one, "numbers", &one);
  if (s != CHI_OK) goto cleanup;
  fflush(NULL);
  for (; started < n && good; started++) {
    int ends[2];
    if (pipe(ends) != 0) {
      good = false;
      break;
    }
    pid[started] = fork();
    if (pid[started] == 0) child(work, context, one, (size_t)n_values * sizeof *one, ends[1]);
    close(ends[1]);
    in[started] = ends[0];
    good = pid[started] > 0;
  }
  memset(value, 0, (size_t)n_values * sizeof *value);
  for (int i = 0; i < started; i++) {
    good = collect(in[i], n_values, one, value) && good;
    close(in[i]);
    if (pid[i] > 0) waitpid(pid[i], NULL, 0);
  }
  for (int k = 0; k < n_values; k++) value[k] /= n;
  if (!good) s = chi_fail(CHI_ERR_IO, "a process that measures fits did not come to its end");
cleanup:
  chi_free(one);
  chi_free(pid);
  chi_free(in);
  return s;
}

/* Only what is safe after a fork. */
static void run_self(const char *folder, char *line, const char *output)
{
  char program[] = "chiasm", *argument[MOST_WORDS + 1] = {program};
  for (int i = 1; i < MOST_WORDS && line != NULL; i++) argument[i] = strsep(&line, " ");
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (chdir(folder) != 0) _exit(127);
  const int out = open(output == NULL ? "/dev/null" : output, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  const int none = open("/dev/null", O_RDWR);
  if (out < 0 || none < 0) _exit(127);
  dup2(none, 0);
  dup2(out, 1);
  dup2(none, 2);
  execv("/proc/self/exe", argument);
  _exit(127);
}

chi_status chi_children_self(const char *folder, const char *line, const char *output,
                             double *seconds)
{
  int result = 0;
  char words[512];
  snprintf(words, sizeof words, "%s", line);
  fflush(NULL);
  const double start = chi_clock_now();
  const pid_t pid = fork();
  if (pid == 0) run_self(folder, words, output);
  if (pid < 0 || waitpid(pid, &result, 0) != pid)
    return chi_fail(CHI_ERR_IO, "no process could be started: %s", strerror(errno));
  *seconds = chi_clock_now() - start;
  if (WIFEXITED(result) && WEXITSTATUS(result) == 0) return CHI_OK;
  return chi_fail(
      CHI_ERR_IO,
      "chiasm %s, run to time it, ended with %s %d; measure on a machine where it runs, "
      "and give --machine FILE",
      line, WIFEXITED(result) ? "exit code" : "signal",
      WIFEXITED(result) ? WEXITSTATUS(result) : WTERMSIG(result));
}
