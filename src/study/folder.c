/* The study's folder: what is in it, and that nothing in it leads out. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

#include "base/memory.h"
#include "base/text.h"
#include "study/catalog.h"

chi_status chi_folder_path(const char *folder, const char *path, char **out)
{
  const size_t n = strlen(folder) + strlen(path) + 2;
  CHI_TRY(chi_alloc((int64_t)n, 1, "path", out));
  snprintf(*out, n, "%s/%s", folder, path);
  return CHI_OK;
}

chi_status chi_folder_contains(const chi_catalog *catalog, const char *path)
{
  char *full = NULL;
  CHI_TRY(chi_folder_path(catalog->root, path, &full));
  char *real = realpath(full, NULL);
  chi_status status = CHI_OK;
  const size_t n = strlen(catalog->root);
  if (real == NULL)
    status = chi_fail(CHI_ERR_INPUT, "%s: %s", path,
                      errno == ENOENT ? "there is no such file or folder" : strerror(errno));
  else if (strncmp(real, catalog->root, n) != 0 || (real[n] != '/' && n > 1))
    status = chi_fail(
        CHI_ERR_INPUT,
        "%s: is a link that leads out of the study's folder; expected the file itself", path);
  free(real);
  chi_free(full);
  return status;
}

chi_status chi_folder_list(const chi_catalog *catalog, const char *folder, chi_names *names)
{
  char *full = NULL;
  CHI_TRY(chi_folder_contains(catalog, folder));
  CHI_TRY(chi_folder_path(catalog->root, folder, &full));
  chi_status status = CHI_OK;
  DIR *dir = opendir(full);
  if (dir == NULL)
    status = chi_fail(CHI_ERR_INPUT, "%s: cannot be listed: %s", folder, strerror(errno));
  while (dir != NULL && status == CHI_OK) {
    errno = 0;
    const struct dirent *entry = readdir(dir);
    if (entry == NULL && errno != 0)
      status = chi_fail(CHI_ERR_INPUT, "%s: cannot be listed: %s", folder, strerror(errno));
    if (entry == NULL) break;
    if (entry->d_name[0] != '.') status = chi_names_add(names, entry->d_name);
  }
  if (dir != NULL) closedir(dir);
  chi_names_sort(names);
  chi_free(full);
  return status;
}

/* The value of the top-level key `title`; NULL if there is none. */
static const char *find_title(yaml_document_t *document)
{
  const yaml_node_t *root = yaml_document_get_root_node(document);
  if (root == NULL || root->type != YAML_MAPPING_NODE) return NULL;
  for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start;
       pair < root->data.mapping.pairs.top; pair++) {
    const yaml_node_t *key = yaml_document_get_node(document, pair->key);
    const yaml_node_t *value = yaml_document_get_node(document, pair->value);
    if (key != NULL && key->type == YAML_SCALAR_NODE && value != NULL &&
        value->type == YAML_SCALAR_NODE && strcmp((char *)key->data.scalar.value, "title") == 0)
      return (const char *)value->data.scalar.value;
  }
  return NULL;
}

static chi_status parse_title(const char *text, char **title)
{
  yaml_parser_t parser;
  yaml_document_t document;
  if (!yaml_parser_initialize(&parser)) return chi_fail(CHI_ERR_MEMORY, "study.yaml: no memory");
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
  chi_status status = CHI_OK;
  if (yaml_parser_load(&parser, &document)) {
    const char *found = find_title(&document);
    status = chi_strdup(found == NULL ? "" : found, title);
    yaml_document_delete(&document);
  } else {
    status = chi_fail(CHI_ERR_INPUT, "study.yaml: line %zu: %s", parser.problem_mark.line + 1,
                      parser.problem == NULL ? "no YAML" : parser.problem);
  }
  yaml_parser_delete(&parser);
  return status;
}

chi_status chi_folder_read_yaml(chi_catalog *catalog)
{
  chi_study *study = catalog->study;
  char *path = NULL;
  struct stat info;
  CHI_TRY(chi_folder_path(catalog->root, "study.yaml", &path));
  chi_status status = CHI_OK;
  if (lstat(path, &info) == 0) {
    status = chi_folder_contains(catalog, "study.yaml");
    if (status == CHI_OK) status = chi_text_read(path, "study.yaml", &study->yaml);
    if (status == CHI_OK) status = parse_title(study->yaml, &study->title);
  }
  chi_free(path);
  CHI_TRY(chi_catalog_note(catalog->findings, status));
  if (study->yaml == NULL) CHI_TRY(chi_strdup("", &study->yaml));
  if (study->title == NULL) CHI_TRY(chi_strdup("", &study->title));
  return CHI_OK;
}
