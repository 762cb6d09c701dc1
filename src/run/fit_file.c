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

int64_t chi_fit_file_bytes(const chi_study *study)
{
  int64_t bytes = 1 << 16;
  for (int32_t a = 0; a < study->n_alignments; a++) {
    const chi_alignment *al = &study->alignments[a];
    const int64_t labels = 512 * (al->n_spaces + al->n_sites);
    bytes += al->n_spaces * al->n_sites * (12 * al->n_times + 9) + labels + (1 << 16);
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

static chi_status write_contents(const char *path, const chi_study *study,
                                 const chi_provenance *provenance, int ranks)
{
  /* Not the newest library format: such a file does not open after a kill -9. */
  chi_status s = CHI_OK;
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
  H5Pclose(access);
  if (file < 0) return chi_fit_file_failed(path, "the file");
  if (write_attributes(file, study, provenance, ranks) < 0)
    s = chi_fit_file_failed(path, "an attribute");
  for (int32_t a = 0; a < study->n_alignments && s == CHI_OK; a++) {
    s = chi_fit_file_alignment(file, study, &study->alignments[a]);
    if (s == CHI_ERR_IO) {
      char what[300];
      snprintf(what, sizeof what, "/%s", study->alignments[a].name);
      s = chi_fit_file_failed(path, what);
    }
  }
  const herr_t closed = H5Fclose(file);
  if (s == CHI_OK && closed < 0) s = chi_fit_file_failed(path, "the file");
  return s;
}

/* Take every block on disk now: no later write into the file can then meet a full disk. */
static chi_status settle(const char *path)
{
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return chi_fail(CHI_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
  struct stat info;
  int why = fstat(fd, &info) != 0 ? errno : 0;
  if (why == 0) {
    why = posix_fallocate(fd, 0, info.st_size);
    if (why == EINVAL || why == EOPNOTSUPP) why = 0; /* this file system cannot */
  }
  if (why == 0 && fsync(fd) != 0) why = errno;
  close(fd);
  if (why == 0) return CHI_OK;
  return chi_fail(CHI_ERR_IO, "%s: %s; %.1f MB are free there", path, strerror(why),
                  1e-6 * (double)chi_run_folder_free(path));
}

chi_status chi_fit_file_create(const char *run, const chi_study *study,
                               const chi_provenance *provenance, int ranks)
{
  char path[PATH_MAX], temporary[PATH_MAX];
  CHI_TRY(chi_run_folder_path(path, run, "fit.h5"));
  CHI_TRY(chi_run_folder_path(temporary, run, "fit.h5.tmp"));
  unlink(temporary); /* of an earlier job that did not live long */
  chi_h5_lock();
  chi_status s = write_contents(temporary, study, provenance, ranks);
  chi_h5_unlock();
  if (s == CHI_OK) s = settle(temporary);
  if (s == CHI_OK && rename(temporary, path) != 0)
    s = chi_fail(CHI_ERR_IO, "%s: cannot be renamed to fit.h5: %s", temporary, strerror(errno));
  if (s == CHI_OK) return chi_run_folder_sync(run);
  unlink(temporary);
  return s;
}
