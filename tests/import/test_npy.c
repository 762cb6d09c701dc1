/* The head of .npy files, one by one; what NumPy itself writes is in test_features.py. */
#include "import/formats.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

typedef struct buffer {
  unsigned char byte[4096];
  int64_t n;
} buffer;

/* A reader that holds the parser to what the file has. */
static chi_status read_buffer(const chi_bytes *bytes, int64_t offset, int64_t n, void *out)
{
  const buffer *b = bytes->context;
  assert_true(offset >= 0 && n >= 0 && n <= b->n - offset);
  memcpy(out, b->byte + offset, (size_t)n);
  return CHI_OK;
}

static chi_status open_buffer(buffer *b, chi_npy *npy)
{
  const chi_bytes bytes = {.where = "x.npy", .size = b->n, .read = read_buffer, .context = b};
  return chi_npy_open(&bytes, npy);
}

/* A file of some version: the head's text, and zeros. `length`: of the text, as the head says; -1:
 * the truth. */
static buffer make(int version, const char *text, int64_t length, int64_t n_zeros)
{
  buffer b = {.n = 8};
  memcpy(b.byte, "\x93NUMPY", 6);
  b.byte[6] = (unsigned char)version;
  if (length < 0) length = (int64_t)strlen(text);
  for (int i = 0; i < (version == 1 ? 2 : 4); i++)
    b.byte[b.n++] = (unsigned char)(length >> 8 * i & 255);
  memcpy(b.byte + b.n, text, strlen(text));
  b.n += (int64_t)strlen(text) + n_zeros;
  return b;
}

#define DICT(type, order, shape) \
  "{'descr': " type ", 'fortran_order': " order ", 'shape': " shape "}"

static void test_good(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    int64_t item, rows, columns;
    bool by_columns;
  } good[] = {
      {DICT("'<f4'", "False", "(6, 4), "), 4, 6, 4, false},
      {DICT("'=f8'", "True", "(3, 2, 2)"), 8, 3, 4, true},
      {DICT("\"<f2\"", "True", "(48, 1)"), 2, 48, 1, false},
      {"{ \"shape\" :(12L,),'fortran_order':False,\n'descr':'>f8' ,} \n", 8, 12, 1, false},
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    for (int version = 1; version <= 3; version++) {
      buffer b = make(version, good[i].text, -1, 96);
      chi_npy npy;
      assert_int_equal(open_buffer(&b, &npy), CHI_OK);
      assert_int_equal(npy.item, good[i].item);
      assert_int_equal(npy.rows, good[i].rows);
      assert_int_equal(npy.columns, good[i].columns);
      assert_int_equal(npy.by_columns, good[i].by_columns);
      assert_int_equal(npy.data, b.n - 96);
    }
}

static void refuse(buffer b, const char *part)
{
  chi_npy npy;
  assert_int_equal(open_buffer(&b, &npy), CHI_ERR_INPUT);
  if (strstr(chi_message(), part) == NULL || strncmp(chi_message(), "x.npy: ", 7) != 0)
    fail_msg("`%s` lacks `%s`", chi_message(), part);
}

