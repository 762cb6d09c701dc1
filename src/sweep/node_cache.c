#include "sweep/node_cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/agree.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

static const double pause_s = 1e-3;

enum { ALIGNMENT = 64 };

/* Open MPI keeps up to 4 MiB per rank in the same place, and touches it only as it goes. */
enum { SPARE_PER_RANK = 5 << 20 };

typedef enum slot_state { SLOT_EMPTY, SLOT_FILLING, SLOT_READY } slot_state;

typedef struct slot {
  int64_t key;
  int64_t used; /* the clock of borrowings when it was last borrowed */
  int32_t users;
  slot_state state;
} slot;

/* What stands before the items, in the same memory; guarded by its lock. */
typedef struct board {
  pthread_mutex_t lock;
  int64_t clock;
  slot slots[];
} board;

struct chi_node_cache {
  MPI_Comm node;
  int n_node_ranks;
  MPI_Win window; /* MPI_WIN_NULL: private slots */
  void *memory;   /* private slots, else NULL */
  board *board;
  char *items;
  int32_t n_slots;
  int64_t stride; /* from one item to the next */
};

static int64_t round_up(int64_t bytes) { return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

static int64_t board_bytes(int32_t n_slots)
{
  return round_up((int64_t)sizeof(board) + n_slots * (int64_t)sizeof(slot));
}

/* Lay board and items out in memory of board_bytes + n_slots * stride + ALIGNMENT. */
static void lay_out(chi_node_cache *c, char *memory, int32_t n_slots)
{
  char *start = memory + (ALIGNMENT - (uintptr_t)memory % ALIGNMENT) % ALIGNMENT;
  c->n_slots = n_slots;
  c->board = (board *)(void *)start;
  c->items = start + board_bytes(n_slots);
}

static void start_board(chi_node_cache *c)
{
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&c->board->lock, &attributes);
  pthread_mutexattr_destroy(&attributes);
  c->board->clock = 0;
  for (int32_t i = 0; i < c->n_slots; i++) c->board->slots[i] = (slot){.state = SLOT_EMPTY};
}

/* Where Open MPI puts the files behind shared windows; other MPIs use /dev/shm. */
static void backing_folder(char *folder, size_t n)
{
  int threads, variable, count;
  MPI_T_cvar_handle handle;
  snprintf(folder, n, "/dev/shm");
  if (MPI_T_init_thread(MPI_THREAD_MULTIPLE, &threads) != MPI_SUCCESS) return;
  if (MPI_T_cvar_get_index("osc_sm_backing_directory", &variable) == MPI_SUCCESS &&
      MPI_T_cvar_handle_alloc(variable, NULL, &handle, &count) == MPI_SUCCESS) {
    if (count > 0 && (size_t)count <= n) MPI_T_cvar_read(handle, folder);
    MPI_T_cvar_handle_free(&handle);
  }
  MPI_T_finalize();
}

/* Whether the file system behind shared windows has the room. Open MPI looks too, but when it finds
 * none on one rank the others hang (4.1.4), so this must be the stricter. */
static bool has_room(const chi_node_cache *c, int64_t bytes)
{
  char folder[4096];
  struct statvfs fs;
  backing_folder(folder, sizeof folder);
  if (statvfs(folder, &fs) != 0) return false;
  const double available = (double)fs.f_bavail * (double)fs.f_frsize;
  return available >= (double)bytes + (double)c->n_node_ranks * SPARE_PER_RANK;
}

/* Take the pages now, while a failure is a return code: another job may use the same file system,
 * and to touch a page that it has no room for is a SIGBUS. Kernels without the call leave it at
 * has_room. */
static bool take_pages(char *memory, int64_t bytes)
{
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), skip = (uintptr_t)memory % page;
  return madvise(memory - skip, (size_t)bytes + skip, MADV_POPULATE_WRITE) == 0 || errno == EINVAL;
}

/* Collective on the node: the same answer everywhere; false leaves nothing behind. */
static bool make_shared(chi_node_cache *c, int32_t n_slots)
{
  int node_rank, ok = 1, unit;
  MPI_Aint bytes = board_bytes(n_slots) + n_slots * c->stride + ALIGNMENT;
  MPI_Comm_rank(c->node, &node_rank);
  if (node_rank == 0) ok = has_room(c, bytes);
  MPI_Bcast(&ok, 1, MPI_INT, 0, c->node);
  if (!ok) return false;
  char *memory = NULL;
  MPI_Comm_set_errhandler(c->node, MPI_ERRORS_RETURN);
  ok = MPI_Win_allocate_shared(node_rank == 0 ? bytes : 0, 1, MPI_INFO_NULL, c->node, &memory,
                               &c->window) == MPI_SUCCESS;
  MPI_Comm_set_errhandler(c->node, MPI_ERRORS_ARE_FATAL);
  MPI_Allreduce(MPI_IN_PLACE, &ok, 1, MPI_INT, MPI_MIN, c->node);
  if (!ok) {
    c->window = MPI_WIN_NULL;
    return false;
  }
  MPI_Win_shared_query(c->window, 0, &bytes, &unit, &memory);
  if (node_rank == 0) ok = take_pages(memory, bytes);
  MPI_Bcast(&ok, 1, MPI_INT, 0, c->node);
  if (!ok) {
    MPI_Win_free(&c->window);
    return false;
  }
  lay_out(c, memory, n_slots);
  if (node_rank == 0) start_board(c);
  MPI_Win_lock_all(MPI_MODE_NOCHECK, c->window);
  MPI_Barrier(c->node);
  return true;
}

