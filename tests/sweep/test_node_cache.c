/* Shared items: one filling per node, reuse of slots, and the way out where /dev/shm is small. */
/* cmocka.h needs those before it */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdbool.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/agree.h"
#include "base/clock.h"
#include "base/mpi_init.h"
#include "sweep/node_cache.h"

enum { BYTES = 1000 };

static int size, rank;

typedef struct source {
  int64_t fills;
  bool fails;
} source;

static chi_status fill(void *context, int64_t key, void *slot)
{
  source *s = context;
  s->fills++;
  if (s->fails) return chi_fail(CHI_ERR_IO, "item %lld cannot be read", (long long)key);
  memset(slot, (int)key + 1, BYTES / 2);
  chi_clock_sleep(0.01); /* a reader that did not wait would see half an item */
  memset((char *)slot + BYTES / 2, (int)key + 1, BYTES / 2);
  return CHI_OK;
}

static bool holds(const void *item, int64_t key)
{
  const unsigned char *c = item;
  for (int i = 0; i < BYTES; i++)
    if (c[i] != key + 1) return false;
  return true;
}

static int64_t sum(int64_t mine)
{
  MPI_Allreduce(MPI_IN_PLACE, &mine, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  return mine;
}

static void an_item_is_filled_once_per_node(void **state)
{
  (void)state;
  chi_node_cache *c;
  source s = {0};
  int64_t wrong = 0;
  assert_int_equal(chi_node_cache_create(MPI_COMM_WORLD, 3, BYTES, &c), CHI_OK);
  assert_int_equal(chi_node_cache_bytes(c), 3 * 1024);
  for (int64_t key = 0; key < 3; key++) {
    const void *item;
    wrong += chi_node_cache_borrow(c, key, fill, &s, &item) != CHI_OK || !holds(item, key) ||
             (uintptr_t)item % 64 != 0;
    chi_node_cache_return(c, key);
  }
  assert_int_equal(sum(wrong), 0);
  assert_int_equal(sum(s.fills), 3);
  chi_node_cache_destroy(&c);
  assert_null(c);
}

static void slots_are_used_again(void **state)
{
  (void)state;
  for (int32_t slots = 1; slots <= 2; slots++) {
    chi_node_cache *c;
    source s = {0};
    int64_t wrong = 0;
    assert_int_equal(chi_node_cache_create(MPI_COMM_WORLD, slots, BYTES, &c), CHI_OK);
    for (int64_t k = 0; k < 15; k++) {
      const int64_t key = (k * (rank + 1)) % 5;
      const void *item;
      wrong += chi_node_cache_borrow(c, key, fill, &s, &item) != CHI_OK || !holds(item, key);
      chi_clock_sleep(0.001);
      wrong += !holds(item, key);
      chi_node_cache_return(c, key);
    }
    assert_int_equal(sum(wrong), 0);
    MPI_Barrier(MPI_COMM_WORLD);
    chi_node_cache_destroy(&c);
  }
}

/* Alone, so that the order of borrowings is known. */
static void the_longest_unused_slot_goes_first(void **state)
{
  (void)state;
  chi_node_cache *c;
  source s = {0};
  const int64_t keys[] = {1, 2, 1, 3, 1, 2};
  const void *item;
  assert_int_equal(chi_node_cache_create(MPI_COMM_SELF, 2, BYTES, &c), CHI_OK);
  for (int k = 0; k < 6; k++) {
    assert_int_equal(chi_node_cache_borrow(c, keys[k], fill, &s, &item), CHI_OK);
    assert_true(holds(item, keys[k]));
    chi_node_cache_return(c, keys[k]);
  }
  assert_int_equal(s.fills, 4); /* 1, 2, 3 in place of 2, 2 again */
  chi_node_cache_destroy(&c);
}

static void a_failed_filling_leaves_no_trace(void **state)
{
  (void)state;
  chi_node_cache *c;
  source bad = {.fails = true}, good = {0};
  const void *item;
  assert_int_equal(chi_node_cache_create(MPI_COMM_WORLD, 1, BYTES, &c), CHI_OK);
  const chi_status first = chi_node_cache_borrow(c, 4, fill, &bad, &item);
  int64_t wrong =
      first != CHI_ERR_IO || item != NULL || strcmp(chi_message(), "item 4 cannot be read") != 0;
  MPI_Barrier(MPI_COMM_WORLD);
  wrong += chi_node_cache_borrow(c, 4, fill, &good, &item) != CHI_OK || !holds(item, 4);
  chi_node_cache_return(c, 4);
  assert_int_equal(sum(wrong), 0);
  assert_int_equal(sum(bad.fills), size);
  assert_int_equal(sum(good.fills), 1);
  chi_node_cache_destroy(&c);
}

/* More slots than /dev/shm holds: a slot per rank, whose sum is small. */
static void without_room_each_rank_has_its_own(void **state)
{
  (void)state;
  struct statvfs fs;
  if (size == 1 || statvfs("/dev/shm", &fs) != 0) skip();
  const int64_t bytes = 1 << 20;
  int32_t slots = (int32_t)((double)fs.f_bavail * (double)fs.f_frsize / (double)bytes) + 2;
  MPI_Bcast(&slots, 1, MPI_INT32_T, 0, MPI_COMM_WORLD);
  chi_node_cache *c;
  source s = {0};
  int64_t wrong = 0;
  assert_int_equal(chi_node_cache_create(MPI_COMM_WORLD, slots, bytes, &c), CHI_OK);
  assert_int_equal(chi_node_cache_bytes(c), size * bytes);
  for (int64_t key = 0; key < 4; key++) {
    const void *item;
    wrong += chi_node_cache_borrow(c, key, fill, &s, &item) != CHI_OK || !holds(item, key);
    chi_node_cache_return(c, key);
  }
  assert_int_equal(sum(wrong), 0);
  assert_int_equal(sum(s.fills), 4 * size);
  chi_node_cache_destroy(&c);
}

static void more_than_there_is_fails_everywhere(void **state)
{
  (void)state;
  chi_node_cache *c;
  assert_int_equal(chi_node_cache_create(MPI_COMM_WORLD, 1, (int64_t)1 << 50, &c), CHI_ERR_MEMORY);
  assert_null(c);
}

int main(int argc, char **argv)
{
  chi_mpi_init(&argc, &argv);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_item_is_filled_once_per_node),
      cmocka_unit_test(slots_are_used_again),
      cmocka_unit_test(the_longest_unused_slot_goes_first),
      cmocka_unit_test(a_failed_filling_leaves_no_trace),
      cmocka_unit_test(without_room_each_rank_has_its_own),
      cmocka_unit_test(more_than_there_is_fails_everywhere),
  };
  const int failures = cmocka_run_group_tests(tests, NULL, NULL);
  if (failures > 0) MPI_Abort(MPI_COMM_WORLD, 1);
  MPI_Finalize();
  return 0;
}
