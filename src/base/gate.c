#include "base/gate.h"

#ifdef CHIASM_GATES

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/stop.h"

enum { ENTRIES = 16, LOOK_EVERY_MS = 5 };

/* One of the entries of a variable. */
typedef struct entry {
  char place[64], rank[16];
  long long count;
  char rest[PATH_MAX];
} entry;

/* A launcher's word: a place may come before MPI knows. */
static const char *own_rank(void)
{
  const char *rank = getenv("OMPI_COMM_WORLD_RANK");
  return rank == NULL ? "0" : rank;
}

static bool is_here(const entry *e, const char *place)
{
  return strcmp(e->place, place) == 0 &&
         (strcmp(e->rank, "*") == 0 || strcmp(e->rank, own_rank()) == 0);
}

/* Find the entry whose COUNT-th pass of the place this is; passed: of every entry so far. */
static bool comes_now(const char *variable, atomic_llong *passed, const char *place, entry *out)
{
  const char *text = getenv(variable);
  bool found = false;
  for (int i = 0; text != NULL && *text != '\0' && i < ENTRIES; i++) {
    entry e = {.rest = ""};
    if (sscanf(text, "%63[^:;]:%15[^:;]:%lld:%4095[^;]", e.place, e.rank, &e.count, e.rest) >= 3 &&
        is_here(&e, place) && atomic_fetch_add(&passed[i], 1) + 1 == e.count) {
      *out = e;
      found = true;
    }
    text += strcspn(text, ";");
    text += *text == ';';
  }
  return found;
}

static void tell(int fd, const char *what, const char *place)
{
  char line[128];
  const int n =
      snprintf(line, sizeof line, "%s %s %s %d\n", what, place, own_rank(), (int)getpid());
  (void)!write(fd, line, (size_t)n); /* a test that is gone opens the gate */
}

static void wait_at(const char *place, const char *fifo)
{
  char reached[PATH_MAX + 16], byte;
  snprintf(reached, sizeof reached, "%s.reached", fifo);
  const int in = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  const int out = open(reached, O_WRONLY | O_NONBLOCK | O_CLOEXEC); /* fails if the test is gone */
  if (in < 0 || out < 0) goto cleanup;
  tell(out, "at", place);
  for (bool told = false;;) {
    struct pollfd look = {.fd = in, .events = POLLIN};
    const int ready = poll(&look, 1, LOOK_EVERY_MS);
    if (ready > 0 && (read(in, &byte, 1) == 1 || (look.revents & POLLHUP) != 0)) break;
    if (told || !chi_stop_asked()) continue;
    tell(out, "signal", place);
    told = true;
  }
cleanup:
  if (in >= 0) close(in);
  if (out >= 0) close(out);
}

static chi_status happen(const char *place, const char *what)
{
  static const struct {
    const char *name;
    int signal;
    chi_status status;
  } table[] = {
      {"", 0, CHI_ERR_IO},           {"io", 0, CHI_ERR_IO},           {"input", 0, CHI_ERR_INPUT},
      {"memory", 0, CHI_ERR_MEMORY}, {"numeric", 0, CHI_ERR_NUMERIC}, {"kill", SIGKILL, CHI_OK},
      {"segv", SIGSEGV, CHI_OK},     {"stop", SIGSTOP, CHI_OK},       {"term", SIGTERM, CHI_OK}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    if (strcmp(table[i].name, what) != 0) continue;
    if (table[i].signal == 0)
      return chi_fail(table[i].status, "%s: fails because CHIASM_FAULT says so", place);
    kill(getpid(), table[i].signal);
    return CHI_OK;
  }
  return chi_fail(CHI_ERR_USAGE, "CHIASM_FAULT: %s: there is no fault '%s'", place, what);
}

chi_status chi_gate(const char *format, ...)
{
  static atomic_llong gates[ENTRIES], faults[ENTRIES];
  char place[64];
  entry e;
  va_list args;
  va_start(args, format);
  vsnprintf(place, sizeof place, format, args);
  va_end(args);
  if (comes_now("CHIASM_GATE", gates, place, &e)) wait_at(place, e.rest);
  return comes_now("CHIASM_FAULT", faults, place, &e) ? happen(place, e.rest) : CHI_OK;
}

#endif
