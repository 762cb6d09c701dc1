/* Opening a file to read: what is damaged is told from what the system refuses. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "h5/h5.h"

static char folder[] = "/tmp/chiasm-open-XXXXXX", path[64];

static int make(void **state)
{
  (void)state;
  setenv("HDF5_USE_FILE_LOCKING", "TRUE", 1);
  if (mkdtemp(folder) == NULL) return 1;
  snprintf(path, sizeof path, "%s/x.h5", folder);
  const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t group = H5Gcreate2(file, "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Gclose(group);
  return H5Fclose(file) < 0;
}

static int remove_all(void **state)
{
  (void)state;
  unlink(path);
  return rmdir(folder);
}

static void opens(chi_status expected, const char *text)
{
  hid_t file;
  chi_h5_lock();
  const chi_status s = chi_h5_open_read(path, "x.h5", &file);
  if (file >= 0) H5Fclose(file);
  chi_h5_unlock();
  if (s != CHI_OK && (expected == CHI_OK || strstr(chi_message(), text) == NULL))
    fail_msg("%s", chi_message());
  assert_int_equal(s, expected);
}

static void test_locked(void **state)
{
  (void)state;
  const int fd = open(path, O_RDWR);
  assert_true(fd >= 0);
  opens(CHI_OK, "");
  assert_int_equal(flock(fd, LOCK_EX), 0); /* as HDF5 does where it writes */
  opens(CHI_ERR_IO,
        "x.h5: HDF5 cannot open it (unable to lock file: Resource temporarily "
        "unavailable); another program has it open: wait until that has ended");
  close(fd);
  opens(CHI_OK, "");
}

static void test_too_many(void **state)
{
  (void)state;
  struct rlimit before;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  struct rlimit few = before;
  few.rlim_cur = 3;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
  opens(CHI_ERR_IO, "x.h5: cannot be read: Too many open files; too many files are open: raise");
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void test_permission(void **state)
{
  (void)state;
  if (geteuid() == 0) skip();
  assert_int_equal(chmod(path, 0), 0);
  opens(CHI_ERR_IO, "x.h5: cannot be read: Permission denied");
  assert_int_equal(chmod(path, 0644), 0);
}

static void test_damaged(void **state)
{
  (void)state;
  struct stat info;
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(truncate(path, info.st_size - 8), 0);
  opens(CHI_ERR_INPUT, "x.h5: HDF5 cannot open it, it may be truncated or damaged (truncated file");
  assert_int_equal(truncate(path, 0), 0);
  opens(CHI_ERR_INPUT, "x.h5: is empty");
  assert_int_equal(unlink(path), 0);
  opens(CHI_ERR_INPUT, "x.h5: there is no such file");
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_locked), cmocka_unit_test(test_too_many),
                                     cmocka_unit_test(test_permission),
                                     cmocka_unit_test(test_damaged)};
  return cmocka_run_group_tests(tests, make, remove_all);
}
