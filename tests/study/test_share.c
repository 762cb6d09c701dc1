/* The catalog arrives whole: every rank compares what it is sent with its own, field by field. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/agree.h"
#include "base/mpi_init.h"
#include "chiasm/study.h"
#include "small_study.h"

static void compare(const chi_study *a, const chi_study *b)
{
  assert_string_equal(a->path, b->path);
  assert_int_equal(a->n_datasets, b->n_datasets);
  assert_int_equal(a->n_alignments, b->n_alignments);
  assert_int_equal(a->n_files, b->n_files);
  for (int64_t i = 0; i < a->n_files; i++) assert_string_equal(a->file[i], b->file[i]);
  for (int32_t i = 0; i < a->n_datasets; i++) {
    const chi_dataset *p = &a->datasets[i], *q = &b->datasets[i];
    assert_string_equal(p->subject, q->subject);
    assert_string_equal(p->path, q->path);
    assert_int_equal(p->first_site, q->first_site);
    assert_memory_equal(p->onset, q->onset, (size_t)p->n_events * sizeof *p->onset);
    assert_memory_equal(p->session, q->session, (size_t)p->n_events * sizeof *p->session);
    assert_memory_equal(p->z, q->z, (size_t)p->n_electrodes * sizeof *p->z);
    for (int64_t j = 0; j < p->n_electrodes; j++) {
      assert_string_equal(p->electrode[j], q->electrode[j]);
      assert_string_equal(p->region[j], q->region[j]);
    }
  }
  for (int32_t i = 0; i < a->n_alignments; i++) {
    const chi_alignment *p = &a->alignments[i], *q = &b->alignments[i];
    assert_string_equal(p->name, q->name);
    assert_int_equal(p->n_sites, q->n_sites);
    assert_memory_equal(p->time, q->time, (size_t)p->n_times * sizeof *p->time);
    assert_memory_equal(p->dataset, q->dataset, (size_t)p->n_datasets * sizeof *p->dataset);
    assert_int_equal(p->n_spaces, q->n_spaces);
    for (int64_t j = 0; j < p->n_spaces; j++) {
      assert_string_equal(p->space[j].model, q->space[j].model);
      assert_string_equal(p->space[j].layer, q->space[j].layer);
      assert_int_equal(p->space[j].depth, q->space[j].depth);
      assert_memory_equal(p->space[j].n_features, q->space[j].n_features,
                          (size_t)p->n_datasets * sizeof *p->space[j].n_features);
    }
  }
}

static void round_trip(void **state)
{
  (void)state;
  int rank, size;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  /* each rank has a study of its own, equal to the others' but for the folder */
  assert_int_equal(make_small_study(H5T_IEEE_F32LE, 0), 0);
  chi_study *mine = NULL;
  chi_findings findings = {0};
  assert_int_equal(chi_study_open("s", NULL, &findings, &mine), CHI_OK);
  for (int root = 0; root < size; root++) {
    chi_study *shared = rank == root ? mine : NULL;
    assert_int_equal(chi_study_bcast(MPI_COMM_WORLD, root, &shared), CHI_OK);
    compare(mine, shared);
    if (rank != root) chi_study_destroy(&shared);
  }
  chi_study_destroy(&mine);
  chi_findings_free(&findings);
  remove_small_study();
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(round_trip)};
  chi_mpi_init(&argc, &argv);
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  if (failed > 0) MPI_Abort(MPI_COMM_WORLD, 1); /* the others would wait for this rank */
  MPI_Finalize();
  return failed;
}
