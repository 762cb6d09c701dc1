/* Whole simulated studies: the same bytes whatever the block, and no folder lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants some of the above */
#include <cmocka.h>

#include "simulate/simulate.h"

static char room[64];

static chi_simulate_options small_options(void)
{
  return (chi_simulate_options){.subjects = 1,
                                .electrodes = 3,
                                .events = 23,
                                .bins = 4,
                                .sessions = 3,
                                .networks = 1,
                                .layers = 2,
                                .features = 3,
                                .seed = 3,
                                .alignments = "word",
                                .shares = {1, 1, 1, 1, 1},
                                .effect_min = 0.3,
                                .effect_max = 0.6,
                                .autocorrelation = 0.6,
                                .noise_min = 0.6,
                                .noise_max = 0.9,
                                .block_bytes = 1 << 20};
}

/* "<room>/<rest>"; two live at a time */
static const char *at(const char *rest)
{
  static char path[2][256];
  static int turn;
  turn = 1 - turn;
  snprintf(path[turn], sizeof path[turn], "%s/%s", room, rest);
  return path[turn];
}

static int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int shell(const char *format, ...)
{
  char command[512];
  va_list args;
  va_start(args, format);
  vsnprintf(command, sizeof command, format, args);
  va_end(args);
  return system(command);
}

static bool exists(const char *path) { return access(path, F_OK) == 0; }

static int make_room(void **unused)
{
  (void)unused;
  snprintf(room, sizeof room, "/tmp/chiasm-simulate-XXXXXX");
  return mkdtemp(room) == NULL;
}

static int leave_room(void **unused)
{
  (void)unused;
  return shell("rm -rf '%s'", room);
}

static void expect_failure(const char *path, const chi_simulate_options *options, chi_status status,
                           const char *words)
{
  assert_int_equal(chi_simulate(path, options), status);
  if (strstr(chi_message(), words) == NULL)
    fail_msg("\"%s\" does not say \"%s\"", chi_message(), words);
}

static void test_blocks_and_seeds(void **unused)
{
  (void)unused;
  chi_simulate_options options = small_options();
  assert_int_equal(chi_simulate(at("a"), &options), CHI_OK);
  options.block_bytes = 1; /* one row at a time */
  assert_int_equal(chi_simulate(at("b"), &options), CHI_OK);
  options.block_bytes = 5 * 3 * 4 * 4; /* 23 is no multiple of the rows */
  assert_int_equal(chi_simulate(at("c"), &options), CHI_OK);
  assert_int_equal(shell("diff -r %s/a %s/b && diff -r %s/a %s/c", room, room, room, room), 0);
  options.seed = 4;
  assert_int_equal(chi_simulate(at("d"), &options), CHI_OK);
  assert_int_not_equal(
      shell("cmp -s %s/a/responses/sim1.word.h5 %s/d/responses/sim1.word.h5", room, room), 0);
  assert_int_not_equal(shell("cmp -s %s/a/features/sim1.word/concat.h5 "
                             "%s/d/features/sim1.word/concat.h5",
                             room, room),
                       0);
  assert_int_equal(shell("find %s | grep -q tmp$", room) == 0, 0);
}

static void test_overwrite(void **unused)
{
  (void)unused;
  chi_simulate_options options = small_options();
  assert_int_equal(mkdir(at("s"), 0777), 0); /* an empty folder may be used */
  assert_int_equal(chi_simulate(at("s"), &options), CHI_OK);
  expect_failure(at("s"), &options, CHI_ERR_USAGE, "not empty; --overwrite");
  assert_int_equal(symlink(at("s"), at("link")), 0);
  expect_failure(at("link"), &options, CHI_ERR_USAGE, "not empty; --overwrite");
  options.overwrite = true;
  options.alignments = "scene";
  assert_int_equal(chi_simulate(at("s"), &options), CHI_OK);
  assert_false(exists(at("s/responses/sim1.word.h5")) || exists(at("s/features/sim1.word")));
  /* one that was broken off, before its truth.csv */
  assert_int_equal(shell("cd %s/s; rm truth.csv; touch responses/sim1.scene.h5.tmp "
                         "responses/sim1.scene.h5.lock.tmp",
                         room),
                   0);
  assert_int_equal(chi_simulate(at("s"), &options), CHI_OK);
  assert_true(exists(at("s/truth.csv")) && !exists(at("s/responses/sim1.scene.h5.tmp")));
  assert_false(exists(at("s/responses/sim1.scene.h5.lock.tmp")));
}

