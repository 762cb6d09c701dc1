#include "run/fit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "run/folder.h"
#include "study/hdf5.h"

#ifndef CHIASM_GIT_REVISION
#define CHIASM_GIT_REVISION "unknown"
#endif

/* A string of a label: its bytes, and what HDF5 adds in its heap and to point at it, at most. */
static int64_t text_bytes(const char *text) { return 2 * (int64_t)strlen(text) + 64; }

static int64_t label_bytes(const chi_study *study, const chi_alignment *al)
{
  int64_t bytes = 1 << 16;
  for (int64_t f = 0; f < al->n_spaces; f++) {
    const chi_feature_space *space = &al->space[f];
    bytes += 2 * (text_bytes(space->model) + text_bytes(space->layer)) +
             text_bytes(space->network) + text_bytes(space->modality) +
             text_bytes(space->training) + 4 * al->n_datasets;
  }
  for (int32_t d = 0; d < al->n_datasets; d++) {
    const chi_dataset *set = &study->datasets[al->dataset[d]];
    for (int64_t e = 0; e < set->n_electrodes; e++)
      bytes += 2 * (text_bytes(set->subject) + text_bytes(set->electrode[e])) +
               text_bytes(set->region[e]);
  }
  return bytes + 8 * al->n_times;
}

int64_t chi_fit_file_bytes(const chi_study *study, const chi_provenance *provenance)
{
  int64_t bytes = (1 << 16) + (int64_t)strlen(provenance->config);
  for (int32_t a = 0; a < study->n_alignments; a++) {
    const chi_alignment *al = &study->alignments[a];
    bytes += al->n_spaces * al->n_sites * (12 * al->n_times + 9) + label_bytes(study, al);
  }
  return bytes;
}

chi_status chi_fit_file_failed(const char *path, const char *what)
{
  char space[64] = "";
  const int64_t left = chi_run_folder_free(path);
  if (left >= 0) snprintf(space, sizeof space, "; %.1f MB are free there", 1e-6 * (double)left);
  return chi_fail(CHI_ERR_IO, "%s: %s could not be written (%s)%s", path, what, chi_h5_reason(),
                  space);
}

herr_t chi_fit_file_attribute(hid_t object, const char *name, const char *value)
{
  const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  const hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  const herr_t failed = attribute < 0 ? -1 : H5Awrite(attribute, type, &value);
  if (attribute >= 0) H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
  return failed;
}

static herr_t attribute_int(hid_t file, const char *name, int32_t value)
{
  const hid_t space = H5Screate(H5S_SCALAR);
  const hid_t attribute = H5Acreate2(file, name, H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT);
  const herr_t failed = attribute < 0 ? -1 : H5Awrite(attribute, H5T_NATIVE_INT32, &value);
  if (attribute >= 0) H5Aclose(attribute);
  H5Sclose(space);
  return failed;
}

/* Where the study lies is kept from the root on, since a run outlives the folder it was started in.
 */
static herr_t write_attributes(hid_t file, const chi_study *study, const chi_provenance *provenance,
                               int ranks)
{
  char created[32], host[128] = "", *real = realpath(study->path, NULL);
  chi_clock_iso8601(created, sizeof created);
  gethostname(host, sizeof host - 1);
  const struct {
    const char *name, *value;
  } texts[] = {{"config", provenance->config},
               {"study", real != NULL ? real : study->path},
               {"study_checksum", provenance->study_checksum},
               {"run_version", CHIASM_VERSION},
               {"run_git_revision", CHIASM_GIT_REVISION},
               {"run_created", created},
               {"run_blas_kernel", provenance->blas_kernel},
               {"run_libraries", provenance->libraries},
               {"run_host", host}};
  herr_t failed = attribute_int(file, "chiasm_format", CHI_FIT_FORMAT);
  for (size_t i = 0; i < sizeof texts / sizeof *texts && failed >= 0; i++)
    failed = chi_fit_file_attribute(file, texts[i].name, texts[i].value);
  if (failed >= 0) failed = attribute_int(file, "run_mpi_ranks", ranks);
  if (failed >= 0)
    failed = attribute_int(file, "run_threads_per_rank", provenance->threads_per_rank);
  free(real);
  return failed;
}

/* Take room on disk for the first `bytes` of a file, with or without making it that long. HDF5 does
 * not survive a full disk while it makes a file (it crashes when the program ends): so it is given
 * its room first, and later writes of scores cannot meet a full disk either. */
static chi_status reserve(const char *path, int mode, int64_t bytes)
{
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd < 0) return chi_fail(CHI_ERR_IO, "%s: cannot be made: %s", path, strerror(errno));
  struct stat info;
  int why = fstat(fd, &info) != 0 ? errno : 0;
  if (bytes < 0) bytes = info.st_size;
  if (why == 0 && fallocate(fd, mode, 0, bytes) != 0) why = errno;
  if (why == EOPNOTSUPP || why == ENOSYS) why = 0; /* this file system cannot: it may go well */
  if (why == 0 && fsync(fd) != 0) why = errno;
  close(fd);
  if (why == 0) return CHI_OK;
  return chi_fail(CHI_ERR_IO, "%s: no room for %.1f MB: %s; %.1f MB are free there", path,
                  1e-6 * (double)bytes, strerror(why), 1e-6 * (double)chi_run_folder_free(path));
}

static chi_status write_alignments(hid_t file, const char *path, const chi_study *study)
{
  for (int32_t a = 0; a < study->n_alignments; a++) {
    const chi_status s = chi_fit_file_alignment(file, study, &study->alignments[a]);
    if (s == CHI_ERR_IO) return chi_fit_file_failed(path, study->alignments[a].name);
    CHI_TRY(s);
  }
  return CHI_OK;
}

static chi_status write_contents(const char *path, const chi_study *study,
                                 const chi_provenance *provenance, int ranks)
{
  /* Not the newest library format: such a file does not open after a kill -9. */
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
  H5Pclose(access);
  if (file < 0) return chi_fit_file_failed(path, "the file");
  /* Making the file gave the room back that it had. */
  chi_status s = reserve(path, FALLOC_FL_KEEP_SIZE, chi_fit_file_bytes(study, provenance));
  if (s == CHI_OK && write_attributes(file, study, provenance, ranks) < 0)
    s = chi_fit_file_failed(path, "an attribute");
  if (s == CHI_OK) s = write_alignments(file, path, study);
  const herr_t closed = H5Fclose(file);
  if (s == CHI_OK && closed < 0) s = chi_fit_file_failed(path, "the file");
  return s;
}

chi_status chi_fit_file_create(const char *run, const chi_study *study,
                               const chi_provenance *provenance, int ranks)
{
  char path[PATH_MAX], temporary[PATH_MAX];
  CHI_TRY(chi_run_folder_path(path, run, "fit.h5"));
  CHI_TRY(chi_run_folder_path(temporary, run, "fit.h5.tmp"));
  unlink(temporary); /* of an earlier job that did not live long */
  chi_status s = reserve(temporary, 0, chi_fit_file_bytes(study, provenance));
  if (s == CHI_OK) {
    chi_h5_lock();
    s = write_contents(temporary, study, provenance, ranks);
    chi_h5_unlock();
  }
  if (s == CHI_OK) s = reserve(temporary, 0, -1);
  if (s == CHI_OK && rename(temporary, path) != 0)
    s = chi_fail(CHI_ERR_IO, "%s: cannot be renamed to fit.h5: %s", temporary, strerror(errno));
  if (s == CHI_OK) return chi_run_folder_sync(run);
  unlink(temporary);
  return s;
}
