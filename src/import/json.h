/** \file json.h
 * The small JSON files of the Brain Treebank, by Jansson. All local. */
#ifndef CHIASM_IMPORT_JSON_H
#define CHIASM_IMPORT_JSON_H

#include <jansson.h>

#include "chiasm/status.h"

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

#endif
