#include "plan/children.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum { MOST_WORDS = 40 };

chi_status chi_children_run(int n, chi_child_work *work, void *context, int n_values, double *value)
{
  const size_t bytes = (size_t)n * (size_t)n_values * sizeof *value;
  double *shared =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0); /* zeros */
  if (shared == MAP_FAILED)
    return chi_fail(CHI_ERR_MEMORY, "no memory for the numbers of processes that measure fits");
  bool good = true;
  int started = 0;
  fflush(NULL);
  for (; started < n && good; started++) {
    const pid_t pid = fork();
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL); /* not to go on alone */
      const chi_status s = work(context, shared + (ptrdiff_t)started * n_values);
      if (s != CHI_OK) fprintf(stderr, "chiasm: error: %s\n", chi_message());
      _exit(s == CHI_OK ? 0 : 1);
    }
    good = pid > 0;
  }
  for (int i = 0, result; i < started; i++) good = wait(&result) > 0 && result == 0 && good;
  for (int k = 0; k < n_values; k++) value[k] = 0;
  for (int i = 0; i < n * n_values; i++) value[i % n_values] += shared[i] / n;
  munmap(shared, bytes);
  return good ? CHI_OK
              : chi_fail(CHI_ERR_IO, "a process that measures fits did not come to its end");
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
