/* Reading ahead, with a study that is made of this file's own chi_study_read_features. */
/* cmocka.h needs those before it */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "stage/reader.h"

static atomic_int reads;
static atomic_bool held; /* a read stops between `begun` and `go` */
static sem_t begun, go;
static chi_dataset recording = {.n_events = 2};
static const chi_study nothing = {.n_datasets = 1, .datasets = &recording};
static uint8_t reals[128];

/* The layer's number, as often as fits; space 13 is bad. */
chi_status chi_study_read_features(const chi_study *study, int32_t alignment, int64_t space,
                                   int32_t dataset, chi_real real, void *out)
{
  (void)alignment;
  (void)dataset;
  if (study != &nothing || real != CHI_REAL32) return chi_fail(CHI_ERR_BUG, "other arguments");
  atomic_fetch_add(&reads, 1);
  if (atomic_load(&held)) {
    sem_post(&begun);
    sem_wait(&go);
  }
  if (space == 13) return chi_fail(CHI_ERR_NUMERIC, "layer 13 has a NaN");
  int64_t *numbers = out;
  numbers[0] = space;
  return CHI_OK;
}

static chi_layer key(int64_t space)
{
  return (chi_layer){.number = space, .space = space, .n_features = 8};
}

static chi_reader *start(void)
{
  chi_reader *r;
  atomic_store(&reads, 0);
  assert_int_equal(chi_reader_create(&nothing, reals, 64, &r), CHI_OK);
  return r;
}

static int64_t get(chi_reader *r, int64_t space)
{
  chi_features features;
  const chi_layer k = key(space);
  assert_int_equal(chi_reader_get(r, &k, &features), CHI_OK);
  return *(const int64_t *)features.x;
}

static void ahead(chi_reader *r, int64_t space)
{
  const chi_layer k = key(space);
  chi_reader_ahead(r, &k);
}

/* Ask for a layer, whose read is then stopped until let_go. */
static void begin_ahead(chi_reader *r, int64_t space)
{
  atomic_store(&held, true);
  ahead(r, space); /* returns: it does not wait */
  sem_wait(&begun);
}

static void let_go(void)
{
  atomic_store(&held, false);
  sem_post(&go);
}

static void each_layer_is_read_once(void **unused)
{
  (void)unused;
  chi_reader *r = start();
  for (int64_t i = 20; i < 120; i++) {
    assert_int_equal(get(r, i), i);
    ahead(r, i + 1);
    assert_int_equal(get(r, i), i); /* another unit of the same layer */
  }
  assert_int_equal(get(r, 120), 120);
  assert_int_equal(atomic_load(&reads), 101);
  chi_reader_destroy(&r);
  assert_null(r);
  chi_reader_destroy(&r);
}

static void present_layer_stays_while_the_next_is_read(void **unused)
{
  (void)unused;
  chi_reader *r = start();
  chi_features features;
  const chi_layer k = key(1);
  assert_int_equal(chi_reader_get(r, &k, &features), CHI_OK);
  begin_ahead(r, 2);
  assert_int_equal(*(const int64_t *)features.x, 1);
  let_go();
  assert_int_equal(get(r, 2), 2);
  assert_int_equal(atomic_load(&reads), 2);
  chi_reader_destroy(&r);
}

static void other_layer_than_the_one_ahead(void **unused)
{
  (void)unused;
  chi_reader *r = start();
  assert_int_equal(get(r, 1), 1);
  begin_ahead(r, 2);
  let_go();
  assert_int_equal(get(r, 3), 3);
  ahead(r, 4);
  ahead(r, 5);
  assert_int_equal(get(r, 5), 5);
  begin_ahead(r, 6); /* destroyed while it is being read */
  let_go();
  chi_reader_destroy(&r);
}

static void failure_belongs_to_its_layer(void **unused)
{
  (void)unused;
  chi_reader *r = start();
  chi_features features;
  const chi_layer bad = key(13);
  assert_int_equal(get(r, 1), 1);
  ahead(r, 13);
  assert_int_equal(get(r, 1), 1);
  for (int i = 0; i < 2; i++) { /* the second time from memory */
    chi_fail(CHI_ERR_BUG, "something else");
    assert_int_equal(chi_reader_get(r, &bad, &features), CHI_ERR_NUMERIC);
    assert_string_equal(chi_message(), "layer 13 has a NaN");
  }
  assert_int_equal(atomic_load(&reads), 2);
  ahead(r, 14);
  assert_int_equal(get(r, 14), 14);
  chi_reader_destroy(&r);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_layer_is_read_once),
      cmocka_unit_test(present_layer_stays_while_the_next_is_read),
      cmocka_unit_test(other_layer_than_the_one_ahead),
      cmocka_unit_test(failure_belongs_to_its_layer),
  };
  memset(reals, CHI_REAL32, sizeof reals);
  sem_init(&begun, 0, 0);
  sem_init(&go, 0, 0);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