static chi_status make_private(chi_node_cache *c, int32_t n_slots)
{
  const int64_t bytes = board_bytes(n_slots) + n_slots * c->stride + ALIGNMENT;
  CHI_TRY(chi_alloc(bytes, 1, "responses", &c->memory));
  lay_out(c, c->memory, n_slots);
  start_board(c);
  return CHI_OK;
}

chi_status chi_node_cache_create(MPI_Comm comm, int32_t slots, int64_t bytes, chi_node_cache **out)
{
  chi_node_cache *c = NULL;
  chi_status s = chi_agree(comm, chi_alloc(1, sizeof *c, "cache", &c));
  *out = NULL;
  if (s != CHI_OK) {
    chi_free(c);
    return s;
  }
  c->window = MPI_WIN_NULL;
  c->stride = round_up(bytes);
  MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &c->node);
  MPI_Comm_size(c->node, &c->n_node_ranks);
  const bool alone = c->n_node_ranks == 1;
  int no_room = !alone && !make_shared(c, slots);
  /* Several slots for each of many ranks would be more than the node was asked for. */
  if (alone || no_room) s = make_private(c, alone ? slots : 1);
  MPI_Allreduce(MPI_IN_PLACE, &no_room, 1, MPI_INT, MPI_MAX, comm);
  int rank;
  MPI_Comm_rank(comm, &rank);
  if (no_room && rank == 0)
    chi_log(CHI_LOG_WARNING,
            "no room for %.0f MB in /dev/shm: every rank keeps its own copy of the responses "
            "(enlarge /dev/shm, or use fewer ranks with more threads)",
            (double)slots * (double)c->stride / 1e6);
  s = chi_agree(comm, s);
  if (s != CHI_OK) chi_node_cache_destroy(&c);
  *out = c;
  return s;
}

void chi_node_cache_destroy(chi_node_cache **cache)
{
  chi_node_cache *c = *cache;
  if (c == NULL) return;
  if (c->window != MPI_WIN_NULL) {
    MPI_Win_unlock_all(c->window);
    MPI_Win_free(&c->window);
  }
  MPI_Comm_free(&c->node);
  chi_free(c->memory);
  chi_free(c);
  *cache = NULL;
}

int64_t chi_node_cache_bytes(const chi_node_cache *cache)
{
  const int64_t copies = cache->window != MPI_WIN_NULL ? 1 : cache->n_node_ranks;
  return copies * cache->n_slots * cache->stride;
}

/* The slot that holds the item, or will; else -1. Caller holds the lock. */
static int32_t find_item(const chi_node_cache *c, int64_t key)
{
  for (int32_t i = 0; i < c->n_slots; i++)
    if (c->board->slots[i].state != SLOT_EMPTY && c->board->slots[i].key == key) return i;
  return -1;
}

/* An empty slot, or the one that has been unused for longest; -1: all are in use. Caller holds the
 * lock. */
static int32_t find_free(const chi_node_cache *c)
{
  int32_t best = -1;
  for (int32_t i = 0; i < c->n_slots; i++) {
    const slot *s = &c->board->slots[i];
    if (s->state == SLOT_EMPTY) return i;
    if (s->state == SLOT_READY && s->users == 0 &&
        (best < 0 || s->used < c->board->slots[best].used))
      best = i;
  }
  return best;
}

/* Get a user's place on an item that is ready, or a slot to fill; wait for either. */
static slot *enter(chi_node_cache *c, int64_t key, bool *to_fill)
{
  for (;;) {
    pthread_mutex_lock(&c->board->lock);
    int32_t i = find_item(c, key);
    *to_fill = i < 0;
    if (*to_fill) i = find_free(c);
    slot *s = i < 0 ? NULL : &c->board->slots[i];
    const bool entered = s != NULL && (*to_fill || s->state == SLOT_READY);
    if (entered) {
      s->users = *to_fill ? 1 : s->users + 1;
      s->used = ++c->board->clock;
      if (*to_fill) {
        s->key = key;
        s->state = SLOT_FILLING;
      }
    }
    pthread_mutex_unlock(&c->board->lock);
    if (entered) return s;
    chi_clock_sleep(pause_s);
  }
}

chi_status chi_node_cache_borrow(chi_node_cache *cache, int64_t key, chi_node_cache_fill *fill,
                                 void *context, const void **item)
{
  bool to_fill;
  slot *s = enter(cache, key, &to_fill);
  void *place = cache->items + (s - cache->board->slots) * cache->stride;
  chi_status status = CHI_OK;
  if (to_fill) {
    status = fill(context, key, place);
    pthread_mutex_lock(&cache->board->lock);
    s->state = status == CHI_OK ? SLOT_READY : SLOT_EMPTY; /* who waits for it tries for itself */
    pthread_mutex_unlock(&cache->board->lock);
  }
  *item = status == CHI_OK ? place : NULL;
  return status;
}

void chi_node_cache_return(chi_node_cache *cache, int64_t key)
{
  pthread_mutex_lock(&cache->board->lock);
  const int32_t i = find_item(cache, key);
  if (i >= 0) cache->board->slots[i].users--;
  pthread_mutex_unlock(&cache->board->lock);
}
