/* What the machine is, and what the program takes beside its fits, timed on itself and a study of
 * kilobytes. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/threads.h"
#include "chiasm/study.h"
#include "linalg/kernel.h"
#include "plan/calibrate.h"

#define THIS   "chiasm" /* in a line to be run: this program */
#define MPIRUN "mpirun -n 2 --oversubscribe --bind-to none "
enum { TIMES = 2, MOST_WORDS = 40, PIECE = 4 << 20, PIECES = 16 };

/* Write all pieces of a file, or read them. */
static bool move_pieces(int fd, char *piece, bool writes)
{
  if (lseek(fd, 0, SEEK_SET) != 0) return false;
  for (int i = 0; i < PIECES; i++)
    if ((writes ? write(fd, piece, PIECE) : read(fd, piece, PIECE)) != PIECE) return false;
  return !writes || fsync(fd) == 0;
}

static chi_status time_files(const char *folder, chi_machine *machine)
{
  char path[PATH_MAX], *piece = NULL;
  CHI_TRY(chi_path_join(path, folder, "file"));
  CHI_TRY(chi_alloc(PIECE, 1, "a piece of a file", &piece));
  memset(piece, 1, PIECE);
  const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  bool good = fd >= 0;
  for (int writes = 1; writes >= 0 && good; writes--) {
    const double start = chi_clock_now();
    good = move_pieces(fd, piece, writes);
    const double speed = (double)PIECE * PIECES / fmax(chi_clock_now() - start, 1e-6);
    *(writes ? &machine->write_bandwidth : &machine->read_bandwidth) = speed;
    if (writes) posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); /* to be read from the disk */
  }
  const int error = errno;
  if (fd >= 0) close(fd);
  unlink(path);
  chi_free(piece);
  return good ? CHI_OK : chi_fail(CHI_ERR_IO, "%s: %s", path, strerror(error));
}

