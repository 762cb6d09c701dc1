/** \file log.h
 * Lines for people: to stderr, and to the run's log.txt where one is open. Every line leaves in one
 * write(), so that lines of different ranks never mix. All local, callable from any thread. */
#pragma once

#include <stdbool.h>

#include "chiasm/status.h"

typedef enum chi_log_level {
  CHI_LOG_INFO,    /* to log.txt; to stderr too unless quiet */
  CHI_LOG_FILE,    /* to log.txt only */
  CHI_LOG_WARNING, /* "chiasm: warning: ..." */
  CHI_LOG_ERROR    /* "chiasm: error: ..." */
} chi_log_level;

/** Name this process in its lines; rank 0 bears no mark. Other ranks' INFO lines go nowhere. */
void chi_log_set_rank(int rank);

/** Append lines to this file too, each with the time of day (UTC). NULL closes it. A file that
 * cannot be opened or written never stops the work: one warning, then stderr alone. */
void chi_log_set_file(const char *path);

/** Write one line (no newline in the format). */
void chi_log(chi_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Write each line of a text (NULL: none) as one, behind `before`. */
void chi_log_lines(chi_log_level level, const char *before, const char *text);

/** Whether stderr is a terminal, where a progress bar can be redrawn. */
bool chi_log_is_terminal(void);

/** Show a progress bar's text in place of the last one (terminal only; "" removes it). Lines of
 * chi_log appear above it. */
void chi_log_bar(const char *text);
