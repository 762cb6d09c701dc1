#include "stage/account.h"

#include <math.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "stage/room.h"

enum { COMPUTED, READ, WROTE, WAITED, N_SHARES };

static void log_stages(MPI_Comm comm, const chi_stages *mine)
{
  double wall[CHI_N_STAGES], flops[CHI_N_STAGES], total = 0;
  MPI_Allreduce(mine->wall_s, wall, CHI_N_STAGES, MPI_DOUBLE, MPI_SUM, comm);
  MPI_Allreduce(mine->flops, flops, CHI_N_STAGES, MPI_DOUBLE, MPI_SUM, comm);
  for (int i = 0; i < CHI_N_STAGES; i++) total += wall[i];
  if (total <= 0) return;
  chi_text line = {0};
  for (int i = 0; i < CHI_N_STAGES; i++) {
    chi_text_add(&line, "%s%s %.1f %%", i == 0 ? "" : ", ", chi_stage_names[i],
                 100 * wall[i] / total);
    if (flops[i] > 0 && wall[i] > 0)
      chi_text_add(&line, " at %.1f GFLOP/s", 1e-9 * flops[i] / wall[i]);
  }
  if (line.s != NULL) chi_log(CHI_LOG_FILE, "a rank's computing: %s", line.s);
  chi_text_free(&line);
}

void chi_account_log(MPI_Comm comm, const char *stage, const chi_account *account,
                     const chi_watch *watch, const chi_sweep_result *result)
{
  static const char *const names[N_SHARES] = {"computed", "read", "wrote", "waited"};
  const double mine[N_SHARES] = {account->computed_s, account->read_s, account->wrote_s,
                                 result->waited_s};
  double least[N_SHARES], sum[N_SHARES], most[N_SHARES];
  int64_t peak = chi_memory_peak();
  int ranks;
  MPI_Comm_size(comm, &ranks);
  MPI_Allreduce(mine, least, N_SHARES, MPI_DOUBLE, MPI_MIN, comm);
  MPI_Allreduce(mine, sum, N_SHARES, MPI_DOUBLE, MPI_SUM, comm);
  MPI_Allreduce(mine, most, N_SHARES, MPI_DOUBLE, MPI_MAX, comm);
  MPI_Allreduce(MPI_IN_PLACE, &peak, 1, MPI_INT64_T, MPI_MAX, comm);
  const double wall = fmax(result->wall_s, 1e-9);
  char time[64], memory[32];
  chi_clock_format(wall, time, sizeof time);
  chi_bytes_text(peak, memory, sizeof memory);
  chi_log(CHI_LOG_INFO,
          "%s: %lld units done, %lld failed, %lld left in %s: %.0f encoding models/s; at most %s "
          "of memory in a rank",
          stage, (long long)result->done, (long long)result->failed, (long long)result->left, time,
          (double)watch->models_done / wall, memory);
  chi_text line = {0};
  for (int i = 0; i < N_SHARES; i++) {
    chi_text_add(&line, "%s%s %.1f %%", i == 0 ? "" : ", ", names[i], 100 * sum[i] / ranks / wall);
    if (ranks > 1)
      chi_text_add(&line, " (%.1f to %.1f)", 100 * least[i] / wall, 100 * most[i] / wall);
  }
  if (line.s != NULL)
    chi_log(CHI_LOG_INFO, "%s: of the time (%.3f s), ranks %s", stage, wall, line.s);
  chi_text_free(&line);
  log_stages(comm, &account->stages);
}
