#include "base/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_rank = 0;
static int log_fd = -1;
static char bar[256];

void chi_log_set_rank(int rank) { log_rank = rank; }

void chi_log_set_file(const char *path)
{
  chi_status s = CHI_OK;
  pthread_mutex_lock(&lock);
  if (log_fd >= 0) close(log_fd);
  log_fd = -1;
  if (path != NULL)
    s = chi_file_open(path, path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, &log_fd);
  pthread_mutex_unlock(&lock);
  if (s != CHI_OK) chi_log(CHI_LOG_WARNING, "%s", chi_message());
}

bool chi_log_is_terminal(void) { return isatty(STDERR_FILENO) == 1; }

/* Both callers hold the lock. "\r\033[K" goes to the line's start and clears it. */
static void to_stderr(const char *text, size_t n)
{
  char line[CHI_MESSAGE_MAX + 512];
  int m;
  if (bar[0] != '\0')
    m = snprintf(line, sizeof line, "\r\033[K%.*s%s", (int)n, text, bar);
  else
    m = snprintf(line, sizeof line, "%.*s", (int)n, text);
  if (m > 0)
    chi_write_all(STDERR_FILENO, line, (size_t)m < sizeof line ? (size_t)m : sizeof line - 1);
}

void chi_log_bar(const char *text)
{
  pthread_mutex_lock(&lock);
  const bool had = bar[0] != '\0';
  snprintf(bar, sizeof bar, "%s", text);
  chi_text_clean(bar, "");
  if (bar[0] != '\0') {
    to_stderr("", 0);
  } else if (had) {
    chi_write_all(STDERR_FILENO, "\r\033[K", 4);
  }
  pthread_mutex_unlock(&lock);
}

/* One line with the time of day to the run's log; a failing disk closes it for good. */
static void to_file(const char *text, size_t n)
{
  char line[CHI_MESSAGE_MAX + 128];
  chi_clock_iso8601(0, line, sizeof line);
  size_t m = strlen(line);
  line[m++] = ' ';
  if (n > sizeof line - m) n = sizeof line - m;
  memcpy(line + m, text, n);
  if (!chi_write_all(log_fd, line, m + n)) {
    close(log_fd);
    log_fd = -1;
  }
}

void chi_log(chi_log_level level, const char *format, ...)
{
  if (log_rank != 0 && level <= CHI_LOG_FILE) return;
  static const char *const marks[] = {"", "", "warning: ", "error: "};
  char text[CHI_MESSAGE_MAX + 64];
  int n = level <= CHI_LOG_FILE ? snprintf(text, sizeof text, "%s", "")
                                : snprintf(text, sizeof text, "chiasm: %s", marks[level]);
  va_list args;
  va_start(args, format);
  n += vsnprintf(text + n, sizeof text - (size_t)n - 1, format, args);
  va_end(args);
  if ((size_t)n > sizeof text - 2) n = (int)sizeof text - 2;
  chi_text_clean(text, "");
  text[n++] = '\n';
  pthread_mutex_lock(&lock);
  if (level != CHI_LOG_FILE) to_stderr(text, (size_t)n);
  if (log_fd >= 0) to_file(text, (size_t)n);
  pthread_mutex_unlock(&lock);
}

void chi_log_lines(chi_log_level level, const char *before, const char *text)
{
  for (const char *line = text; line != NULL && *line != '\0';) {
    const size_t n = strcspn(line, "\n");
    chi_log(level, "%s%.*s", before, (int)n, line);
    line += n + (line[n] != '\0');
  }
}
