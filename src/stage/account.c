#include "stage/account.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/progress.h"

static const double write_every_s = 2;

enum { FAILED_SHOWN = 10 };

static const char *state_of(const chi_sweep_progress *progress)
{
  if (progress->stopped && progress->finished) return "stopped";
  if (!progress->finished) return "running";
  return progress->failed > 0 ? "failed" : "complete";
}

void chi_watch_progress(chi_watch *watch, const chi_sweep_progress *progress)
{
  const double now = chi_clock_now();
  watch->models_done = progress->models_done;
  if (watch->run == NULL || (!progress->finished && now - watch->written_s < write_every_s)) return;
  watch->written_s = now;
  chi_progress p = {.done = progress->done,
                    .running = progress->running,
                    .failed = progress->failed,
                    .left = progress->left,
                    .seconds_left = NAN,
                    .ranks = watch->ranks};
  snprintf(p.stage, sizeof p.stage, "%s", watch->stage);
  snprintf(p.state, sizeof p.state, "%s", state_of(progress));
  if (progress->elapsed_s > 0) p.models_per_s = (double)progress->models_done / progress->elapsed_s;
  const double cost_left = progress->cost_total - progress->cost_done;
  if (progress->cost_done > 0 && !progress->finished) {
    p.seconds_left = progress->elapsed_s * cost_left / progress->cost_done;
    chi_clock_iso8601(p.seconds_left, p.end, sizeof p.end);
  }
  gethostname(p.host, sizeof p.host - 1);
  chi_clock_iso8601(0, p.written, sizeof p.written);
  /* A full disk stops the scores, which say so themselves; once is enough for this file. */
  if (chi_progress_write(watch->run, &p) != CHI_OK) {
    chi_log(CHI_LOG_WARNING, "%s", chi_message());
    watch->run = NULL;
  }
}

void chi_watch_failed(chi_watch *watch, const char *message)
{
  if (watch->n_failed == FAILED_SHOWN)
    chi_log(CHI_LOG_WARNING, "more units fail; log.txt has the rest");
  const bool shown = watch->n_failed++ < FAILED_SHOWN;
  if (shown) chi_text_add_line(&watch->failed, "  %s", message);
  chi_log(shown ? CHI_LOG_WARNING : CHI_LOG_FILE, "failed: %s", message);
}

void chi_watch_add_failed(const chi_watch *watch, const char *run, int64_t failed, chi_text *text)
{
  if (failed == 0) return;
  chi_text_add(text, "\nfailed units: %lld\n%s", (long long)failed,
               watch->failed.s == NULL ? "" : watch->failed.s);
  if (failed > FAILED_SHOWN)
    chi_text_add_line(text, "  and %lld more, in %s/log.txt", (long long)failed - FAILED_SHOWN,
                      run);
}

void chi_watch_free(chi_watch *watch)
{
  chi_text_free(&watch->failed);
  *watch = (chi_watch){0};
}

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

void chi_account_log(MPI_Comm comm, const chi_account *account, const chi_watch *watch,
                     const chi_sweep_result *result)
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
          watch->stage, (long long)result->done, (long long)result->failed, (long long)result->left,
          time, (double)watch->models_done / wall, memory);
  chi_text line = {0};
  for (int i = 0; i < N_SHARES; i++) {
    chi_text_add(&line, "%s%s %.1f %%", i == 0 ? "" : ", ", names[i], 100 * sum[i] / ranks / wall);
    if (ranks > 1)
      chi_text_add(&line, " (%.1f to %.1f)", 100 * least[i] / wall, 100 * most[i] / wall);
  }
  if (line.s != NULL)
    chi_log(CHI_LOG_INFO, "%s: of the time (%.3f s), ranks %s", watch->stage, wall, line.s);
  chi_text_free(&line);
  log_stages(comm, &account->stages);
}