/* Only what is safe after a fork. */
static void run_words(const char *folder, char *line, char *self, const char *output)
{
  char *argument[MOST_WORDS + 1] = {NULL};
  for (int i = 0; i < MOST_WORDS && line != NULL; i++) {
    argument[i] = strsep(&line, " ");
    if (strcmp(argument[i], THIS) == 0) argument[i] = self;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (chdir(folder) != 0) _exit(127);
  const int out = open(output == NULL ? "/dev/null" : output, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  const int none = open("/dev/null", O_RDWR);
  if (out < 0 || none < 0) _exit(127);
  dup2(none, 0);
  dup2(out, 1);
  dup2(none, 2);
  execvp(argument[0], argument);
  _exit(127);
}

/* Run this program in a folder and time it.
 * \param[in] launcher  what starts it, with a blank at the end; "": it is started alone
 * \param[in] line      its arguments; both are parted by single blanks
 * \param[in] output    a file for its standard output; NULL: thrown away */
static chi_status time_self(const char *folder, const char *launcher, const char *line,
                            const char *output, double *seconds)
{
  int result = 0;
  char words[512];
  snprintf(words, sizeof words, "%s" THIS " %s", launcher, line);
  char self[PATH_MAX] = "";
  if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
    return chi_fail(CHI_ERR_IO, "/proc/self/exe: cannot be read: %s", strerror(errno));
  fflush(NULL);
  const double start = chi_clock_now();
  const pid_t pid = fork();
  if (pid == 0) run_words(folder, words, self, output);
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

static chi_status time_message(const char *folder, chi_machine *machine)
{
  char path[PATH_MAX];
  double took;
  CHI_TRY(chi_path_join(path, folder, "sweep.json"));
  CHI_TRY(time_self(folder, "", "bench sweep --units 20000 --json", path, &took));
  json_t *result = json_load_file(path, 0, NULL);
  machine->message_s = json_number_value(json_object_get(result, "message_s"));
  json_decref(result);
  if (machine->message_s > 0) return CHI_OK;
  return chi_fail(CHI_ERR_BUG, "chiasm bench sweep --json printed no time of a message");
}

static chi_status time_catalog(const char *folder, const char *name, double *seconds)
{
  char path[PATH_MAX];
  CHI_TRY(chi_path_join(path, folder, name));
  *seconds = INFINITY;
  for (int i = 0; i < TIMES; i++) {
    chi_study *opened = NULL;
    const double start = chi_clock_now();
    const chi_status s = chi_study_open(path, NULL, NULL, &opened);
    *seconds = fmin(*seconds, chi_clock_now() - start);
    chi_study_destroy(&opened);
    CHI_TRY(s);
  }
  return CHI_OK;
}

/* The program's runs in order, each as quick as its quickest. */
#define MAKE                                                                                 \
  "--subjects 1 --electrodes 2 --events 40 --bins 5 --sessions 1 --features 4 --alignments " \
  "language --layers "
enum { MAKE_FEW, MAKE_MANY, NOTHING, FIT_MANY, FIT_FEW, INFLUENCE, BOOTSTRAP, SITES, N_RUNS };
static const struct {
  const char *line;
  int times;
} runs[N_RUNS] = {
    [MAKE_FEW] = {"simulate few " MAKE "1", 1},
    [MAKE_MANY] = {"simulate many " MAKE "20", 1},
    [NOTHING] = {"bench sweep --units 1", TIMES + 1},
    [FIT_MANY] = {"fit many -o run --overwrite --threads 1", TIMES},
    [FIT_FEW] = {"fit few -o run --overwrite --threads 1", TIMES},
    [INFLUENCE] = {"influence run --overwrite --threads 1", TIMES},
    [BOOTSTRAP] = {"bootstrap run --replicates 2 --overwrite --threads 1", TIMES},
    [SITES] = {"sites run --min-bins 1", TIMES},
};
static const double more_layers = 12 * (20 - 1); /* 12 models in a study */

/* Seconds; 0 where mpirun does not start, as it may not on a login node or for root. */
static double fit_on_two(const char *folder)
{
  double least = INFINITY, one;
  for (int k = 0; k < TIMES; k++) {
    if (time_self(folder, MPIRUN, runs[FIT_FEW].line, NULL, &one) != CHI_OK) {
      chi_log(CHI_LOG_WARNING,
              "mpirun does not start two ranks here; several ranks are planned to start as fast as "
              "one");
      return 0;
    }
    least = fmin(least, one);
  }
  return least;
}

static chi_status time_stages(const char *folder, chi_machine *m)
{
  double took[N_RUNS], open_few, open_many;
  for (int i = 0; i < N_RUNS; i++) {
    took[i] = INFINITY;
    for (int k = 0; k < runs[i].times; k++) {
      double one;
      CHI_TRY(time_self(folder, "", runs[i].line, NULL, &one));
      took[i] = fmin(took[i], one);
    }
  }
  CHI_TRY(time_catalog(folder, "few", &open_few));
  CHI_TRY(time_catalog(folder, "many", &open_many));
  m->start_s = took[NOTHING];
  m->job_s = fmax(0, fit_on_two(folder) - took[FIT_FEW]);
  m->fit_s = fmax(0, took[FIT_FEW] - m->start_s);
  m->influence_s = fmax(0, took[INFLUENCE] - m->start_s);
  m->bootstrap_s = fmax(0, took[BOOTSTRAP] - m->start_s);
  m->sites_s = took[SITES];
  m->layer_s = fmax(0, open_many - open_few) / more_layers;
  m->unit_s = fmax(0, (took[FIT_MANY] - took[FIT_FEW]) / more_layers - m->layer_s);
  return CHI_OK;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
  (void)info, (void)kind, (void)place;
  remove(path); /* what stays is kilobytes in a temporary folder */
  return 0;
}

static chi_status time_program(chi_machine *machine)
{
  const char *temporary = getenv("TMPDIR");
  char folder[PATH_MAX];
  CHI_TRY(chi_path_join(folder, temporary == NULL || temporary[0] != '/' ? "/tmp" : temporary,
                        "chiasm-plan.XXXXXX"));
  if (mkdtemp(folder) == NULL)
    return chi_fail(CHI_ERR_IO, "%s: cannot be made: %s; set TMPDIR", folder, strerror(errno));
  chi_status s = time_files(folder, machine);
  if (s == CHI_OK) s = time_message(folder, machine);
  if (s == CHI_OK) s = time_stages(folder, machine);
  nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  return s;
}

/* "model name : Intel ..." of /proc/cpuinfo. */
static void find_cpu(char *cpu, size_t n)
{
  char line[512];
  snprintf(cpu, n, "unknown");
  FILE *f = fopen("/proc/cpuinfo", "r");
  while (f != NULL && fgets(line, sizeof line, f) != NULL) {
    const char *colon = strchr(line, ':');
    if (strncmp(line, "model name", 10) != 0 || colon == NULL) continue;
    line[strcspn(line, "\n")] = '\0';
    snprintf(cpu, n, "%s", colon + 1 + (colon[1] == ' '));
    break;
  }
  if (f != NULL) fclose(f);
}

chi_status chi_calibrate(chi_machine *machine)
{
  *machine = (chi_machine){.cores = chi_threads_choose(MPI_COMM_NULL, 0)};
  chi_log(CHI_LOG_INFO, "measuring this machine; that takes about a minute");
  if (gethostname(machine->host, sizeof machine->host - 1) != 0)
    snprintf(machine->host, sizeof machine->host, "unknown");
  find_cpu(machine->cpu, sizeof machine->cpu);
  snprintf(machine->kernel, sizeof machine->kernel, "%s", chi_blas_kernel());
  chi_clock_iso8601(0, machine->date, sizeof machine->date);
  CHI_TRY(chi_calibrate_fits(machine));
  return time_program(machine);
}