static void test_damaged(void **state)
{
  (void)state;
  static const char *const damaged[] = {
      "",
      "{",
      "30 x 2",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (6, 4), ",
      "{'descr': '<f4', 'fortran_order': False}",
      "{'descr': '<f4', 'fortran_order': False, 'form': (6, 4)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (6, 4), 'shape': (6, 4)}",
      "{'descr': '<f4', 'fortran_order': False 'shape': (6, 4)}",
      "{'descr: '<f4', 'fortran_order': False, 'shape': (6, 4)}",
      "{'descr': '<f4', 'fortran_order': 0, 'shape': (6, 4)}",
      DICT("'<f4'", "False", "6"),
      DICT("'<f4'", "False", "(6, 4"),
      DICT("'<f4'", "False", "(6, -4)"),
      DICT("'<f4'", "False", "(6 4)"),
      DICT("'<f4'", "False", "(6.0, 4)"),
      DICT("'<f4'", "False", "(06, 4)"),
      DICT("'<f4'", "False", "(24)"),
      DICT("'<f4'", "False", "(,)"),
      DICT("'<f4'", "False", "[6, 4]"),
      DICT("'<f4'", "False", "(6, 4]"),
      DICT("'<f4'", "False", "(6, 4,,)"),
      DICT("'<f4'", "False", "('6', 4)"),
      DICT("'<f4'", "'False'", "(6, 4)"),
      DICT("'<f4'", "Falsehood", "(6, 4)"),
      DICT("<f4", "False", "(6, 4)"),
      DICT("&a '<f4'", "False", "(6, 4)"),
      "{descr: '<f4', 'fortran_order': False, 'shape': (6, 4)}",
      DICT("'<f4'", "False", "(6, 4)") " junk\n",
      DICT("'<f4'", "False", "(6, 4)") "\n...\njunk\n",
      DICT("'<f4'", "False", "(6, 4)") "\n---\n{}",
      DICT("'<f4'", "False", "(6, 4)") ",",
      DICT("'<f4'", "False", "(6, 4)") "}",
      DICT("'<f4'", "False", "(99999999999999999999, 4)"),
      DICT("'<f4'", "False",
           "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,24)"),
  };
  for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++)
    refuse(make(1, damaged[i], -1, 96), "the head of this .npy is damaged");
  const char *good = DICT("'<f4'", "False", "(6, 4)");
  refuse(make(1, good, 65535, 96), "it is cut short");
  refuse(make(2, good, (int64_t)1 << 31, 96), "it is absurdly long");
  refuse(make(3, good, 65537, 96), "it is absurdly long");
  refuse(make(4, good, -1, 96), "is .npy of version 4.0, expected 1.0, 2.0 or 3.0");
  refuse(make(0, good, -1, 96), "is .npy of version 0.0");
  buffer minor = make(1, good, -1, 96);
  minor.byte[7] = 8;
  refuse(minor, "is .npy of version 1.8");
  refuse(make(1, good, (int64_t)strlen(good) + 1, 97), "a NUL byte in it");
  for (int64_t n = 0; n < 10 + (int64_t)strlen(good); n++) { /* cut anywhere */
    buffer b = make(1, good, -1, 0);
    b.n = n;
    refuse(b, n < 8 ? "is no .npy file" : "it is cut short");
  }
}

static void test_shapes(void **state)
{
  (void)state;
  refuse(make(1, DICT("'<f4'", "False", "(6, 4)"), -1, 95),
         "is cut short: 6 x 4 of float32 are 96 bytes, but the file has 95 after");
  refuse(make(1, DICT("'<f4'", "False", "(6, 4)"), -1, 97), "is too long: 6 x 4");
  refuse(make(1, DICT("'<f4'", "False", "()"), -1, 4), "holds one number");
  refuse(make(1, DICT("'<f4'", "False", "(0, 4)"), -1, 0), "is empty (0 x 4)");
  refuse(make(1, DICT("'<f4'", "False", "(6, 0, 3)"), -1, 0), "is empty (6 x 0 x 3)");
  refuse(make(1, DICT("'<f4'", "False", "(4611686018427387904, 4)"), -1, 96), "claims");
  refuse(make(1, DICT("'<f4'", "False", "(6, 1099511627776, 1099511627776)"), -1, 96),
         "claims 6 x 1099511627776 x 1099511627776 numbers");
  refuse(make(1, DICT("'<f4'", "False", "(2, 2147483648)"), -1, 96), "at most 2^31 - 1 per row");
}

static void test_types(void **state)
{
  (void)state;
  static const char *const other[] = {"'<c8'", "'|S4'",  "'<U2'",    "'|O'",  "'f4'",
                                      "''",    "'<f16'", "'<M8[s]'", "'|i4'", "'<b2'"};
  for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
    char text[200];
    snprintf(text, sizeof text, "{'descr': %s, 'fortran_order': False, 'shape': (6, 4)}", other[i]);
    refuse(make(1, text, -1, 96), "expected floats (f2, f4, f8), integers or truth");
  }
  refuse(make(1, DICT("[('a', '<f4')]", "False", "(6, 4)"), -1, 96), "holds records");
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_damaged),
                                     cmocka_unit_test(test_shapes), cmocka_unit_test(test_types)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
