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
  for (int i = 0; i < 3; i++) failed += 10 * (chi_gate("%s.a", "room") != CHI_OK);
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

typedef struct fifos {
  char folder[32], gate[64], reached[96], entry[128];
  int in, out;
} fifos;

static void make_fifos(fifos *f, const char *place)
{
  snprintf(f->folder, sizeof f->folder, "/tmp/chiasm_gate_XXXXXX");
  assert_non_null(mkdtemp(f->folder));
  snprintf(f->gate, sizeof f->gate, "%s/fifo", f->folder);
  snprintf(f->reached, sizeof f->reached, "%s.reached", f->gate);
  snprintf(f->entry, sizeof f->entry, "%s:%s", place, f->gate);
  assert_int_equal(mkfifo(f->gate, 0600) | mkfifo(f->reached, 0600), 0);
  f->out = open(f->gate, O_RDWR | O_CLOEXEC);
  f->in = open(f->reached, O_RDWR | O_CLOEXEC);
  assert_true(f->in >= 0 && f->out >= 0);
}

static void remove_fifos(fifos *f)
{
  close(f->in);
  close(f->out);
  assert_int_equal(unlink(f->gate) | unlink(f->reached) | rmdir(f->folder), 0);
}

/* The next line that is told, without its newline. */
static void assert_told(const fifos *f, const char *what, pid_t child)
{
  char line[128] = "", wanted[128];
  for (size_t n = 0; n < sizeof line - 1 && read(f->in, line + n, 1) == 1; n++)
    if (line[n] == '\n') break;
  snprintf(wanted, sizeof wanted, "%s %d\n", what, (int)child);
  assert_string_equal(line, wanted);
}

/* It stands at the gate until it is let go; a signal that comes meanwhile is told. */
static void test_gate(void **state)
{
  (void)state;
  fifos f;
  make_fifos(&f, "room.b:*:2");
  const pid_t child = start(f.entry, "room.b:2:3", "2");
  assert_told(&f, "at room.b 2", child);
  kill(child, SIGUSR1);
  assert_told(&f, "signal room.b 2", child);
  assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
  assert_int_equal(write(f.out, "g", 1), 1);
  assert_int_equal(ended(child), 1);
  remove_fifos(&f);
}

/* With the test every gate opens: nothing is left behind that waits for ever. */
static void test_abandoned(void **state)
{
  (void)state;
  fifos f;
  make_fifos(&f, "room.a:0:1");
  const pid_t child = start(f.entry, "", "0");
  assert_told(&f, "at room.a 0", child);
  remove_fifos(&f);
  assert_int_equal(ended(child), 0);
  assert_int_equal(ended(start(f.entry, "", "0")), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_faults), cmocka_unit_test(test_message),
                                     cmocka_unit_test(test_gate), cmocka_unit_test(test_abandoned)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
