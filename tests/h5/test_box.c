/* Boxes of a dataset, written and read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "h5/box.h"
#include "h5/h5.h"

enum { ROWS = 3, COLUMNS = 4 };

/* A file in memory with a dataset of int32, all 0. */
static hid_t make(hid_t *file)
{
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fapl_core(access, 1 << 16, 0);
  *file = H5Fcreate("box.h5", H5F_ACC_TRUNC, H5P_DEFAULT, access);
  const hsize_t dims[2] = {ROWS, COLUMNS};
  const hid_t space = H5Screate_simple(2, dims, NULL);
  const hid_t set =
      H5Dcreate2(*file, "x", H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Sclose(space);
  H5Pclose(access);
  assert_true(set >= 0);
  return set;
}

static void test_box(void **state)
{
  (void)state;
  hid_t file;
  int32_t numbers[] = {1, 2, 3, 4}, all[ROWS * COLUMNS];
  double wide[2];
  const int64_t start[] = {1, 1}, count[] = {2, 2}, none[] = {2, 0};
  const int64_t whole[] = {ROWS, COLUMNS}, origin[] = {0, 0}, row[] = {1, 2}, last[] = {2, 1};
  chi_h5_lock();
  const hid_t set = make(&file);
  assert_true(chi_h5_box(set, true, H5T_NATIVE_INT32, 2, start, count, numbers) >= 0);
  assert_true(chi_h5_box(set, false, H5T_NATIVE_INT32, 2, origin, whole, all) >= 0);
  const int32_t expected[] = {0, 0, 0, 0, 0, 1, 2, 0, 0, 3, 4, 0};
  assert_memory_equal(all, expected, sizeof expected);
  assert_true(chi_h5_box(set, false, H5T_NATIVE_DOUBLE, 2, last, row, wide) >= 0);
  assert_true(wide[0] == 3 && wide[1] == 4);
  assert_true(chi_h5_box(set, true, H5T_NATIVE_INT32, 2, start, none, NULL) >= 0);
  H5Fclose(file);
  H5Dclose(set);
  chi_h5_unlock();
}

/* What does not fit fails, with HDF5's reason still there after what was opened is closed. */
static void test_refused(void **state)
{
  (void)state;
  hid_t file;
  int32_t numbers[4] = {0};
  const int64_t outside[] = {2, 3}, count[] = {1, 2}, origin[] = {0, 0, 0}, one[] = {1, 1, 1};
  chi_h5_lock();
  const hid_t set = make(&file);
  assert_true(chi_h5_box(set, false, H5T_NATIVE_INT32, 1, origin, one, numbers) < 0);
  assert_true(chi_h5_box(set, false, H5T_NATIVE_INT32, 3, origin, one, numbers) < 0);
  assert_true(chi_h5_box(set, false, H5T_NATIVE_INT32, 2, outside, count, numbers) < 0);
  assert_string_not_equal(chi_h5_reason(), "HDF5 gives no reason");
  H5Dclose(set);
  H5Fclose(file);
  chi_h5_unlock();
  chi_h5_lock();
  assert_string_equal(chi_h5_reason(), "HDF5 gives no reason");
  chi_h5_unlock();
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_box), cmocka_unit_test(test_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
