/* Places at which a test holds this program or makes it fail. Each in a child: passes are counted.
 */
#include "base/gate.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/stop.h"
#include "cmocka_all.h"

/* Pass "room.a" and then "room.b" three times each, in a child: 10 * failed passes of a + b's. */
static pid_t start(const char *gate, const char *fault, const char *rank)
{
  const pid_t child = fork();
  if (child != 0) return child;
  for (int fd = 3; fd < 32; fd++) close(fd); /* as exec would: the FIFOs are the test's */
  chi_stop_catch();
  setenv("CHIASM_GATE", gate, 1);
  setenv("CHIASM_FAULT", fault, 1);
  setenv("OMPI_COMM_WORLD_RANK", rank, 1);
  int failed = 0;
  for (int i = 0; i < 3; i++) failed += 10 * (chi_gate("%s.a", "/a/room") != CHI_OK);
  for (int i = 0; i < 3; i++) failed += chi_gate("room.b") != CHI_OK;
  _exit(failed);
}

static int ended(pid_t child)
{
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void test_faults(void **state)
{
  (void)state;
  assert_int_equal(ended(start("", "", "0")), 0);
  assert_int_equal(ended(start("", "room.a:0:2", "0")), 10);
  assert_int_equal(ended(start("", "room.a:0:2", "1")), 0);
  assert_int_equal(ended(start("", "room.a:0:4", "0")), 0);
  assert_int_equal(ended(start("", "room.a:*:1;room.b:3:1:memory;room.b:3:3:numeric", "3")), 12);
  assert_int_equal(ended(start("", "room.b:0:1:kill", "0")), -SIGKILL);
  assert_int_equal(ended(start("", "room.b:0:1:nonsense", "0")), 1);
}

static void test_message(void **state)
{
  (void)state;
  setenv("CHIASM_FAULT", "here:0:1:input", 1);
  unsetenv("OMPI_COMM_WORLD_RANK");
  assert_int_equal(chi_gate("here"), CHI_ERR_INPUT);
  assert_contains(chi_message(), "here: fails because CHIASM_FAULT");
  assert_int_equal(chi_gate("here"), CHI_OK);
  unsetenv("CHIASM_FAULT");
}

static char folder[32], fifo[64], entry[128];

/* A gate, and the end at which to hear who stands there. */
static int make_gate(const char *place)
{
  snprintf(folder, sizeof folder, "/tmp/chiasm_gate_XXXXXX");
  assert_non_null(mkdtemp(folder));
  snprintf(fifo, sizeof fifo, "%s/fifo", folder);
  snprintf(entry, sizeof entry, "%s:%s", place, fifo);
  assert_int_equal(mkfifo(fifo, 0600), 0);
  const int reader = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  assert_true(reader >= 0);
  return reader;
}

static void remove_gate(void) { assert_int_equal(unlink(fifo) | rmdir(folder), 0); }

static void assert_told(int reader, const char *what, pid_t child)
{
  char line[128] = "", wanted[128];
  struct pollfd look = {.fd = reader, .events = POLLIN};
  for (size_t n = 0; n < sizeof line - 1; n++) {
    assert_int_equal(poll(&look, 1, -1), 1);
    assert_int_equal(read(reader, line + n, 1), 1);
    if (line[n] == '\n') break;
  }
  snprintf(wanted, sizeof wanted, "%s %d\n", what, (int)child);
  assert_string_equal(line, wanted);
}

/* It stands at the gate until that opens; a signal that comes meanwhile is told. */
static void test_gate(void **state)
{
  (void)state;
  const int reader = make_gate("room.b:*:2");
  const pid_t child = start(entry, "room.b:2:3", "2");
  assert_told(reader, "at room.b 2", child);
  kill(child, SIGUSR1);
  assert_told(reader, "signal room.b 2", child);
  assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
  close(reader);
  assert_int_equal(ended(child), 1);
  assert_int_equal(ended(start(entry, "", "2")), 0); /* nobody reads */
  remove_gate();
  assert_int_equal(ended(start(entry, "", "2")), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_faults), cmocka_unit_test(test_message),
                                     cmocka_unit_test(test_gate)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
