/* Whole fits of a small planted study by 1 to 4 ranks. Rank 0 makes the study, spoils it and looks
 * at the results; what it finds is told to all, so that a failure is met on all ranks alike. */
/* cmocka.h needs those before it */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <fcntl.h>
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/mpi_init.h"
#include "simulate/simulate.h"
#include "stage/fit.h"

enum { EVENTS = 60, ELECTRODES = 12, BINS = 161, FEATURES = 5 };

static const char nan_layer[] = "vision-net/layer-01", torn_layer[] = "language-net/layer-02";
static char room[64];
static int rank;
static const double alphas[] = {1, 100};

static const char *at(const char *rest)
{
  static char path[4][256];
  static int turn;
  turn = (turn + 1) % 4;
  snprintf(path[turn], sizeof path[turn], "%s/%s", room, rest);
  return path[turn];
}

/* What rank 0 found, on all ranks. */
static int64_t told(int64_t found)
{
  MPI_Bcast(&found, 1, MPI_INT64_T, 0, MPI_COMM_WORLD);
  return found;
}

static int make_study(void **unused)
{
  (void)unused;
  const chi_simulate_options options = {.subjects = 2,
                                        .electrodes = ELECTRODES,
                                        .events = EVENTS,
                                        .bins = BINS,
                                        .sessions = 2,
                                        .networks = 1,
                                        .layers = 2,
                                        .features = FEATURES,
                                        .seed = 1,
                                        .alignments = "word",
                                        .shares = {1, 1, 1, 1, 1},
                                        .effect_min = 0.3,
                                        .effect_max = 0.6,
                                        .autocorrelation = 0.6,
                                        .noise_min = 0.6,
                                        .noise_max = 0.9,
                                        .block_bytes = 1 << 20};
  int bad = 0;
  snprintf(room, sizeof room, "/tmp/chiasm-fit-XXXXXX");
  if (rank == 0) bad = mkdtemp(room) == NULL || chi_simulate(at("study"), &options) != CHI_OK;
  MPI_Bcast(room, sizeof room, MPI_CHAR, 0, MPI_COMM_WORLD);
  return (int)told(bad);
}

static int remove_study(void **unused)
{
  (void)unused;
  char command[128];
  MPI_Barrier(MPI_COMM_WORLD);
  snprintf(command, sizeof command, "rm -rf '%s'", room);
  chi_log_set_file(NULL);
  return rank == 0 ? system(command) : 0;
}

static chi_fit_options options_for(const char *run)
{
  return (chi_fit_options){.study = at("study"),
                           .stage = {.run = run,
                                     .encode = {.folds = 5,
                                                .n_alphas = 2,
                                                .alphas = alphas,
                                                .precision = CHI_REAL32,
                                                .threads = 1},
                                     .fit_config = "fit:\n  folds: 5\n",
                                     .blas_kernel = "some",
                                     .libraries = "some"}};
}

static chi_status fit(MPI_Comm comm, const chi_fit_options *options, int64_t *failed)
{
  const chi_status s = chi_fit(comm, options, failed);
  if (s != CHI_OK && rank == 0) print_message("%s\n", chi_message());
  MPI_Barrier(comm);
  return s;
}

/* How many sites are in a state, in one space or (NULL) in all. -1: no such run. Rank 0. */
static int64_t count_done(const char *run, const char *space, int state)
{
  chi_fit_table *tables;
  int32_t n;
  if (chi_run_read_tables(run, &tables, &n) != CHI_OK) return -1;
  int64_t count = 0;
  for (int64_t f = 0; f < tables[0].n_spaces; f++)
    for (int64_t i = 0; i < tables[0].n_sites; i++)
      if (space == NULL || strcmp(space, tables[0].space[f]) == 0)
        count += tables[0].done[f * tables[0].n_sites + i] == state;
  chi_fit_tables_free(&tables, n);
  return count;
}

