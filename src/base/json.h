/** \file json.h
 * JSON for programs, by Jansson. Local. */
#ifndef CHIASM_BASE_JSON_H
#define CHIASM_BASE_JSON_H

#include <jansson.h>

#include "base/text.h"

/** Append a value in one line and a newline: members in the order in which they were set, numbers
 * with 12 digits. Releases the value, which may be NULL: then memory ran out when it was made, and
 * `out` has failed. */
void chi_json_add(chi_text *out, json_t *value);

#endif
