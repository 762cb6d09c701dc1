#include "sweep/show.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

enum { BAR_WIDTH = 20 };

static void add(char *text, size_t n, size_t *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void add(char *text, size_t n, size_t *at, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  const int m = vsnprintf(text + *at, n - *at, format, args);
  va_end(args);
  *at = m < 0 || (size_t)m >= n - *at ? n - 1 : *at + (size_t)m;
}

/* By cost, since units differ; by number where the stage knows no costs. */
static double share_done(const chi_sweep_progress *p)
{
  const int64_t units = p->done + p->running + p->failed + p->left;
  if (p->done + p->failed == units) return 1;
  if (p->cost_total > 0) return p->cost_done / p->cost_total;
  return (double)(p->done + p->failed) / (double)units;
}

static void add_rate(char *text, size_t n, size_t *at, double rate)
{
  const int thousands = rate < 1e3 ? 0 : rate < 1e6 ? 1 : 2;
  const double shown = rate / (double[]){1, 1e3, 1e6}[thousands];
  const int digits = shown < 9.95 || thousands == 2;
  add(text, n, at, "  %.*f%s models/s", digits, shown, (const char *[]){"", "k", "M"}[thousands]);
}

void chi_show_line(const char *name, const chi_sweep_progress *p, char *text, size_t n)
{
  const double share = share_done(p);
  size_t at = 0;
  char bar[BAR_WIDTH + 1], duration[64];
  for (int i = 0; i < BAR_WIDTH; i++) bar[i] = (i + 1) <= share * BAR_WIDTH ? '#' : '-';
  bar[BAR_WIDTH] = '\0';
  add(text, n, &at, "%s  [%s]  %.0f %%  %lld/%lld units", name, bar, 100 * share,
      (long long)(p->done + p->failed), (long long)(p->done + p->running + p->failed + p->left));
  if (p->failed > 0) add(text, n, &at, "  %lld failed", (long long)p->failed);
  if (p->models_done > 0 && p->elapsed_s > 0)
    add_rate(text, n, &at, (double)p->models_done / p->elapsed_s);
  if (p->finished) {
    chi_clock_format(p->elapsed_s, duration, sizeof duration);
    add(text, n, &at, "  in %s", duration);
  } else if (share > 0) {
    chi_clock_format(p->elapsed_s / share * (1 - share), duration, sizeof duration);
    add(text, n, &at, "  left %s", duration);
  }
  if (p->stopped) add(text, n, &at, p->finished ? "  stopped" : "  stopping");
}

void chi_show(const char *name, const chi_sweep_progress *progress, double *last_line_s)
{
  char text[256];
  chi_show_line(name, progress, text, sizeof text);
  if (progress->finished) {
    chi_log_bar("");
    chi_log(CHI_LOG_INFO, "%s", text);
  } else if (chi_log_is_terminal()) {
    chi_log_bar(text);
  } else if (progress->elapsed_s - *last_line_s >= 60) {
    *last_line_s = progress->elapsed_s;
    chi_log(CHI_LOG_INFO, "%s", text);
  }
}