/* How many scores differ between two runs, or, without a second one, are NaN. Rank 0. */
static int64_t count_bad(const char *run, const char *other)
{
  chi_fit_table *tables = NULL;
  int32_t n = 0;
  float *a = NULL, *b = NULL;
  int64_t bad = -1;
  if (chi_run_read_tables(run, &tables, &n) != CHI_OK) return -1;
  const int64_t size = tables[0].n_sites * tables[0].n_times, all = CHI_N_SCORES * size;
  if (chi_alloc(all, sizeof *a, "scores", &a) != CHI_OK ||
      chi_alloc(all, sizeof *b, "scores", &b) != CHI_OK)
    goto cleanup;
  bad = 0;
  for (int64_t f = 0; f < tables[0].n_spaces; f++) {
    float *const of_a[] = {a, a + size, a + 2 * size}, *const of_b[] = {b, b + size, b + 2 * size};
    if (chi_run_read_scores(run, &tables[0], f, of_a) != CHI_OK) bad++;
    if (other != NULL && chi_run_read_scores(other, &tables[0], f, of_b) != CHI_OK) bad++;
    for (int64_t i = 0; i < all; i++)
      bad += other == NULL ? isnan(a[i]) : memcmp(&a[i], &b[i], sizeof a[i]) != 0;
  }
cleanup:
  chi_free(a);
  chi_free(b);
  chi_fit_tables_free(&tables, n);
  return bad;
}

