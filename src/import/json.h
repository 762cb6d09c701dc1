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

/** A list's elements as strings, borrowed from it.
 * \param[in]  what  names the list in messages
 * \param[out] out   json_array_size of them; free with chi_free
 * \return CHI_ERR_INPUT if it is no list of strings */
chi_status chi_json_strings(const char *path, const char *what, const json_t *list,
                            const char ***out);

#endif
