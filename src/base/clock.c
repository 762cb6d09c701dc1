#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static double clock_seconds(clockid_t id)
{
  struct timespec t;
  clock_gettime(id, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double chi_clock_now(void) { return clock_seconds(CLOCK_MONOTONIC); }
double chi_clock_cpu(void) { return clock_seconds(CLOCK_PROCESS_CPUTIME_ID); }
double chi_clock_thread_cpu(void) { return clock_seconds(CLOCK_THREAD_CPUTIME_ID); }

void chi_clock_iso8601(double ahead_s, char *text, size_t n)
{
  struct tm utc;
  const time_t then = time(NULL) + (time_t)ahead_s;
  if (gmtime_r(&then, &utc) == NULL || strftime(text, n, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
    text[0] = '\0';
}

void chi_clock_sleep(double seconds)
{
  const time_t whole = (time_t)seconds;
  const struct timespec t = {whole, (long)((seconds - (double)whole) * 1e9)};
  nanosleep(&t, NULL);
}

void chi_clock_format(double seconds, char *text, size_t n)
{
  const long long s = (long long)(seconds + 0.5);
  if (seconds < 60)
    snprintf(text, n, "%.1f s", seconds);
  else if (s < 3600)
    snprintf(text, n, "%lld min %lld s", s / 60, s % 60);
  else
    snprintf(text, n, "%lld h %lld min", s / 3600, s % 3600 / 60);
}
