#include "store/folder.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Files of a run, of all stages; any of the first few shows that a folder is one. */
static const char *const marks[] = {"fit.h5", "config.yaml", "lock", "fit.h5.tmp"};
static const char *const others[] = {"config.yaml.tmp", "status.json", "status.json.tmp",
                                     "log.txt"};
/* What the stages after the fit write: the later ones first, and of a stage what it writes last.
 * What is made of several results files goes with any of them. */
static const struct {
  const char *name;
  const char *of; /* the results file that it is; NULL: it is made of them */
} later[] = {{"report.html", NULL},
             {"report.html.tmp", NULL},
             {"regions.csv", NULL},
             {"regions.csv.tmp", NULL},
             {"sites.csv", NULL},
             {"sites.csv.tmp", NULL},
             {"sites.h5.tmp", NULL},
             {"sites.h5", NULL},
             {"bootstrap.h5.tmp", "bootstrap.h5"},
             {"bootstrap.h5", "bootstrap.h5"},
             {"influence.h5.tmp", "influence.h5"},
             {"influence.h5", "influence.h5"}};
enum {
  N_MARKS = sizeof marks / sizeof *marks,
  N_OTHERS = sizeof others / sizeof *others,
  N_LATER = sizeof later / sizeof *later
};

bool chi_run_folder_has(const char *run, const char *name)
{
  char path[PATH_MAX];
  struct stat info;
  return chi_path_join(path, run, name) == CHI_OK && lstat(path, &info) == 0;
}

chi_status chi_run_folder_look(const char *run, chi_run_folder_kind *kind)
{
  *kind = CHI_FOLDER_NONE;
  struct stat info;
  if (stat(run, &info) != 0) {
    if (errno == ENOENT && lstat(run, &info) != 0) return CHI_OK;
    return chi_fail(CHI_ERR_IO, "%s: cannot be looked at: %s", run, strerror(errno));
  }
  *kind = CHI_FOLDER_NO_FOLDER;
  if (!S_ISDIR(info.st_mode)) return CHI_OK;
  *kind = CHI_FOLDER_RUN;
  for (int i = 0; i < N_MARKS; i++)
    if (chi_run_folder_has(run, marks[i])) return CHI_OK;
  DIR *folder = opendir(run);
  if (folder == NULL) return chi_fail(CHI_ERR_IO, "%s: cannot be read: %s", run, strerror(errno));
  *kind = CHI_FOLDER_EMPTY;
  for (const struct dirent *e = readdir(folder); e != NULL; e = readdir(folder))
    if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) *kind = CHI_FOLDER_FOREIGN;
  closedir(folder);
  return CHI_OK;
}

chi_status chi_run_folder_make(const char *run)
{
  if (mkdir(run, 0777) == 0 || errno == EEXIST) return CHI_OK;
  if (errno == ENOENT || errno == ENOTDIR)
    return chi_fail(CHI_ERR_USAGE, "%s: the folder that is to hold this run is not there; make it",
                    run);
  return chi_fail(CHI_ERR_IO, "%s: cannot make this folder: %s", run, strerror(errno));
}

static chi_status remove_file(const char *run, const char *name)
{
  char path[PATH_MAX];
  CHI_TRY(chi_path_join(path, run, name));
  if (unlink(path) == 0 || errno == ENOENT) return CHI_OK;
  return chi_fail(CHI_ERR_IO, "%s: cannot be removed: %s", path, strerror(errno));
}

/* A file of a run as it should be: whole, and in the run's own folder. */
static chi_status take_file(const char *run, const char *name)
{
  const char *dot = strrchr(name, '.');
  char path[PATH_MAX];
  CHI_TRY(chi_path_join(path, run, name));
  if (dot == NULL || strcmp(dot, ".tmp") != 0) return chi_file_look(path, path, false);
  (void)remove_file(run, name); /* if it stays, who needs its place says so */
  return CHI_OK;
}

chi_status chi_run_folder_take(const char *run)
{
  for (int i = 0; i < N_MARKS; i++) CHI_TRY(take_file(run, marks[i]));
  for (int i = 0; i < N_OTHERS; i++) CHI_TRY(take_file(run, others[i]));
  for (int i = 0; i < N_LATER; i++) CHI_TRY(take_file(run, later[i].name));
  return CHI_OK;
}

chi_status chi_run_folder_clear_from(const char *run, const char *file)
{
  const bool all = strcmp(file, marks[0]) == 0;
  /* The scores go last: while they are there, what is left can be resumed or overwritten. */
  for (int i = 0; i < N_LATER; i++)
    if (all || later[i].of == NULL || strcmp(later[i].of, file) == 0)
      CHI_TRY(remove_file(run, later[i].name));
  for (int i = 0; i < N_OTHERS && all; i++) CHI_TRY(remove_file(run, others[i]));
  for (int i = N_MARKS - 1; i >= 0 && all; i--)
    if (strcmp(marks[i], "lock") != 0) CHI_TRY(remove_file(run, marks[i]));
  return CHI_OK;
}
