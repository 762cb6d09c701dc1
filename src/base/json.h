/** \file json.h
 * JSON by Jansson: lines for programs, and small files. All local. */
#pragma once

#include <jansson.h>

#include "base/text.h"

/** Append a value in one line and a newline: members in the order in which they were set, numbers
 * with 12 digits. Releases the value, which may be NULL: then memory ran out when it was made, and
 * `out` has failed. */
void chi_json_add(chi_text *out, json_t *value);

/** Read a file whose top is a list or an object. Free with json_decref.
 * \param[in] type  JSON_ARRAY or JSON_OBJECT
 * \return CHI_ERR_INPUT naming the file, and line and column of a mistake */
chi_status chi_json_read(const char *path, json_type type, json_t **out);

/** Give a list's elements, which are strings, one by one.
 * \param[in] what  names the list in messages
 * \param[in] take  gets path, what and the string, borrowed from the list
 * \return CHI_ERR_INPUT if it is no list of strings; the first failure of `take` */
typedef chi_status chi_json_take(void *context, const char *path, const char *what,
                                 const char *text);
chi_status chi_json_each(const char *path, const char *what, const json_t *list,
                         chi_json_take *take, void *context);
