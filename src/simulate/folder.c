#include "simulate/folder.h"

#include <errno.h>
#include <fnmatch.h>
#include <fts.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

enum { LONGEST_NAME = 512 }; /* of a file, within the study */

/* Whether a simulated study has such a folder or file. \param[in] name  within the study */
static bool is_ours(const char *name, bool folder)
{
  static const char *const folders[] = {"responses", "features", "features/sim*", NULL};
  static const char *const files[] = {"study.yaml",
                                      "truth.csv",
                                      "responses/sim*.h5",
                                      "features/sim*/vision-net*.h5",
                                      "features/sim*/language-net*.h5",
                                      "features/sim*/multimodal-net*.h5",
                                      "features/sim*/concat*.h5",
                                      "features/sim*/control-with*.h5",
                                      NULL};
  char whole[LONGEST_NAME];
  static const char *const unfinished[] = {".lock.tmp", ".tmp", NULL};
  size_t n = strlen(name);
  if (n >= sizeof whole) return false;
  for (const char *const *end = unfinished; !folder && *end != NULL; end++) {
    const size_t m = strlen(*end);
    if (n <= m || strcmp(name + n - m, *end) != 0) continue;
    n -= m;
    break;
  }
  snprintf(whole, sizeof whole, "%.*s", (int)n, name);
  for (const char *const *pattern = folder ? folders : files; *pattern != NULL; pattern++)
    if (fnmatch(*pattern, whole, FNM_PATHNAME) == 0) return true;
  return false;
}

/* Add up the bytes of one entry, or remove it; a folder comes twice, before its entries and behind.
 */
static chi_status sweep_one(FTSENT *entry, const char *name, bool remove_it, double *bytes)
{
  const bool folder = entry->fts_info == FTS_D || entry->fts_info == FTS_DP;
  if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS)
    return chi_fail(CHI_ERR_IO, "%s: cannot be looked at: %s", entry->fts_path,
                    strerror(entry->fts_errno));
  if ((!folder && entry->fts_info != FTS_F) || !is_ours(name, folder))
    return chi_fail(CHI_ERR_USAGE,
                    "%s: chiasm simulate made no such thing; --overwrite replaces only its own "
                    "studies, so move it away or choose another folder",
                    entry->fts_path);
  if (!folder) *bytes += (double)entry->fts_statp->st_size;
  if (remove_it && entry->fts_info != FTS_D && remove(entry->fts_path) != 0)
    return chi_fail(CHI_ERR_IO, "%s: cannot be removed: %s", entry->fts_path, strerror(errno));
  return CHI_OK;
}

/* Go through what is in a study's folder: add up the bytes, or remove everything.
 * \param[out] n  how many entries were looked at */
static chi_status sweep(const char *path, bool remove_it, double *bytes, int64_t *n)
{
  char root[PATH_MAX];
  snprintf(root, sizeof root, "%s", path);
  for (size_t k = strlen(root); k > 1 && root[k - 1] == '/'; k--) root[k - 1] = '\0';
  char *const roots[] = {root, NULL};
  const size_t skip = strcmp(root, "/") == 0 ? 1 : strlen(root) + 1;
  FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
  if (tree == NULL) return chi_fail(CHI_ERR_IO, "%s: %s", path, strerror(errno));
  chi_status s = CHI_OK;
  *n = 0;
  for (FTSENT *entry; s == CHI_OK && (entry = fts_read(tree)) != NULL;) {
    if (entry->fts_level == FTS_ROOTLEVEL && entry->fts_errno == 0) continue;
    *n += entry->fts_level > FTS_ROOTLEVEL;
    s = sweep_one(entry, entry->fts_path + skip, remove_it, bytes);
  }
  fts_close(tree);
  return s;
}

static bool has_mark(const char *path)
{
  char name[PATH_MAX], *text = NULL;
  const bool marked = chi_path_join(name, path, "study.yaml") == CHI_OK &&
                      chi_text_read(name, name, &text) == CHI_OK &&
                      strncmp(text, CHI_SIMULATE_MARK, strlen(CHI_SIMULATE_MARK)) == 0;
  chi_free(text);
  return marked;
}

/* What stands in the way of a study in a folder that is there. */
static chi_status examine_old(const char *path, bool overwrite, double *bytes)
{
  int64_t n;
  const chi_status s = sweep(path, false, bytes, &n);
  if (n > 0 && !overwrite)
    return chi_fail(CHI_ERR_USAGE,
                    "%s: exists and is not empty; --overwrite replaces a study that chiasm "
                    "simulate made",
                    path);
  if (n > 0 && !has_mark(path))
    return chi_fail(CHI_ERR_USAGE,
                    "%s: is no study made by chiasm simulate (its study.yaml does not say so), so "
                    "--overwrite leaves it alone; choose another folder",
                    path);
  return s;
}

chi_status chi_simulate_folder_examine(const char *path, bool overwrite, double *free_bytes)
{
  struct stat info;
  *free_bytes = 0;
  if (strlen(path) == 0 || strlen(path) > PATH_MAX - LONGEST_NAME)
    return chi_fail(CHI_ERR_USAGE, "the study's path is empty or too long");
  const bool there = stat(path, &info) == 0;
  if (!there && errno != ENOENT) return chi_fail(CHI_ERR_IO, "%s: %s", path, strerror(errno));
  if (there && !S_ISDIR(info.st_mode))
    return chi_fail(CHI_ERR_USAGE, "%s: is a file, expected a folder or nothing", path);
  if (there) CHI_TRY(examine_old(path, overwrite, free_bytes));
  const int64_t left = chi_disk_free(path);
  *free_bytes += left < 0 ? INFINITY : (double)left;
  return CHI_OK;
}

chi_status chi_simulate_folder_make(const char *path)
{
  double bytes = 0;
  int64_t n;
  CHI_TRY(chi_folder_make(path));
  return sweep(path, true, &bytes, &n);
}
