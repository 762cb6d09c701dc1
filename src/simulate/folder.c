#include "simulate/folder.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PATH_ROOM = 8192 };

/* What a simulated study has, level by level. */
enum { LEVEL_STUDY, LEVEL_RESPONSES, LEVEL_FEATURES, LEVEL_MODELS };

static bool begins(const char *text, const char *with)
{
  return strncmp(text, with, strlen(with)) == 0;
}

static bool ends(const char *text, const char *with)
{
  const size_t n = strlen(text), m = strlen(with);
  return n >= m && strcmp(text + n - m, with) == 0;
}

/* The level below this folder's entry; -1 if it is no folder of ours. */
static int level_below(int level, const char *name)
{
  if (level == LEVEL_STUDY && strcmp(name, "responses") == 0) return LEVEL_RESPONSES;
  if (level == LEVEL_STUDY && strcmp(name, "features") == 0) return LEVEL_FEATURES;
  if (level == LEVEL_FEATURES && begins(name, "sim")) return LEVEL_MODELS;
  return -1;
}

static bool is_our_file(int level, const char *name)
{
  static const char *const models[] = {"vision-net", "language-net", "multimodal-net", "concat",
                                       "control-with"};
  if (level == LEVEL_STUDY) return begins(name, "study.yaml") || begins(name, "truth.csv");
  if (!ends(name, ".h5") && !ends(name, ".h5.tmp")) return false;
  if (level == LEVEL_RESPONSES) return begins(name, "sim");
  for (size_t i = 0; level == LEVEL_MODELS && i < sizeof models / sizeof models[0]; i++)
    if (begins(name, models[i])) return true;
  return false;
}

/* Go through a folder of ours and those below: add up the bytes, or remove everything. */
static chi_status sweep(const char *path, int level, bool remove_it, double *bytes)
{
  DIR *folder = opendir(path);
  if (folder == NULL) return chi_fail(CHI_ERR_IO, "%s: %s", path, strerror(errno));
  chi_status s = CHI_OK;
  for (struct dirent *entry; s == CHI_OK && (entry = readdir(folder)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    char below[PATH_ROOM];
    struct stat info;
    if (snprintf(below, sizeof below, "%s/%s", path, entry->d_name) >= PATH_ROOM ||
        lstat(below, &info) != 0) {
      s = chi_fail(CHI_ERR_IO, "%s/%s: cannot be looked at", path, entry->d_name);
    } else if (S_ISDIR(info.st_mode) && level_below(level, entry->d_name) >= 0) {
      s = sweep(below, level_below(level, entry->d_name), remove_it, bytes);
      if (s == CHI_OK && remove_it && rmdir(below) != 0)
        s = chi_fail(CHI_ERR_IO, "%s: cannot be removed: %s", below, strerror(errno));
    } else if (S_ISREG(info.st_mode) && is_our_file(level, entry->d_name)) {
      *bytes += (double)info.st_size;
      if (remove_it && unlink(below) != 0)
        s = chi_fail(CHI_ERR_IO, "%s: cannot be removed: %s", below, strerror(errno));
    } else {
      s = chi_fail(CHI_ERR_USAGE,
                   "%s: chiasm simulate made no such thing; --overwrite replaces only its own "
                   "studies, so move it away or choose another folder",
                   below);
    }
  }
  closedir(folder);
  return s;
}

/* Whether a folder has entries; -1 if it cannot be read. */
static int count_some(const char *path)
{
  DIR *folder = opendir(path);
  if (folder == NULL) return -1;
  int n = 0;
  for (struct dirent *entry; n == 0 && (entry = readdir(folder)) != NULL;)
    n = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
  closedir(folder);
  return n;
}

static bool has_mark(const char *path)
{
  char name[PATH_ROOM], line[sizeof CHI_SIMULATE_MARK] = "";
  if (snprintf(name, sizeof name, "%s/study.yaml", path) >= PATH_ROOM) return false;
  FILE *file = fopen(name, "r");
  if (file == NULL) return false;
  const bool marked =
      fgets(line, sizeof line, file) != NULL && strcmp(line, CHI_SIMULATE_MARK) == 0;
  fclose(file);
  return marked;
}

/* The disk under a folder, or under its parent if it is not there yet. */
static chi_status free_space(const char *path, bool there, double *bytes)
{
  char parent[PATH_ROOM];
  snprintf(parent, sizeof parent, "%s", path);
  const char *at = there ? path : dirname(parent);
  struct statvfs info;
  if (statvfs(at, &info) != 0)
    return chi_fail(CHI_ERR_IO, "%s: cannot be made: %s: %s", path, at, strerror(errno));
  *bytes += (double)info.f_bavail * (double)info.f_frsize;
  return CHI_OK;
}

chi_status chi_simulate_folder_examine(const char *path, bool overwrite, double *free_bytes)
{
  struct stat info;
  *free_bytes = 0;
  if (strlen(path) == 0 || strlen(path) > PATH_ROOM / 2)
    return chi_fail(CHI_ERR_USAGE, "the study's path is empty or too long");
  if (stat(path, &info) != 0) {
    if (errno != ENOENT) return chi_fail(CHI_ERR_IO, "%s: %s", path, strerror(errno));
    return free_space(path, false, free_bytes);
  }
  if (!S_ISDIR(info.st_mode))
    return chi_fail(CHI_ERR_USAGE, "%s: is a file, expected a folder or nothing", path);
  const int some = count_some(path);
  if (some < 0) return chi_fail(CHI_ERR_IO, "%s: %s", path, strerror(errno));
  if (some > 0 && !overwrite)
    return chi_fail(CHI_ERR_USAGE,
                    "%s: exists and is not empty; --overwrite replaces a study that chiasm "
                    "simulate made",
                    path);
  if (some > 0 && !has_mark(path))
    return chi_fail(CHI_ERR_USAGE,
                    "%s: is no study made by chiasm simulate (its study.yaml does not say so), so "
                    "--overwrite leaves it alone; choose another folder",
                    path);
  if (some > 0) CHI_TRY(sweep(path, LEVEL_STUDY, false, free_bytes));
  return free_space(path, true, free_bytes);
}

chi_status chi_simulate_folder_make(const char *path)
{
  double bytes = 0;
  if (mkdir(path, 0777) == 0) return CHI_OK;
  if (errno != EEXIST) return chi_fail(CHI_ERR_IO, "%s: cannot be made: %s", path, strerror(errno));
  return sweep(path, LEVEL_STUDY, true, &bytes);
}
