#include "plan/calibrate.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/threads.h"
#include "linalg/kernel.h"

enum { PIECE = 4 << 20, PIECES = 16 };

static bool write_pieces(int fd, const char *piece)
{
  for (int i = 0; i < PIECES; i++)
    if (write(fd, piece, PIECE) != PIECE) return false;
  return fsync(fd) == 0;
}

static bool read_pieces(int fd, char *piece)
{
  if (lseek(fd, 0, SEEK_SET) != 0) return false;
  for (int i = 0; i < PIECES; i++)
    if (read(fd, piece, PIECE) != PIECE) return false;
  return true;
}

chi_status chi_calibrate_files(const char *folder, chi_machine *machine)
{
  char path[4096 + 16], *piece = NULL;
  snprintf(path, sizeof path, "%s/file", folder);
  CHI_TRY(chi_alloc(PIECE, 1, "a piece of a file", &piece));
  memset(piece, 1, PIECE);
  const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  double start = chi_clock_now();
  bool good = fd >= 0 && write_pieces(fd, piece);
  const double bytes = (double)PIECE * PIECES;
  machine->write_bandwidth = bytes / fmax(chi_clock_now() - start, 1e-6);
  if (good) posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); /* from the disk, if that can be had */
  start = chi_clock_now();
  good = good && read_pieces(fd, piece);
  machine->read_bandwidth = bytes / fmax(chi_clock_now() - start, 1e-6);
  const int error = errno;
  if (fd >= 0) close(fd);
  unlink(path);
  chi_free(piece);
  return good ? CHI_OK : chi_fail(CHI_ERR_IO, "%s: %s", path, strerror(error));
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
  chi_clock_iso8601(machine->date, sizeof machine->date);
  CHI_TRY(chi_calibrate_fits(machine));
  return chi_calibrate_program(machine);
}
