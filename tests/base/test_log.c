/* Lines to stderr, caught in a file, and to log.txt. */
#include "base/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmocka_all.h"

static char caught[] = "/tmp/chiasm-test-log-XXXXXX";
static int kept_stderr, caught_fd;

static void catch_stderr(void)
{
  kept_stderr = dup(STDERR_FILENO);
  assert_int_equal(ftruncate(caught_fd, 0), 0);
  assert_int_equal(lseek(caught_fd, 0, SEEK_SET), 0);
  dup2(caught_fd, STDERR_FILENO);
}

/* What was written since, in a static buffer. */
static const char *caught_text(void)
{
  static char text[1 << 20];
  dup2(kept_stderr, STDERR_FILENO);
  close(kept_stderr);
  const ssize_t n = pread(caught_fd, text, sizeof text - 1, 0);
  assert_true(n >= 0);
  text[n] = '\0';
  return text;
}

static void test_levels(void **state)
{
  (void)state;
  catch_stderr();
  chi_log(CHI_LOG_INFO, "a %d", 1);
  chi_log(CHI_LOG_FILE, "b");
  chi_log(CHI_LOG_WARNING, "c");
  chi_log(CHI_LOG_ERROR, "d");
  chi_log_set_rank(2);
  chi_log(CHI_LOG_INFO, "of another rank");
  chi_log(CHI_LOG_ERROR, "e");
  chi_log_set_rank(0);
  assert_string_equal(caught_text(),
                      "a 1\nchiasm: warning: c\nchiasm: error: d\nchiasm: error: e\n");
}

static void test_file(void **state)
{
  (void)state;
  char path[] = "/tmp/chiasm-test-log-XXXXXX", text[4096];
  close(mkstemp(path));
  catch_stderr();
  chi_log_set_file(path);
  chi_log(CHI_LOG_FILE, "only here");
  chi_log(CHI_LOG_WARNING, "both");
  chi_log_set_file(NULL);
  chi_log(CHI_LOG_INFO, "too late");
  assert_string_equal(caught_text(), "chiasm: warning: both\ntoo late\n");
  FILE *f = fopen(path, "r");
  assert_non_null(f);
  const size_t n = fread(text, 1, sizeof text - 1, f);
  text[n] = '\0';
  fclose(f);
  unlink(path);
  assert_contains(text, "Z only here\n");
  assert_contains(text, "Z chiasm: warning: both\n");
  assert_null(strstr(text, "too late"));
}

/* A log that cannot be opened costs a warning. */
static void test_bad_file(void **state)
{
  (void)state;
  catch_stderr();
  chi_log_set_file("/nowhere/at/all");
  chi_log(CHI_LOG_INFO, "on");
  chi_log_set_file("/dev/full"); /* nor a device or a pipe */
  chi_log(CHI_LOG_INFO, "and on");
  chi_log_set_file(NULL);
  const char *text = caught_text();
  assert_contains(text, "chiasm: warning: /nowhere/at/all: cannot be opened to write");
  assert_contains(text, "\non\n");
  assert_contains(text, "chiasm: warning: /dev/full: is not a regular file; remove it\nand on\n");
}

static void test_long_line(void **state)
{
  (void)state;
  static char large[5 * CHI_MESSAGE_MAX];
  memset(large, 'x', sizeof large - 1);
  catch_stderr();
  chi_log(CHI_LOG_ERROR, "%s", large);
  chi_log(CHI_LOG_INFO, "next");
  const char *text = caught_text();
  assert_contains(text, "xxx\nnext\n");
}

static void *write_lines(void *c)
{
  for (int i = 0; i < 200; i++) chi_log(CHI_LOG_INFO, "%.60s", (const char *)c);
  return NULL;
}

static void test_threads(void **state)
{
  (void)state;
  static char a[61], b[61];
  memset(a, 'a', 60);
  memset(b, 'b', 60);
  pthread_t thread;
  catch_stderr();
  assert_int_equal(pthread_create(&thread, NULL, write_lines, a), 0);
  write_lines(b);
  pthread_join(thread, NULL);
  const char *text = caught_text();
  int n = 0;
  for (const char *line = text; *line != '\0'; line += 61, n++) {
    assert_true(strncmp(line, a, 60) == 0 || strncmp(line, b, 60) == 0);
    assert_true(line[60] == '\n');
  }
  assert_int_equal(n, 400);
}

static void test_bar(void **state)
{
  (void)state;
  catch_stderr();
  chi_log_bar("[##  ]");
  chi_log(CHI_LOG_INFO, "above");
  chi_log_bar("");
  chi_log(CHI_LOG_INFO, "plain");
  assert_string_equal(caught_text(), "\r\033[K[##  ]\r\033[Kabove\n[##  ]\r\033[Kplain\n");
}

int main(void)
{
  caught_fd = mkstemp(caught);
  if (caught_fd < 0) return 1;
  unlink(caught);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_levels),   cmocka_unit_test(test_file),
      cmocka_unit_test(test_bad_file), cmocka_unit_test(test_long_line),
      cmocka_unit_test(test_threads),  cmocka_unit_test(test_bar)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
