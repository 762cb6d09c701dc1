/* The study's folder and what is in it. A file of it may be a link that the user made, to wherever
 * the data lie; a folder may not. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/yaml.h"
#include "study/catalog.h"

/* \return CHI_ERR_INPUT unless the folder below the study's, links followed, is in it
 * \param[out] full  it as seen from here, PATH_MAX */
static chi_status find_folder(const chi_catalog *catalog, const char *path, char *full)
{
  const size_t n = strlen(catalog->root);
  CHI_TRY(chi_path_join(full, catalog->root, path));
  char *real = realpath(full, NULL);
  chi_status s = CHI_OK;
  if (real == NULL)
    s = chi_fail(CHI_ERR_INPUT, "%s: %s", path,
                 errno == ENOENT ? "there is no such file or folder" : strerror(errno));
  else if (strncmp(real, catalog->root, n) != 0 || (real[n] != '/' && n > 1))
    s = chi_fail(CHI_ERR_INPUT,
                 "%s: is a link that leads out of the study's folder; expected the folder itself",
                 path);
  free(real);
  return s;
}

chi_status chi_folder_list(const chi_catalog *catalog, const char *folder, chi_names *names)
{
  char full[PATH_MAX];
  CHI_TRY(find_folder(catalog, folder, full));
  chi_status s = CHI_OK;
  const struct dirent *entry = NULL;
  DIR *dir = opendir(full);
  while (dir != NULL && s == CHI_OK && (errno = 0, entry = readdir(dir)) != NULL)
    if (entry->d_name[0] != '.') s = chi_names_add(names, entry->d_name);
  if (s == CHI_OK && errno != 0)
    s = chi_fail(CHI_ERR_INPUT, "%s: cannot be listed: %s", folder, strerror(errno));
  if (dir != NULL) closedir(dir);
  chi_names_sort(names);
  return s;
}

chi_status chi_folder_open_file(const chi_catalog *catalog, const char *path, hid_t *file)
{
  char full[PATH_MAX];
  *file = H5I_INVALID_HID;
  CHI_TRY(chi_path_join(full, catalog->root, path));
  return chi_h5_open_read(full, path, file);
}

chi_status chi_format_check(hid_t file, const char *where)
{
  bool found;
  double format = 0;
  CHI_TRY(chi_h5_attribute_number(file, where, "/", "chiasm_format", &found, &format));
  if (!found)
    return chi_fail(CHI_ERR_INPUT, "%s: attribute chiasm_format of / is missing, expected 1",
                    where);
  if (format != 1)
    return chi_fail(CHI_ERR_INPUT,
                    "%s: attribute chiasm_format of / is %g, this chiasm reads format 1", where,
                    format);
  return CHI_OK;
}

chi_status chi_root_says(hid_t file, const char *where, const char *name, const char *expected)
{
  char *text = NULL;
  chi_status s = chi_h5_attribute_text(file, where, "/", name, &text);
  if (s == CHI_OK && text == NULL)
    s = chi_fail(CHI_ERR_INPUT, "%s: attribute %s of / is missing, expected \"%s\"", where, name,
                 expected);
  else if (s == CHI_OK && strcmp(text, expected) != 0)
    s = chi_fail(CHI_ERR_INPUT, "%s: attribute %s of / is \"%s\", but the file's name says %s",
                 where, name, text, expected);
  chi_free(text);
  return s;
}

static chi_status read_title(const char *text, char **title)
{
  chi_yaml *yaml = NULL;
  CHI_TRY(chi_yaml_read(text, "study.yaml", &yaml));
  const char *found = chi_yaml_scalar(chi_yaml_get(yaml, chi_yaml_root(yaml), "title"));
  const chi_status s = chi_strdup(found == NULL ? "" : found, title);
  chi_yaml_free(&yaml);
  return s;
}

chi_status chi_folder_read_yaml(const chi_catalog *catalog)
{
  chi_study *study = catalog->study;
  char full[PATH_MAX];
  struct stat info;
  chi_status s = chi_path_join(full, catalog->root, "study.yaml");
  if (s == CHI_OK && lstat(full, &info) == 0) {
    s = chi_text_read(full, "study.yaml", &study->yaml);
    if (s == CHI_OK) s = read_title(study->yaml, &study->title);
  }
  CHI_TRY(chi_catalog_note(catalog->findings, s));
  if (study->yaml == NULL) CHI_TRY(chi_strdup("", &study->yaml));
  if (study->title == NULL) CHI_TRY(chi_strdup("", &study->title));
  return CHI_OK;
}
