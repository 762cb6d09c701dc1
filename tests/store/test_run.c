/* A run opened by all ranks: written in any order by any of them, and read back. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <hdf5.h>

#include "base/memory.h"
#include "base/mpi_init.h"
#include "check_all.h"
#include "fake_study.h"
#include "store/folder.h"

static int rank, size;
static char folder[64];
static const chi_provenance provenance = {.config = "fit: {folds: 5}\n",
                                          .study_checksum = "0123456789abcdef",
                                          .threads_per_rank = 1,
                                          .blas_kernel = "generic",
                                          .libraries = "-"};

static void new_folder(void)
{
  snprintf(folder, sizeof folder, "/tmp/chiasm_run_XXXXXX");
  if (rank == 0) CHECK(mkdtemp(folder) != NULL);
  MPI_Bcast(folder, sizeof folder, MPI_CHAR, 0, MPI_COMM_WORLD);
}

static void remove_folder(void)
{
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0) {
    char path[128];
    CHECK(chi_run_folder_clear_from(folder, "fit.h5") == CHI_OK);
    snprintf(path, sizeof path, "%s/lock", folder);
    CHECK(unlink(path) == 0 && rmdir(folder) == 0);
  }
  MPI_Barrier(MPI_COMM_WORLD);
}

static chi_store *open_run(chi_run_mode mode)
{
  chi_store *run = NULL;
  CHECK(fake_open(folder, mode, fake_study(1), &provenance, &run) == CHI_OK);
  return run;
}

static void write_sites(chi_store *run, int32_t a, int64_t space, int64_t site0, int64_t n)
{
  float val_r[64], test_r[64], alpha[64];
  fake_scores(fake_study(1), a, space, site0, n, val_r, test_r, alpha);
  CHECK(fake_write(run, a, space, site0, n, (const float *const[]){val_r, test_r, alpha}) ==
        CHI_OK);
}

/* What one rank alone writes, without any call of the others, is there afterwards. */
static void test_one_writes(void **state)
{
  (void)state;
  new_folder();
  chi_store *run = open_run(CHI_RUN_NEW);
  if (rank == size - 1) {
    write_sites(run, 0, 2, 1, 4);
    write_sites(run, 1, 3, 0, 2);
    CHECK(fake_fail(run, 1, 0, 1, 1) == CHI_OK);
    CHECK(fake_write(run, 0, 0, 5, 0, NULL) == CHI_OK); /* nothing is fine */
  }
  CHECK(chi_store_finish(&run, CHI_OK) == CHI_OK && run == NULL);
  chi_fit_table *tables = NULL;
  int32_t n;
  CHECK(chi_run_read_tables(folder, &tables, &n) == CHI_OK && n == 2);
  const uint8_t done[2][20] = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1},
                               {0, 2, 0, 0, 0, 0, 1, 1}};
  CHECK(memcmp(tables[0].done, done[0], 20) == 0 && memcmp(tables[1].done, done[1], 8) == 0);
  float read[CHI_N_SCORES][35], val_r[35], test_r[35], alpha[35];
  fake_scores(fake_study(1), 0, 2, 1, 4, val_r, test_r, alpha);
  float *const out[] = {read[0], read[1], read[2]};
  CHECK(chi_run_read_scores(folder, &tables[0], 2, out) == CHI_OK);
  CHECK(isnan(read[CHI_TEST_R][0]) && isnan(read[CHI_TEST_R][6]));
  CHECK(memcmp(read[CHI_TEST_R] + 7, test_r, sizeof test_r[0] * 28) == 0);
  CHECK(chi_run_read_scores(folder, &tables[0], 4, out) == CHI_ERR_BUG);
  chi_fit_tables_free(&tables, n);
  remove_folder();
}

