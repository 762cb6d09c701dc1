/* A disk that fills up: one clear failure and no flag that promises what is not there. The limit on
 * a file's size stands in for the disk where the test may not mount one. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "base/file.h"
#include "base/mpi_init.h"
#include "check_all.h"
#include "fake_study.h"
#include "store/folder.h"
#include "store/internal.h"

enum { SCALE = 400 }; /* 2000 and 800 sites: about a megabyte */

static int rank;
static char folder[64], path[PATH_MAX];
static const chi_provenance provenance = {.config = "fit: {folds: 5}\n",
                                          .study_checksum = "0123456789abcdef",
                                          .threads_per_rank = 1,
                                          .blas_kernel = "generic",
                                          .libraries = "-"};

static void new_folder(void)
{
  snprintf(folder, sizeof folder, "/tmp/chiasm_full_XXXXXX");
  if (rank == 0) CHECK(mkdtemp(folder) != NULL);
  MPI_Bcast(folder, sizeof folder, MPI_CHAR, 0, MPI_COMM_WORLD);
}

static void remove_folder(void)
{
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank != 0) return;
  CHECK(chi_run_folder_clear_from(folder, "fit.h5") == CHI_OK &&
        chi_path_join(path, folder, "lock") == CHI_OK);
  unlink(path);
  CHECK(rmdir(folder) == 0);
}

static void limit_files(rlim_t bytes)
{
  struct rlimit limit;
  CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
  limit.rlim_cur = bytes == 0 ? limit.rlim_max : bytes;
  CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

static chi_status make(const chi_study *study)
{
  chi_content content;
  CHI_TRY(chi_fit_content(study, &content));
  const chi_status s = chi_store_make(folder, &content, &provenance, 1, NULL, NULL);
  chi_content_free(&content);
  return s;
}

/* Making the file fails wherever the disk ends, and leaves nothing behind. */
static void test_make(void **state)
{
  (void)state;
  new_folder();
  for (rlim_t bytes = 1000; bytes < 900000 && rank == 0; bytes = 2 * bytes + 777) {
    limit_files(bytes);
    CHECK(make(fake_study(SCALE)) == CHI_ERR_IO);
    CHECK(strstr(chi_message(), "fit.h5.tmp: ") != NULL &&
          strstr(chi_message(), "no room for") != NULL);
    CHECK(!chi_run_folder_has(folder, "fit.h5") && !chi_run_folder_has(folder, "fit.h5.tmp"));
    limit_files(0);
  }
  if (rank == 0) CHECK(make(fake_study(1)) == CHI_OK);
  remove_folder();
}

/* Opening a run fails on all ranks alike, and can be resumed when there is room. */
static void test_open(void **state)
{
  (void)state;
  new_folder();
  chi_store *run = NULL;
  if (rank == 0) limit_files(300000);
  CHECK(fake_open(folder, CHI_RUN_NEW, fake_study(SCALE), &provenance, &run) == CHI_ERR_IO);
  if (rank == 0) limit_files(0);
  CHECK(fake_open(folder, CHI_RUN_RESUME, fake_study(SCALE), &provenance, &run) == CHI_OK);
  CHECK(chi_store_finish(&run, CHI_OK) == CHI_OK);
  remove_folder();
}

/* Writing scores fails on the rank that writes; the others neither see it nor wait. */
static void test_write(void **state)
{
  (void)state;
  new_folder();
  static float val_r[7 * SCALE], test_r[7 * SCALE], alpha[7 * SCALE];
  const chi_study *study = fake_study(SCALE);
  chi_store *run = NULL;
  CHECK(fake_open(folder, CHI_RUN_NEW, study, &provenance, &run) == CHI_OK);
  if (rank == 0) {
    limit_files(600000); /* val_r fits, test_r does not */
    fake_scores(study, 0, 3, 0, SCALE, val_r, test_r, alpha);
    const chi_status s =
        fake_write(run, 0, 3, 0, SCALE, (const float *const[]){val_r, test_r, alpha});
    limit_files(0);
    CHECK(s == CHI_ERR_IO && strstr(chi_message(), "fit.h5: ") != NULL);
    CHECK(strstr(chi_message(), "could not be written (") != NULL &&
          strstr(chi_message(), "no reason") == NULL);
  }
  CHECK(chi_store_finish(&run, CHI_OK) == CHI_OK);
  chi_fit_table *tables = NULL;
  int32_t n;
  CHECK(chi_run_read_tables(folder, &tables, &n) == CHI_OK);
  for (int64_t i = 0; i < 4 * tables[0].n_sites; i++) CHECK(tables[0].done[i] == CHI_DONE_NOT_YET);
  chi_fit_tables_free(&tables, n);
  remove_folder();
}

/* A file system of 4 MB, filled to the brim after the run is made: every write still finds its
 * room. */
static void test_small_disk(void **state)
{
  (void)state;
  new_folder();
  int mounted = rank == 0 && mount("tmpfs", folder, "tmpfs", 0, "size=4m") == 0;
  MPI_Bcast(&mounted, 1, MPI_INT, 0, MPI_COMM_WORLD);
  chi_store *run = NULL;
  if (!mounted) {
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0) CHECK(rmdir(folder) == 0);
    skip();
  }
  char place[PATH_MAX];
  CHECK(chi_path_join(place, folder, "run") == CHI_OK);
  CHECK(fake_open(place, CHI_RUN_NEW, fake_study(4096 / 3), &provenance, &run) == CHI_ERR_IO);
  CHECK(strstr(chi_message(), "make room") != NULL && !chi_run_folder_has(folder, "run"));
  const chi_study *study = fake_study(SCALE);
  CHECK(fake_open(place, CHI_RUN_NEW, study, &provenance, &run) == CHI_OK);
  static char filler[1 << 22];
  memset(filler, 1, sizeof filler);
  if (rank == 0) {
    CHECK(chi_path_join(path, folder, "filler") == CHI_OK);
    FILE *file = fopen(path, "w");
    setbuf(file, NULL);
    fwrite(filler, 1, sizeof filler, file);
    fclose(file);
    CHECK(chi_disk_free(folder) == 0);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  static float scores[7 * 5 * SCALE];
  for (int64_t f = rank; f < 4; f += 2)
    CHECK(fake_write(run, 0, f, 0, 5 * SCALE, (const float *const[]){scores, scores, scores}) ==
          CHI_OK);
  CHECK(chi_store_finish(&run, CHI_OK) == CHI_OK);
  CHECK(fake_open(place, CHI_RUN_RESUME, study, &provenance, &run) == CHI_OK);
  CHECK(chi_store_torn(run) == 0 && chi_store_flags(run, 0, CHI_SCORES)[0] == CHI_DONE_WRITTEN);
  CHECK(chi_store_finish(&run, CHI_OK) == CHI_OK);
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0) CHECK(umount2(folder, MNT_DETACH) == 0 && rmdir(folder) == 0);
}

int main(int argc, char **argv)
{
  signal(SIGXFSZ, SIG_IGN);
  chi_mpi_init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_make), cmocka_unit_test(test_open),
                                     cmocka_unit_test(test_write),
                                     cmocka_unit_test(test_small_disk)};
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  MPI_Finalize();
  return failed;
}
