/** \file yaml.h
 * One careful reader of YAML (JSON is YAML too). All local. */
#pragma once

#include <stdbool.h>
#include <yaml.h>

#include "chiasm/status.h"

/** A document in memory. What the functions below give is borrowed from it. */
typedef struct chi_yaml chi_yaml;

/** Read a text: at most CHI_YAML_MAX bytes, one document, nested at most 32 deep. Aliases may refer
 * to what they stand in; a walk down the document must not follow every value it meets.
 * \param[in]  where  the file's name, for messages
 * \param[out] out    free with chi_yaml_free
 * \return CHI_ERR_INPUT "where: line N: ..." */
chi_status chi_yaml_read(const char *text, const char *where, chi_yaml **out);
void chi_yaml_free(chi_yaml **yaml);
#define CHI_YAML_MAX (1 << 20)

/** The document's one node; NULL where it is empty. */
const yaml_node_t *chi_yaml_root(const chi_yaml *yaml);

/** The node that a pair or an item refers to. */
const yaml_node_t *chi_yaml_node(const chi_yaml *yaml, int index);

/** The value of a key, the first of that name; NULL if there is none or `mapping` is NULL or no
 * mapping. */
const yaml_node_t *chi_yaml_get(const chi_yaml *yaml, const yaml_node_t *mapping, const char *key);

/** The text of a scalar; NULL if the node is NULL, a list or a mapping, null, or holds a NUL byte.
 */
const char *chi_yaml_scalar(const yaml_node_t *node);

/** Whether a node is nothing: `key:` with nothing behind it, `~` or `null`. */
bool chi_yaml_is_null(const yaml_node_t *node);

/** The line a node begins in, from 1 on. */
size_t chi_yaml_line(const yaml_node_t *node);