static void test_tables(void **state)
{
  (void)state;
  new_folder();
  chi_store *run = open_run(CHI_RUN_NEW);
  chi_fit_table *tables = NULL; /* also while the run is open */
  int32_t n;
  CHECK(chi_run_read_tables(folder, &tables, &n) == CHI_OK && n == 2);
  const chi_fit_table *t = &tables[0];
  CHECK(strcmp(t->alignment, "language") == 0 && strcmp(tables[1].alignment, "vision") == 0);
  CHECK(t->n_spaces == 4 && t->n_sites == 5 && t->n_times == 7 && t->time[6] == 0.5);
  CHECK(strcmp(t->space[3], "slip-combo/final") == 0 && strcmp(t->model[0], "blind") == 0);
  CHECK(strcmp(t->network[2], "slip-combo") == 0 && strcmp(t->modality[2], "multimodal") == 0);
  CHECK(strcmp(t->training[0], "random") == 0 && strcmp(t->layer[1], "l2") == 0);
  CHECK(t->depth[1] == 1 && strcmp(t->site[3], "s2/e0") == 0 && strcmp(t->subject[2], "s1") == 0);
  CHECK(strcmp(t->electrode[4], "e1") == 0 && strcmp(t->region[0], "") == 0);
  CHECK(strcmp(t->region[1], "superiortemporal") == 0 && t->x[4] == 1 && isnan(t->z[0]));
  for (int i = 0; i < 20; i++)
    CHECK(t->present[i] == (i != 13 && i != 14)); /* s2 has no such layer */
  chi_fit_tables_free(&tables, n);
  CHECK(tables == NULL);
  CHECK(chi_store_finish(&run, CHI_OK) == CHI_OK);
  remove_folder();
  CHECK(chi_run_read_tables(folder, &tables, &n) == CHI_ERR_INPUT && tables == NULL);
}

static void test_resume(void **state)
{
  (void)state;
  new_folder();
  chi_store *run = open_run(CHI_RUN_NEW);
  for (int64_t f = rank; f < 4; f += size) write_sites(run, 0, f, 0, 3);
  CHECK(chi_store_flags(run, 0, CHI_SCORES)[0] == CHI_DONE_NOT_YET);
  CHECK(chi_store_finish(&run, CHI_OK) == CHI_OK);
  run = open_run(CHI_RUN_RESUME);
  const uint8_t *done = chi_store_flags(run, 0, CHI_SCORES);
  for (int i = 0; i < 20; i++) CHECK(done[i] == (i % 5 < 3));
  CHECK(chi_store_torn(run) == 0);
  CHECK(chi_store_finish(&run, CHI_OK) == CHI_OK);
  CHECK(fake_open(folder, CHI_RUN_NEW, fake_study(1), &provenance, &run) == CHI_ERR_USAGE);
  CHECK(run == NULL && strstr(chi_message(), "holds a run already") != NULL);
  remove_folder();
}

static void test_ranges(void **state)
{
  (void)state;
  new_folder();
  chi_store *run = open_run(CHI_RUN_NEW);
  static const int64_t bad[][4] = {{-1, 0, 0, 1}, {2, 0, 0, 1}, {0, 4, 0, 1}, {0, -1, 0, 1},
                                   {0, 0, -1, 1}, {0, 0, 0, 6}, {0, 0, 5, 1}, {0, 0, 1, -1}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    CHECK(fake_fail(run, (int32_t)bad[i][0], bad[i][1], bad[i][2], bad[i][3]) == CHI_ERR_BUG);
  CHECK(chi_store_finish(&run, CHI_OK) == CHI_OK);
  CHECK(chi_store_finish(&run, CHI_OK) == CHI_OK); /* of nothing */
  CHECK(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == 0);
  remove_folder();
}

int main(int argc, char **argv)
{
  chi_mpi_init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_writes),
                                     cmocka_unit_test(test_tables), cmocka_unit_test(test_resume),
                                     cmocka_unit_test(test_ranges)};
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  MPI_Finalize();
  return failed;
}
