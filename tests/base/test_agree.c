/* Errors and bytes that all ranks come to share; run on several numbers of ranks. */
#include "base/agree.h"

#include <stdio.h>

#include "base/memory.h"
#include "base/mpi_init.h"
#include "cmocka_all.h"

static int rank, size;

static void test_agree(void **state)
{
  (void)state;
  assert_int_equal(chi_agree(MPI_COMM_WORLD, CHI_OK), CHI_OK);
  /* the gravest wins, whoever has it; the last rank has it here */
  chi_status s = rank == 0 ? chi_fail(CHI_ERR_IO, "of the first") : CHI_OK;
  if (rank == size - 1) s = chi_fail(CHI_ERR_USAGE, "of rank %d", rank);
  assert_int_equal(chi_agree(MPI_COMM_WORLD, s), CHI_ERR_USAGE);
  char text[32];
  snprintf(text, sizeof text, "of rank %d", size - 1);
  assert_string_equal(chi_message(), text);
  /* of equals the lowest rank's */
  s = chi_fail(CHI_ERR_INPUT, "of rank %d", rank);
  assert_int_equal(chi_agree(MPI_COMM_WORLD, s), CHI_ERR_INPUT);
  assert_string_equal(chi_message(), "of rank 0");
}

static void test_bcast(void **state)
{
  (void)state;
  static const int64_t sizes[] = {0, 1, 100000};
  for (int i = 0; i < 3; i++) {
    const int root = size - 1;
    unsigned char *bytes = NULL;
    int64_t n = rank == root ? sizes[i] : -1;
    if (rank == root) {
      assert_int_equal(chi_alloc(n, 1, "bytes", &bytes), CHI_OK);
      for (int64_t j = 0; j < n; j++) bytes[j] = (unsigned char)(j * 7);
    }
    void *p = bytes;
    assert_int_equal(chi_bcast_bytes(MPI_COMM_WORLD, root, &p, &n), CHI_OK);
    bytes = p;
    assert_int_equal(n, sizes[i]);
    for (int64_t j = 0; j < n; j++) assert_int_equal(bytes[j], (unsigned char)(j * 7));
    chi_free(bytes);
  }
}

static void test_cast(void **state)
{
  (void)state;
  assert_int_equal(chi_int_cast(2147483647), 2147483647);
  assert_int_equal(chi_int_cast(-5), -5);
}

int main(int argc, char **argv)
{
  chi_mpi_init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_agree), cmocka_unit_test(test_bcast),
                                     cmocka_unit_test(test_cast)};
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  /* a rank that failed inside a collective leaves the others waiting */
  if (failed != 0) MPI_Abort(MPI_COMM_WORLD, 1);
  MPI_Finalize();
  return 0;
}