/* Put one number into a dataset of the study. Rank 0. */
static bool spoil(const char *file, const char *dataset, int rank_of_dataset, double value)
{
  const hsize_t start[3] = {7, 2, 3}, count[3] = {1, 1, 1};
  const hid_t f = H5Fopen(at(file), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t d = H5Dopen2(f, dataset, H5P_DEFAULT);
  const hid_t there = H5Dget_space(d), here = H5Screate_simple(rank_of_dataset, count, NULL);
  H5Sselect_hyperslab(there, H5S_SELECT_SET, start, NULL, count, NULL);
  const herr_t failed = H5Dwrite(d, H5T_NATIVE_DOUBLE, here, there, H5P_DEFAULT, &value);
  H5Sclose(here);
  H5Sclose(there);
  H5Dclose(d);
  H5Fclose(f);
  return failed >= 0;
}

/* Replace a layer by one whose bytes do not fit its checksum: it opens, and cannot be read. Rank 0.
 */
static bool tear(const char *file, const char *dataset)
{
  static float zeros[EVENTS * FEATURES];
  const hsize_t dims[2] = {EVENTS, FEATURES};
  const hid_t f = H5Fopen(at(file), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t space = H5Screate_simple(2, dims, NULL), form = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(form, 2, dims);
  H5Pset_fletcher32(form);
  int depth = -1;
  const hid_t old = H5Aopen_by_name(f, dataset, "depth", H5P_DEFAULT, H5P_DEFAULT);
  H5Aread(old, H5T_NATIVE_INT, &depth);
  H5Aclose(old);
  H5Ldelete(f, dataset, H5P_DEFAULT);
  const hid_t d = H5Dcreate2(f, dataset, H5T_IEEE_F32LE, space, H5P_DEFAULT, form, H5P_DEFAULT);
  H5Dwrite(d, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, zeros);
  const hid_t one = H5Screate(H5S_SCALAR);
  const hid_t attribute = H5Acreate2(d, "depth", H5T_STD_I32LE, one, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(attribute, H5T_NATIVE_INT, &depth);
  H5Aclose(attribute);
  H5Sclose(one);
  H5Fflush(f, H5F_SCOPE_GLOBAL);
  haddr_t address = HADDR_UNDEF;
  hsize_t size = 0, offset[2];
  unsigned filters;
  H5Dget_chunk_info(d, space, 0, offset, &filters, &address, &size);
  H5Pclose(form);
  H5Sclose(space);
  H5Dclose(d);
  H5Fclose(f);
  const int fd = open(at(file), O_WRONLY | O_CLOEXEC);
  const bool ok = fd >= 0 && address != HADDR_UNDEF && pwrite(fd, "torn", 4, (off_t)address) == 4;
  if (fd >= 0) close(fd);
  return ok;
}

static void results_do_not_depend_on_ranks_or_blocks(void **unused)
{
  (void)unused;
  int64_t failed = -1, other_failed = 0;
  chi_fit_options options = options_for(at("run"));
  assert_int_equal(fit(MPI_COMM_WORLD, &options, &failed), CHI_OK);
  assert_int_equal(failed, 0);
  assert_int_equal(told(rank == 0 ? count_done(at("run"), NULL, CHI_DONE_NOT_YET) : 0), 0);
  assert_int_equal(told(rank == 0 ? count_bad(at("run"), NULL) : 0), 0);
  chi_fit_options alone = options_for(at("alone"));
  alone.electrode_block = 1;
  chi_status s = CHI_OK;
  if (rank == 0) s = fit(MPI_COMM_SELF, &alone, &other_failed);
  assert_int_equal(told(s), CHI_OK);
  assert_int_equal(told(other_failed), 0);
  assert_int_equal(told(rank == 0 ? count_bad(at("run"), at("alone")) : 0), 0);
}

static void run_goes_on_where_it_was(void **unused)
{
  (void)unused;
  int64_t failed = -1;
  chi_fit_options options = options_for(at("run"));
  assert_int_equal(fit(MPI_COMM_WORLD, &options, &failed), CHI_ERR_USAGE);
  options.stage.mode = CHI_RUN_RESUME;
  assert_int_equal(fit(MPI_COMM_WORLD, &options, &failed), CHI_OK);
  assert_int_equal(failed, 0);
  options.stage.fit_config = "fit:\n  folds: 4\n";
  assert_int_equal(fit(MPI_COMM_WORLD, &options, &failed), CHI_ERR_USAGE);
}

static void bad_requests_leave_no_run(void **unused)
{
  (void)unused;
  int64_t failed = -1;
  chi_fit_options options = options_for(at("none"));
  options.stage.encode.folds = 16;
  assert_int_equal(fit(MPI_COMM_WORLD, &options, &failed), CHI_ERR_INPUT);
  assert_non_null(strstr(chi_message(), "responses/sim1.word.h5"));
  options = options_for(at("none"));
  options.stage.selection.models = "nothing*";
  assert_int_equal(chi_exit_code(fit(MPI_COMM_WORLD, &options, &failed)), 2);
  options = options_for(at("none"));
  options.stage.memory_per_rank = 1000;
  assert_int_equal(fit(MPI_COMM_WORLD, &options, &failed), CHI_ERR_USAGE);
  options = options_for(at("none"));
  options.study = at("nowhere");
  assert_int_equal(chi_exit_code(fit(MPI_COMM_WORLD, &options, &failed)), 2);
  assert_int_equal(told(access(at("none"), F_OK) == 0), 0);
}

static void bad_units_fail_alone(void **unused)
{
  (void)unused;
  int64_t failed = -1;
  bool ok = true;
  if (rank == 0)
    ok = spoil("study/features/sim1.word/vision-net.h5", "/layers/layer-01", 2, INFINITY) &&
         tear("study/features/sim2.word/language-net.h5", "/layers/layer-02") &&
         spoil("study/responses/sim2.word.h5", "/response", 3, NAN);
  assert_true(told(ok));
  chi_fit_options options = options_for(at("bad"));
  options.electrode_block = 1000;
  assert_int_equal(fit(MPI_COMM_WORLD, &options, &failed), CHI_OK);
  assert_int_equal(failed, 2);
  const char *bad = at("bad");
  assert_int_equal(told(rank == 0 ? count_done(bad, NULL, CHI_DONE_FAILED) : 0), 2 * ELECTRODES);
  assert_int_equal(told(rank == 0 ? count_done(bad, NULL, CHI_DONE_NOT_YET) : 0), 0);
  assert_int_equal(told(rank == 0 ? count_done(bad, nan_layer, CHI_DONE_FAILED) : 0), ELECTRODES);
  assert_int_equal(told(rank == 0 ? count_done(bad, torn_layer, CHI_DONE_FAILED) : 0), ELECTRODES);
  /* 24 spaces; the failed layers' sites, and one target in each space that did not fail there */
  assert_int_equal(told(rank == 0 ? count_bad(bad, NULL) : 0),
                   3 * (2 * ELECTRODES * BINS + 24 - 1));
  options.stage.mode = CHI_RUN_RESUME;
  assert_int_equal(fit(MPI_COMM_WORLD, &options, &failed), CHI_OK);
  assert_int_equal(failed, 2);
}

int main(int argc, char **argv)
{
  chi_mpi_init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  chi_log_set_rank(rank);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(results_do_not_depend_on_ranks_or_blocks),
      cmocka_unit_test(run_goes_on_where_it_was),
      cmocka_unit_test(bad_requests_leave_no_run),
      cmocka_unit_test(bad_units_fail_alone),
  };
  const int failures = cmocka_run_group_tests(tests, make_study, remove_study);
  MPI_Finalize();
  return failures;
}
