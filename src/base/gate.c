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
  (void)!write(fd, line, (size_t)n); /* fails where the gate has been opened */
}

static void stand_at(const char *place, const char *fifo)
{
  struct pollfd reader = {.fd = open(fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC)};
  if (reader.fd < 0) return;
  signal(SIGPIPE, SIG_IGN);
  tell(reader.fd, "at", place);
  bool told = false;
  while (poll(&reader, 1, LOOK_EVERY_MS) <= 0) { /* until there is POLLERR: no reader */
    if (told || !chi_stop_asked()) continue;
    tell(reader.fd, "signal", place);
    told = true;
  }
  close(reader.fd);
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
  char name[PATH_MAX + 64];
  entry e;
  va_list args;
  va_start(args, format);
  vsnprintf(name, sizeof name, format, args);
  va_end(args);
  const char *slash = strrchr(name, '/'), *place = slash == NULL ? name : slash + 1;
  if (comes_now("CHIASM_GATE", gates, place, &e)) stand_at(place, e.rest);
  return comes_now("CHIASM_FAULT", faults, place, &e) ? happen(place, e.rest) : CHI_OK;
}

#endif
