/** \file clock.h
 * Time. All local. */
#pragma once

#include <stddef.h>

/** Seconds since some fixed moment, never set back (also when the wall clock jumps). */
double chi_clock_now(void);

/** CPU seconds this process has used, all its threads. */
double chi_clock_cpu(void);

/** CPU seconds the calling thread has used. */
double chi_clock_thread_cpu(void);

/** The moment some seconds from now as ISO 8601 in UTC, e.g. 2026-11-21T04:37:00Z; "" if it has no
 * such form. */
void chi_clock_iso8601(double ahead_s, char *text, size_t n);

/** Sleep for some seconds; a signal may end it sooner. */
void chi_clock_sleep(double seconds);

/** A duration for people: "12.3 s", "4 min 10 s", "2 h 5 min". */
void chi_clock_format(double seconds, char *text, size_t n);
