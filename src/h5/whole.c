#include "h5/whole.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/gate.h"
#include "h5/h5.h"

enum { META_BLOCK = 1 << 16 };

chi_status chi_h5_failed(const char *path, const char *what)
{
  char space[64] = "";
  const int64_t left = chi_disk_free(path);
  if (left >= 0) snprintf(space, sizeof space, "; %.1f MB are free there", 1e-6 * (double)left);
  return chi_fail(CHI_ERR_IO, "%s: %s could not be written (%s)%s", path, what, chi_h5_reason(),
                  space);
}

hid_t chi_h5_text_type(H5T_cset_t characters)
{
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, characters);
  return type;
}

/* n < 0: one value, as a scalar. */
static herr_t put(hid_t object, const char *name, int64_t n, hid_t file_type, hid_t memory_type,
                  const void *values)
{
  const hsize_t length = (hsize_t)n;
  const hid_t space = n < 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &length, NULL);
  const hid_t attribute = H5Acreate2(object, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
  const herr_t failed = attribute < 0 ? -1 : H5Awrite(attribute, memory_type, values);
  if (attribute >= 0) H5Aclose(attribute);
  H5Sclose(space);
  return failed;
}

herr_t chi_h5_put_text(hid_t object, const char *name, const char *value)
{
  const hid_t type = chi_h5_text_type(H5T_CSET_UTF8);
  const herr_t failed = put(object, name, -1, type, type, &value);
  H5Tclose(type);
  return failed;
}

herr_t chi_h5_put_int32(hid_t object, const char *name, int64_t n, const int32_t *values)
{
  return put(object, name, n, H5T_STD_I32LE, H5T_NATIVE_INT32, values);
}

herr_t chi_h5_put_int64(hid_t object, const char *name, int64_t value)
{
  return put(object, name, -1, H5T_STD_I64LE, H5T_NATIVE_INT64, &value);
}

herr_t chi_h5_put_real(hid_t object, const char *name, double value)
{
  return put(object, name, -1, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value);
}

chi_status chi_h5_check_space(const char *folder, const char *name, int64_t bytes)
{
  const int64_t left = chi_disk_free(folder);
  if (left < 0 || left >= bytes) return CHI_OK;
  return chi_fail(CHI_ERR_IO,
                  "%s/%s: takes %.1f MB, but only %.1f MB are free there; make room or choose "
                  "another place",
                  folder, name, 1e-6 * (double)bytes, 1e-6 * (double)left);
}

chi_status chi_h5_tmp_path(char *out, const char *path)
{
  const int n = snprintf(out, PATH_MAX, "%s.tmp", path);
  if (n >= 0 && n < PATH_MAX) return CHI_OK;
  return chi_fail(CHI_ERR_USAGE, "%.100s...: the path is too long", path);
}

/* Take room on disk for the first `bytes` of a file, with or without making it that long. HDF5 does
 * not survive a full disk while it makes a file (it crashes when the program ends): so it is given
 * its room first, and later writes of scores cannot meet a full disk either. */
static chi_status reserve(const char *path, int mode, int64_t bytes)
{
  struct stat info;
  int fd;
  CHI_TRY(chi_file_open(path, path, O_RDWR | O_CREAT | O_NOFOLLOW, &fd));
  int why = fstat(fd, &info) != 0 ? errno : 0;
  if (bytes < 0) bytes = info.st_size;
  if (why == 0 && bytes > 0 && fallocate(fd, mode, 0, bytes) != 0) why = errno;
  if (why == EOPNOTSUPP || why == ENOSYS) why = 0; /* this file system cannot: it may go well */
  if (why == 0 && fsync(fd) != 0) why = errno;
  close(fd);
  if (why == 0) return CHI_OK;
  return chi_fail(CHI_ERR_IO, "%s: no room for %.1f MB: %s; %.1f MB are free there", path,
                  1e-6 * (double)bytes, strerror(why), 1e-6 * (double)chi_disk_free(path));
}

chi_status chi_h5_begin(const char *path, int64_t bytes, hid_t *file)
{
  char tmp[PATH_MAX];
  *file = H5I_INVALID_HID;
  CHI_TRY(chi_h5_tmp_path(tmp, path));
  unlink(tmp); /* of an earlier job that did not live long */
  if (bytes > 0) CHI_TRY(reserve(tmp, 0, bytes));
  /* Not the newest library format: such a file does not open after a kill -9. */
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  /* What is known of datasets stands together, before the first large one. */
  if (bytes > 0) H5Pset_meta_block_size(access, META_BLOCK);
  *file = H5Fcreate(tmp, H5F_ACC_TRUNC, H5P_DEFAULT, access);
  H5Pclose(access);
  if (*file < 0) return chi_h5_failed(tmp, "the file");
  /* Making the file gave the room back that it had. */
  const chi_status s = bytes > 0 ? reserve(tmp, FALLOC_FL_KEEP_SIZE, bytes) : CHI_OK;
  if (s != CHI_OK) H5Fclose(*file);
  return s;
}

chi_status chi_h5_reserve(const char *path)
{
  char tmp[PATH_MAX];
  CHI_TRY(chi_h5_tmp_path(tmp, path));
  return reserve(tmp, 0, -1);
}

/* The folder of a path, so that its names last through a power cut. */
static chi_status sync_folder(const char *path)
{
  char folder[PATH_MAX];
  snprintf(folder, sizeof folder, "%s", path);
  char *slash = strrchr(folder, '/');
  if (slash == NULL) return chi_folder_sync(".");
  slash[slash == folder ? 1 : 0] = '\0';
  return chi_folder_sync(folder);
}

chi_status chi_h5_end(const char *path, chi_status status)
{
  char tmp[PATH_MAX];
  if (status == CHI_OK) status = chi_h5_reserve(path);
  if (status == CHI_OK) status = chi_gate("%s.written", path);
  if (chi_h5_tmp_path(tmp, path) != CHI_OK) return status;
  if (status == CHI_OK && rename(tmp, path) != 0)
    status = chi_fail(CHI_ERR_IO, "%s: cannot be renamed to %s: %s", tmp, path, strerror(errno));
  if (status == CHI_OK) return sync_folder(path);
  unlink(tmp);
  return status;
}

static chi_status write_contents(const char *path, int64_t bytes, chi_h5_contents *contents,
                                 void *context)
{
  hid_t file;
  const char *what = "the file";
  CHI_TRY(chi_h5_begin(path, bytes, &file));
  chi_status s = contents(file, context, &what);
  if (s == CHI_ERR_IO) s = chi_h5_failed(path, what);
  const herr_t closed = H5Fclose(file);
  return s == CHI_OK && closed < 0 ? chi_h5_failed(path, "the file") : s;
}

chi_status chi_h5_make(const char *folder, const char *name, int64_t bytes,
                       chi_h5_contents *contents, void *context)
{
  char path[PATH_MAX];
  CHI_TRY(chi_path_join(path, folder, name));
  chi_h5_lock();
  const chi_status s = write_contents(path, bytes, contents, context);
  chi_h5_unlock();
  return chi_h5_end(path, s);
}
