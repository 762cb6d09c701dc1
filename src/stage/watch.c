#include "stage/watch.h"

#include <math.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/progress.h"

static const double write_every_s = 2;

enum { FAILED_SHOWN = 10 };

static const char *state_of(const chi_sweep_progress *progress)
{
  if (progress->stopped && progress->finished) return "stopped";
  if (!progress->finished) return "running";
  return progress->failed > 0 ? "failed" : "complete";
}

/* The time of day some seconds from now. */
static void clock_text(double seconds, char *text, size_t n)
{
  struct tm utc;
  const time_t then = time(NULL) + (time_t)seconds;
  if (gmtime_r(&then, &utc) == NULL || strftime(text, n, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
    text[0] = '\0';
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
    clock_text(p.seconds_left, p.end, sizeof p.end);
  }
  gethostname(p.host, sizeof p.host - 1);
  chi_clock_iso8601(p.written, sizeof p.written);
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
  if (shown) chi_text_add(&watch->failed, "  %s\n", message);
  chi_log(shown ? CHI_LOG_WARNING : CHI_LOG_FILE, "failed: %s", message);
}

void chi_watch_add_failed(const chi_watch *watch, const char *run, int64_t failed, chi_text *text)
{
  if (failed == 0) return;
  chi_text_add(text, "\nfailed units: %lld\n%s", (long long)failed,
               watch->failed.s == NULL ? "" : watch->failed.s);
  if (failed > FAILED_SHOWN)
    chi_text_add(text, "  and %lld more, in %s/log.txt\n", (long long)failed - FAILED_SHOWN, run);
}

void chi_watch_free(chi_watch *watch)
{
  chi_text_free(&watch->failed);
  *watch = (chi_watch){0};
}
