/* The parts of a run that need neither MPI nor HDF5: options compared, status.json, the lock. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/config.h"
#include "store/folder.h"
#include "store/lock.h"
#include "store/progress.h"

static char folder[64];

static int make_folder(void **state)
{
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/chiasm_parts_XXXXXX");
  return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
  (void)state;
  chi_run_folder_clear_from(folder, "fit.h5");
  char path[128];
  snprintf(path, sizeof path, "%s/lock", folder);
  unlink(path);
  return rmdir(folder);
}

static void expect(chi_status got, chi_status wanted, const char *text)
{
  if (got != wanted || strstr(chi_message(), text) == NULL)
    fail_msg("status %d, expected %d with \"%s\": %s", got, wanted, text, chi_message());
}

static void test_config(void **state)
{
  (void)state;
  const char *run = "fit:\n  folds: 5\n  alphas: [1, 2]\n  models: \"a*\"\n";
  assert_int_equal(chi_config_compare("RUN", run, run), CHI_OK);
  assert_int_equal(
      chi_config_compare("RUN", run, "{fit: {models: 'a*', alphas: [1, 2], folds: 5}}"), CHI_OK);
  expect(chi_config_compare("RUN", run, "fit: {folds: 4, alphas: [1, 2], models: a*}"),
         CHI_ERR_USAGE, "RUN: options differ: folds is 5 in the run, 4 now");
  expect(chi_config_compare("RUN", run, "check: {folds: 5}"), CHI_ERR_USAGE, "not set now");
  expect(chi_config_compare("RUN", "", run), CHI_ERR_USAGE, "folds is not set in the run, 5 now");
  expect(chi_config_compare("RUN", run, "fit: [5"), CHI_ERR_INPUT, "no valid YAML");
  expect(chi_config_compare("RUN", run, "5"), CHI_ERR_INPUT, "no list of keys");
  expect(chi_config_compare("RUN", run, "a: {b: {c: 1}}"), CHI_ERR_INPUT, "options of options");
}

static void put(const char *before, const char *section, const char *after)
{
  char path[PATH_MAX], *text;
  if (before != NULL)
    assert_int_equal(chi_file_write(folder, "config.yaml", before, (int64_t)strlen(before)),
                     CHI_OK);
  assert_int_equal(chi_config_put(folder, "sites", section), CHI_OK);
  assert_int_equal(chi_path_join(path, folder, "config.yaml"), CHI_OK);
  assert_int_equal(chi_text_read(path, path, &text), CHI_OK);
  assert_string_equal(text, after);
  chi_free(text);
}

static void test_config_put(void **state)
{
  (void)state;
  const char *const section = "sites:\n  fdr: 0.1\n";
  put("fit:\n  folds: 5\n", section, "fit:\n  folds: 5\nsites:\n  fdr: 0.1\n");
  put(NULL, "sites:\n  fdr: 0.2\n  seed: 1\n", "fit:\n  folds: 5\nsites:\n  fdr: 0.2\n  seed: 1\n");
  put("# mine\nfit: {folds: 5}\nsites:\n\n  # why\n  fdr: 1\nsites2:\n  a: 1", section,
      "# mine\nfit: {folds: 5}\nsites:\n  fdr: 0.1\nsites2:\n  a: 1\n");
  put("", section, section);
  const char *const bad = "fit: [5\n";
  chi_file_write(folder, "config.yaml", bad, (int64_t)strlen(bad));
  expect(chi_config_put(folder, "sites", section), CHI_ERR_INPUT, "no valid YAML");
  assert_false(chi_run_folder_has(folder, "config.yaml.tmp"));
  assert_int_equal(chi_run_folder_clear_from(folder, "fit.h5"), CHI_OK);
  expect(chi_config_put(folder, "sites", section), CHI_ERR_INPUT, "fit.h5: there is no such file");
}

static void test_progress(void **state)
{
  (void)state;
  const chi_progress wrote = {.stage = "fit",
                              .state = "running",
                              .done = 5000000000,
                              .running = 2,
                              .failed = 1,
                              .left = 7,
                              .models_per_s = 0.1,
                              .seconds_left = NAN,
                              .ranks = 4,
                              .host = "a \"b\" \\",
                              .written = "2026-11-21T04:37:00Z"};
  chi_progress read;
  assert_int_equal(chi_progress_write(folder, &wrote), CHI_OK);
  assert_int_equal(chi_progress_read(folder, &read), CHI_OK);
  assert_true(isnan(read.seconds_left));
  read.seconds_left = wrote.seconds_left;
  assert_memory_equal(&read, &wrote, sizeof read);
  assert_false(chi_run_folder_has(folder, "status.json.tmp"));
  chi_progress longer = wrote;
  longer.seconds_left = 1e300;
  assert_int_equal(chi_progress_write(folder, &longer), CHI_OK);
  assert_int_equal(chi_progress_read(folder, &read), CHI_OK);
  assert_true(read.seconds_left == 1e300);
  assert_int_equal(chi_progress_write("/tmp/no/such/folder", &wrote), CHI_ERR_IO);
}

static void test_progress_bad(void **state)
{
  (void)state;
  static const struct {
    const char *text, *message;
  } bad[] = {
      {"", "is no JSON"},
      {"{", "is no JSON (line"},
      {"[1]", "holds no JSON object"},
      {"{\"stage\": \"fit\"}", "\"state\" is missing"},
      {"{\"stage\": 5}", "\"stage\" is missing or of a wrong type"},
      {"{\"stage\": \"fit\", \"state\": \"x\", \"done\": 1.5}", "\"done\" is missing"},
      {"{\"stage\": \"fit\", \"state\": \"x\", \"done\": \"1\"}", "\"done\" is missing"},
      {"{\"stage\": \"fit\", \"state\": \"x\", \"done\": 99999999999999999999}", "is no JSON"}};
  chi_progress progress;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(
        chi_file_write(folder, "status.json", bad[i].text, (int64_t)strlen(bad[i].text)), CHI_OK);
    expect(chi_progress_read(folder, &progress), CHI_ERR_INPUT, bad[i].message);
  }
  assert_int_equal(chi_run_folder_clear_from(folder, "fit.h5"), CHI_OK);
  expect(chi_progress_read(folder, &progress), CHI_ERR_INPUT, "there is no such file");
}

static void test_lock(void **state)
{
  (void)state;
  int a = -1, b = -1, c = -1;
  assert_int_equal(chi_lock_alone(folder, 0, &a), CHI_OK);
  expect(chi_lock_alone(folder, 0, &b), CHI_ERR_USAGE, "another job is writing this run (host ");
  expect(chi_lock_shared(folder, false, &b), CHI_ERR_USAGE, "another job");
  assert_int_equal(b, -1);
  assert_int_equal(chi_lock_shared(folder, true, &a), CHI_OK);
  assert_int_equal(chi_lock_shared(folder, false, &b), CHI_OK);
  chi_lock_release(&a);
  const double start = chi_clock_now();
  expect(chi_lock_alone(folder, 1, &c), CHI_ERR_USAGE, "still after 1 s");
  assert_true(chi_clock_now() - start >= 1);
  chi_lock_release(&b);
  assert_int_equal(chi_lock_alone(folder, 0, &c), CHI_OK);
  chi_lock_release(&c);
  expect(chi_lock_alone("/tmp/no/such/folder", 0, &c), CHI_ERR_IO, "cannot be opened to write");
}

static void test_folder(void **state)
{
  (void)state;
  char path[PATH_MAX];
  chi_run_folder_kind kind;
  assert_int_equal(chi_run_folder_clear_from(folder, "fit.h5"), CHI_OK);
  assert_int_equal(chi_run_folder_look("/tmp/no/such/folder", &kind), CHI_OK);
  assert_int_equal(kind, CHI_FOLDER_NONE);
  assert_int_equal(chi_run_folder_look("/dev/null", &kind), CHI_OK);
  assert_int_equal(kind, CHI_FOLDER_NO_FOLDER);
  assert_int_equal(chi_file_write(folder, "config.yaml", "a: 1\n", 5), CHI_OK);
  assert_int_equal(chi_run_folder_look(folder, &kind), CHI_OK);
  assert_int_equal(kind, CHI_FOLDER_RUN);
  assert_true(chi_disk_free("/tmp") > 0);
  assert_true(chi_disk_free("/tmp/not/there") < 0); /* neither it nor its parent is there */
  snprintf(path, sizeof path, "%s/run/", folder);
  assert_true(chi_disk_free(path) > 0); /* its parent's */
  assert_int_equal(chi_path_join(path, folder, "fit.h5"), CHI_OK);
  assert_int_equal(mkdir(path, 0777), 0); /* a folder where a file should be */
  expect(chi_run_folder_clear_from(folder, "fit.h5"), CHI_ERR_IO, "cannot be removed");
  assert_int_equal(rmdir(path), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_config),   cmocka_unit_test(test_config_put),
      cmocka_unit_test(test_progress), cmocka_unit_test(test_progress_bad),
      cmocka_unit_test(test_lock),     cmocka_unit_test(test_folder)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
