/* A stand-in for `chiasm fit`, for the Python tests: opens a run of the fake study in a given way,
 * writes the units that are not done, and ends like the program would.
 *
 *   run_driver new|resume|overwrite RUN [name=value ...]
 *     config=TEXT checksum=HEX scale=N   what the run is of
 *     fail=F  fail feature space F
 *     units=N  stop after so many units of this rank; all ranks share them out in turn */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/gate.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/mpi_init.h"
#include "fake_study.h"

static const char *argument(int argc, char **argv, const char *name, const char *otherwise)
{
  const size_t n = strlen(name);
  for (int i = 3; i < argc; i++)
    if (strncmp(argv[i], name, n) == 0 && argv[i][n] == '=') return argv[i] + n + 1;
  return otherwise;
}

static chi_status unit(chi_store *run, const chi_study *study, int32_t a, int64_t f, int64_t fail)
{
  const chi_alignment *al = &study->alignments[a];
  const uint8_t *done = chi_store_flags(run, a, CHI_SCORES) + f * al->n_sites;
  float *scores = NULL;
  CHI_TRY(chi_alloc(3 * al->n_times, sizeof *scores, "scores", &scores));
  chi_status s = CHI_OK;
  for (int64_t i = 0; i < al->n_sites && s == CHI_OK; i++) {
    if (done[i] != CHI_DONE_NOT_YET) continue;
    float *val_r = scores, *test_r = scores + al->n_times, *alpha = scores + 2 * al->n_times;
    fake_scores(study, a, f, i, 1, val_r, test_r, alpha);
    s = f == fail ? fake_fail(run, a, f, i, 1)
                  : fake_write(run, a, f, i, 1, (const float *const[]){val_r, test_r, alpha});
  }
  chi_free(scores);
  return s;
}

static chi_status work(chi_store *run, const chi_study *study, int argc, char **argv)
{
  int rank, size;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  const int64_t fail = atoll(argument(argc, argv, "fail", "-1"));
  int64_t left = atoll(argument(argc, argv, "units", "1000000")), k = 0;
  if (rank == 0) {
    printf("torn %lld\n", (long long)chi_store_torn(run));
    fflush(stdout);
  }
  for (int32_t a = 0; a < study->n_alignments; a++)
    for (int64_t f = 0; f < study->alignments[a].n_spaces; f++) {
      if (k++ % size != rank || left-- <= 0) continue;
      CHI_TRY(chi_gate("driver.unit"));
      CHI_TRY(unit(run, study, a, f, fail));
    }
  return CHI_OK;
}

int main(int argc, char **argv)
{
  chi_mpi_init(&argc, &argv);
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  chi_log_set_rank(rank);
  if (argc < 3) MPI_Abort(MPI_COMM_WORLD, 99);
  const chi_run_mode mode = strcmp(argv[1], "resume") == 0      ? CHI_RUN_RESUME
                            : strcmp(argv[1], "overwrite") == 0 ? CHI_RUN_OVERWRITE
                                                                : CHI_RUN_NEW;
  const chi_study *study = fake_study(atoll(argument(argc, argv, "scale", "1")));
  const chi_provenance provenance = {
      .config = argument(argc, argv, "config", "fit:\n  folds: 5\n  alphas: [0.1, 1]\n"),
      .study_checksum = argument(argc, argv, "checksum", "0123456789abcdef"),
      .threads_per_rank = 1,
      .blas_kernel = "Haswell",
      .libraries = "none"};
  chi_store *run = NULL;
  chi_status s = fake_open(argv[2], mode, study, &provenance, &run);
  if (s == CHI_OK) s = work(run, study, argc, argv);
  s = chi_store_finish(&run, s);
  if (s != CHI_OK && rank == 0) chi_log(CHI_LOG_ERROR, "%s", chi_message());
  MPI_Finalize();
  return chi_exit_code(s);
}
