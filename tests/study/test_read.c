#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/memory.h"
#include "small_study.h"
#include "study/catalog.h"

static chi_study *open_study(const chi_selection *selection)
{
  chi_study *study = NULL;
  chi_findings findings = {0};
  const chi_status status = chi_study_open("s", selection, &findings, &study);
  if (status != CHI_OK) print_error("%s\n", chi_message());
  assert_int_equal(status, CHI_OK);
  chi_findings_free(&findings);
  return study;
}

static double number(const void *numbers, chi_real real, int64_t i)
{
  return real == CHI_REAL32 ? ((const float *)numbers)[i] : ((const double *)numbers)[i];
}

/* Float64 read as float32 comes less the file's first event. */
static void check_rows(const chi_study *study, int64_t event0, int64_t n, chi_real real, bool wide)
{
  enum { WIDE = N_ELECTRODES * N_TIMES };
  double out[N_EVENTS * WIDE];
  assert_int_equal(chi_study_read_responses(study, 1, event0, n, real, out), CHI_OK);
  for (int64_t i = 0; i < n * WIDE; i++)
    assert_true(number(out, real, i) ==
                response_value(event0 * WIDE + i) -
                    (wide && real == CHI_REAL32 ? response_value(i % WIDE) : 0));
}

static void check_layer(const chi_study *study, int64_t space, chi_real real)
{
  double out[N_EVENTS * N_FEATURES];
  assert_int_equal(chi_study_read_features(study, 0, space, 1, real, out), CHI_OK);
  for (int64_t i = 0; i < N_EVENTS * N_FEATURES; i++)
    assert_true(number(out, real, i) == feature_value(i));
}

/* Every width, order of bytes and packing gives the numbers that were put in. */
static void every_form(void **state)
{
  (void)state;
  const hid_t half = half_type(), big_half = half_type();
  H5Tset_order(big_half, H5T_ORDER_BE);
  const hid_t types[] = {half,           big_half,       H5T_IEEE_F32LE,
                         H5T_IEEE_F32BE, H5T_IEEE_F64LE, H5T_IEEE_F64BE};
  for (int i = 0; i < 6; i++)
    for (hsize_t chunk_rows = 0; chunk_rows <= 7; chunk_rows += 7) {
      assert_int_equal(make_small_study(types[i], chunk_rows), 0);
      chi_study *study = open_study(NULL);
      const chi_real reals[] = {CHI_REAL32, CHI_REAL64};
      for (int r = 0; r < 2; r++) {
        check_rows(study, 0, N_EVENTS, reals[r], i >= 4);
        check_rows(study, 5, 9, reals[r], i >= 4);
        check_rows(study, N_EVENTS - 1, 1, reals[r], i >= 4);
        check_layer(study, 0, reals[r]);
        check_layer(study, 1, reals[r]);
      }
      chi_real exact;
      assert_int_equal(chi_study_features_real(study, 0, 0, 0, &exact), CHI_OK);
      assert_int_equal(exact, CHI_REAL64); /* layer a */
      assert_int_equal(chi_study_features_real(study, 0, 1, 0, &exact), CHI_OK);
      assert_int_equal(exact, i < 4 ? CHI_REAL32 : CHI_REAL64);
      chi_study_destroy(&study);
      remove_small_study();
    }
  H5Tclose(half);
  H5Tclose(big_half);
}

