#include "plan/calibrate.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/threads.h"
#include "linalg/kernel.h"

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