/* What others put there is never removed, and then nothing else is either. */
static void test_not_ours(void **unused)
{
  (void)unused;
  chi_simulate_options options = small_options();
  options.overwrite = true;
  static const char *const alien[] = {"notes.txt", "responses/patient.word.h5", "run/fit.h5",
                                      "features/sim1.word/resnet.h5", "features/extra/concat.h5"};
  for (size_t i = 0; i < sizeof alien / sizeof alien[0]; i++) {
    assert_int_equal(chi_simulate(at("n"), &options), CHI_OK);
    assert_int_equal(
        shell("cd %s/n && mkdir -p $(dirname %s) && touch %s", room, alien[i], alien[i]), 0);
    expect_failure(at("n"), &options, CHI_ERR_USAGE, "made no such thing");
    assert_true(exists(at("n/truth.csv")) && exists(at("n/responses/sim1.word.h5")));
    assert_int_equal(shell("test -e %s/n/%s && rm -r %s/n", room, alien[i], room), 0);
  }
  assert_int_equal(shell("mkdir %s/own && echo 'title: mine' > %s/own/study.yaml", room, room), 0);
  expect_failure(at("own"), &options, CHI_ERR_USAGE, "no study made by chiasm simulate");
  expect_failure(at("own/study.yaml"), &options, CHI_ERR_USAGE, "is a file");
  expect_failure(at("missing/study"), &options, CHI_ERR_IO, "No such file");
  /* a link to a folder elsewhere is not followed */
  assert_int_equal(chi_simulate(at("l"), &options), CHI_OK);
  assert_int_equal(
      shell("mv %s/l/features %s/kept && ln -s %s/kept %s/l/features", room, room, room, room), 0);
  expect_failure(at("l"), &options, CHI_ERR_USAGE, "made no such thing");
}

static void test_absurd_sizes(void **unused)
{
  (void)unused;
  chi_simulate_options options = small_options();
  options.events = 10000000;
  options.electrodes = 100000;
  options.bins = 10000;
  options.subjects = 1000;
  expect_failure(at("x"), &options, CHI_ERR_IO, "the disk has");
  options = small_options();
  options.events = 1;
  options.sessions = 1;
  options.features = options.electrodes = 1;
  options.block_bytes = INT64_MAX / 4;
  expect_failure(at("x"), &options, CHI_ERR_MEMORY, "memory");
  assert_false(exists(at("x")));
}

static void test_bad_options(void **unused)
{
  (void)unused;
  chi_simulate_options options = small_options();
  options.alignments = "word,scene,word";
  expect_failure(at("x"), &options, CHI_ERR_USAGE, "twice");
  options.alignments = "word,../up";
  expect_failure(at("x"), &options, CHI_ERR_USAGE, "../up");
  options.alignments = "word,";
  expect_failure(at("x"), &options, CHI_ERR_USAGE, "no name");
  options = small_options();
  options.effect_max = 1;
  expect_failure(at("x"), &options, CHI_ERR_USAGE, "--effects");
  options = small_options();
  options.noise_min = 0.95;
  expect_failure(at("x"), &options, CHI_ERR_USAGE, "--noise-autocorrelation");
  options = small_options();
  options.shares[2] = -1;
  expect_failure(at("x"), &options, CHI_ERR_USAGE, "--kinds");
  options = small_options();
  options.sessions = 24;
  expect_failure(at("x"), &options, CHI_ERR_USAGE, "--sessions");
  assert_false(exists(at("x")));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_blocks_and_seeds), cmocka_unit_test(test_overwrite),
      cmocka_unit_test(test_not_ours), cmocka_unit_test(test_absurd_sizes),
      cmocka_unit_test(test_bad_options)};
  return cmocka_run_group_tests(tests, make_room, leave_room);
}
