/** \file text.h
 * A string that grows, and lists of strings. All local. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chiasm/status.h"

/** A growing string; start as {0}, end with chi_text_free. A failed allocation is remembered in
 * `failed` and makes later calls do nothing, so that it needs checking once, at the end. */
typedef struct chi_text {
  char *s; /* NUL-terminated; NULL while empty */
  int64_t n, room;
  bool failed;
} chi_text;

void chi_text_add(chi_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void chi_text_add_list(chi_text *text, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/** Write the text to stdout, cleaned but for its lines' ends, and flush it. A
 * reader that has gone is no failure. \return CHI_ERR_IO; CHI_ERR_MEMORY if text failed */
chi_status chi_text_print(chi_text *text);

/** Append one line and its end. What is in it is cleaned (chi_text_clean), so that a name or a path
 * can forge no other line: for every line that holds text from outside. */
void chi_text_add_line(chi_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Append a double in the fewest digits that give the same double back. */
void chi_text_add_real(chi_text *text, double value);

/** Append a string as a double-quoted JSON (hence YAML) scalar. */
void chi_text_add_quoted(chi_text *text, const char *string);

/** Append a field of a CSV file that is text, as RFC 4180 has it: in quotes where it holds a comma,
 * a quote or a line's end. One that a spreadsheet would take for a formula (its first character is
 * =,
 * +, -, @ or a control character) begins with an apostrophe, and so does one that begins like that
 * behind apostrophes. */
void chi_text_add_csv(chi_text *text, const char *field);

/** What chi_text_add_csv was given, of a field without its quotes: behind the apostrophe, if it
 * added one. */
const char *chi_csv_plain(const char *field);

void chi_text_free(chi_text *text);

/** The text of a small regular file, CHI_TEXT_FILE_MAX bytes at most; free with chi_free.
 * \param[in] where  the file's name, for messages
 * \return CHI_ERR_INPUT also for a pipe, a device, or a NUL byte in it */
chi_status chi_text_read(const char *path, const char *where, char **out);
#define CHI_TEXT_FILE_MAX (1 << 20)

/** The same of a file of up to `max` bytes. */
chi_status chi_text_read_large(const char *path, const char *where, int64_t max, char **out);

/** Whether a name is [A-Za-z0-9_-]+ (with dots too, if `dots`), at most 200 characters, and neither
 * "." nor "..": safe as a file name. */
bool chi_name_ok(const char *name, bool dots);

/** Take the next of the words that a character parts.
 * \param[in,out] at    the text that is left
 * \param[out]    word  n bytes; what does not fit is cut off
 * \return whether there was one */
bool chi_word_next(const char **at, char parted_by, char *word, size_t n);

/** Whether `name` fits the comma-separated shell patterns; NULL or "" or "*" fits all. */
bool chi_name_fits(const char *patterns, const char *name);

/** Bytes of the UTF-8 character at c; 0 if it is none, or a control character (C0, DEL, C1). */
int chi_character_bytes(const char *c);

/** Whether text is valid UTF-8 without control characters. */
bool chi_text_ok(const char *text);

/** Make text from outside safe to print, in place: blanks for tabs and what ends lines, and a
 * question mark for each byte of what is no UTF-8, of other control characters, and of the marks
 * that part lines (U+2028, U+2029) or turn their direction (U+061C, U+200E, U+200F, U+202A to
 * U+202E, U+2066 to U+2069). Messages, the log, tables and stdout are cleaned where they are made.
 * \param[in] keep  control characters to leave alone, e.g. "\n" */
void chi_text_clean(char *text, const char *keep);

/** A number of bytes for people: "3.2 GiB". \param[out] text  n bytes */
void chi_bytes_text(int64_t bytes, char *text, size_t n);
