/* The writer of response and feature files: whole files or none. What is in them the Python tests
 * see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants some of the above */
#include <cmocka.h>

#include "study/write.h"

static const chi_feature_header header = {
    .model = "m", .network = "m", .modality = "vision", .training = "trained", .n_events = 3};
static const float rows[6] = {1, 2, 3, 4, 5, 6};
static char path[64], tmp[72];

static int make_paths(void **unused)
{
  (void)unused;
  snprintf(path, sizeof path, "/tmp/chiasm-write-%d.h5", (int)getpid());
  snprintf(tmp, sizeof tmp, "%s.tmp", path);
  return 0;
}

static bool exists(const char *file) { return access(file, F_OK) == 0; }

static void test_whole(void **unused)
{
  (void)unused;
  chi_writer *writer;
  assert_int_equal(chi_writer_create_features(path, &header, &writer), CHI_OK);
  assert_int_equal(chi_writer_add_layer(writer, "a", 0, 2), CHI_OK);
  assert_int_equal(chi_writer_append(writer, 2, rows), CHI_OK);
  assert_int_equal(chi_writer_append(writer, 0, rows), CHI_OK);
  assert_int_equal(chi_writer_append(writer, 1, rows + 4), CHI_OK);
  assert_int_equal(chi_writer_add_layer(writer, "b", 1, 1), CHI_OK);
  assert_int_equal(chi_writer_append(writer, 3, rows), CHI_OK);
  assert_true(!exists(path) && exists(tmp));
  assert_int_equal(chi_writer_finish(&writer, CHI_OK), CHI_OK);
  assert_null(writer);
  assert_true(exists(path) && !exists(tmp));
  unlink(path);
}

static void test_not_whole(void **unused)
{
  (void)unused;
  chi_writer *writer;
  assert_int_equal(chi_writer_create_features(path, &header, &writer), CHI_OK);
  assert_int_equal(chi_writer_append(writer, 1, rows), CHI_ERR_BUG); /* no layer yet */
  assert_int_equal(chi_writer_add_layer(writer, "a", 0, 2), CHI_OK);
  assert_int_equal(chi_writer_append(writer, 4, rows), CHI_ERR_BUG);
  assert_int_equal(chi_writer_append(writer, 2, rows), CHI_OK);
  assert_int_equal(chi_writer_add_layer(writer, "b", 0, 2), CHI_ERR_BUG);
  assert_int_equal(chi_writer_finish(&writer, CHI_OK), CHI_ERR_BUG);
  assert_non_null(strstr(chi_message(), "2 of 3 events"));
  assert_true(writer == NULL && !exists(path) && !exists(tmp));
}

static void test_trouble(void **unused)
{
  (void)unused;
  chi_writer *writer;
  assert_int_equal(chi_writer_create_features("/nonexistent/x.h5", &header, &writer), CHI_ERR_IO);
  assert_null(writer);
  assert_non_null(strstr(chi_message(), "/nonexistent/x.h5"));
  assert_int_equal(chi_writer_create_features(path, &header, &writer), CHI_OK);
  assert_int_equal(chi_writer_add_layer(writer, "a", 0, 2), CHI_OK);
  assert_int_equal(chi_writer_append(writer, 3, rows), CHI_OK);
  assert_int_equal(chi_writer_add_layer(writer, "a", 0, 2), CHI_ERR_IO); /* twice the same */
  assert_int_equal(chi_writer_finish(&writer, CHI_ERR_NUMERIC), CHI_ERR_NUMERIC);
  assert_true(writer == NULL && !exists(path) && !exists(tmp));
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole), cmocka_unit_test(test_not_whole),
                                     cmocka_unit_test(test_trouble)};
  return cmocka_run_group_tests(tests, make_paths, NULL);
}