static void catalog(void **state)
{
  (void)state;
  assert_int_equal(make_small_study(H5T_IEEE_F32LE, 0), 0);
  chi_study *study = open_study(NULL);
  const chi_alignment *a = study->alignments;
  const chi_dataset *d = &study->datasets[1];
  assert_int_equal(study->n_alignments, 1);
  assert_int_equal(study->n_datasets, 2);
  assert_int_equal(study->n_files, 4);
  assert_string_equal(study->file[0], "features/p1.film/net.h5");
  assert_string_equal(study->yaml, "");
  assert_int_equal(a->n_sites, 2 * N_ELECTRODES);
  assert_int_equal(a->n_spaces, 2);
  assert_string_equal(a->space[0].layer, "a"); /* without depths, by name */
  assert_int_equal(a->space[1].depth, 1);
  assert_string_equal(a->space[1].network, "net"); /* absent: the model's name */
  assert_true(isnan(a->bin_width));
  assert_string_equal(d->subject, "p2");
  assert_string_equal(d->electrode[2], "LA3");
  assert_string_equal(d->region[2], "");
  assert_true(isnan(d->x[0]));
  assert_int_equal(d->session[7], 0);
  assert_int_equal(d->first_site, N_ELECTRODES);
  assert_true(d->onset[3] == 1.5);
  chi_study_destroy(&study);

  const chi_selection only_b = {.subjects = "p2", .layers = "b"};
  study = open_study(&only_b);
  assert_int_equal(study->n_datasets, 1);
  assert_int_equal(study->n_files, 2);
  assert_int_equal(study->alignments[0].n_spaces, 1);
  assert_int_equal(study->alignments[0].space[0].depth, 1); /* its place among all layers */
  chi_study_destroy(&study);
  remove_small_study();
}

/* A change of one byte, or of the name alone, changes the checksum; nothing else does. */
static void checksums(void **state)
{
  (void)state;
  uint64_t first, second, again;
  assert_int_equal(make_small_study(H5T_IEEE_F32LE, 0), 0);
  chi_study *study = open_study(NULL);
  assert_int_equal(chi_study_file_checksum(study, 0, &first), CHI_OK);
  assert_int_equal(chi_study_file_checksum(study, 0, &again), CHI_OK);
  assert_true(first == again);
  assert_int_equal(chi_study_file_checksum(study, 1, &second), CHI_OK); /* the same bytes */
  assert_true(first != second);
  FILE *f = fopen("s/features/p1.film/net.h5", "r+");
  fseek(f, -1, SEEK_END);
  fputc(77, f);
  fclose(f);
  assert_int_equal(chi_study_file_checksum(study, 0, &again), CHI_OK);
  assert_true(first != again);
  chi_study_destroy(&study);
  remove_small_study();
}

/* A layer with a NaN names the place; a file changed meanwhile is not read past its end. */
static void bad_numbers(void **state)
{
  (void)state;
  double out[N_EVENTS * N_FEATURES], values[N_EVENTS * N_FEATURES] = {0};
  const hsize_t dims[] = {N_EVENTS, N_FEATURES}, fewer[] = {N_EVENTS - 1, N_FEATURES};
  assert_int_equal(make_small_study(H5T_IEEE_F32LE, 0), 0);
  chi_study *study = open_study(NULL);
  values[4 * N_FEATURES + 3] = NAN;
  for (int i = 0; i < 2; i++) {
    const hid_t file = H5Fopen("s/features/p1.film/net.h5", H5F_ACC_RDWR, H5P_DEFAULT);
    H5Ldelete(file, "layers/a", H5P_DEFAULT);
    put_numbers(file, "layers/a", H5T_IEEE_F32LE, 2, i == 0 ? dims : fewer, 0, values);
    H5Fclose(file);
    const chi_status status = chi_study_read_features(study, 0, 0, 0, CHI_REAL64, out);
    assert_int_equal(status, i == 0 ? CHI_ERR_NUMERIC : CHI_ERR_INPUT);
    assert_non_null(strstr(chi_message(), "features/p1.film/net.h5: /layers/a"));
    assert_non_null(strstr(chi_message(), i == 0 ? "row 4, column 3" : "no longer what it was"));
  }
  chi_study_destroy(&study);
  remove_small_study();
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_form), cmocka_unit_test(catalog),
                                     cmocka_unit_test(checksums), cmocka_unit_test(bad_numbers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
