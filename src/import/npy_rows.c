/* The numbers of an .npy file, by rows. */
#include <string.h>

#include "base/memory.h"
#include "import/npy.h"
#include "study/half.h"

enum { SPAN_BYTES = 1 << 20, SPAN_ROWS = 16 };

static void swap_bytes(int64_t n, int64_t item, unsigned char *bytes)
{
  for (int64_t i = 0; i < n; i++, bytes += item)
    for (int64_t a = 0, b = item - 1; a < b; a++, b--) {
      const unsigned char byte = bytes[a];
      bytes[a] = bytes[b];
      bytes[b] = byte;
    }
}

/* Make float64 of n numbers in place: they are the last n * item bytes of the 8 n at `out`. */
static void widen(const chi_npy *npy, int64_t n, double *out)
{
  unsigned char *raw = (unsigned char *)out + n * (8 - npy->item);
  if (npy->swapped) swap_bytes(n, npy->item, raw);
  if (npy->item == 2) chi_half_widen(n, CHI_REAL64, out);
  if (npy->item != 4) return;
  for (int64_t i = 0; i < n; i++) {
    float value;
    memcpy(&value, raw + 4 * i, sizeof value);
    out[i] = value;
  }
}

/* Which column, counted in C order, is number `stored` in a file in Fortran order: there the first
 * index varies fastest. */
static int64_t column_of(const chi_npy *npy, int64_t stored)
{
  int64_t column = 0;
  for (int i = 1; i < npy->rank; i++) {
    column = column * npy->dims[i] + stored % npy->dims[i];
    stored /= npy->dims[i];
  }
  return column;
}

/* Columns to read at a time: many where that passes over few other rows, else one. */
static int64_t span_columns(const chi_npy *npy, int64_t n)
{
  const int64_t span = SPAN_BYTES / 8 / npy->rows;
  if (npy->rows > SPAN_ROWS * n || span < 1) return 1;
  return span < npy->columns ? span : npy->columns;
}

static chi_status read_by_columns(const chi_bytes *bytes, const chi_npy *npy, int64_t row0,
                                  int64_t n, double *out)
{
  const int64_t most = span_columns(npy, n);
  double *span = NULL;
  chi_status s = chi_alloc((most - 1) * npy->rows + n, sizeof *span, "rows of an .npy file", &span);
  for (int64_t c = 0; s == CHI_OK && c < npy->columns; c += most) {
    const int64_t left = npy->columns - c, m = left < most ? left : most;
    const int64_t count = (m - 1) * npy->rows + n;
    s = bytes->read(bytes->context, npy->data + (c * npy->rows + row0) * npy->item,
                    count * npy->item, (unsigned char *)span + count * (8 - npy->item));
    if (s != CHI_OK) break;
    widen(npy, count, span);
    for (int64_t k = 0; k < m; k++) {
      double *column = out + column_of(npy, c + k);
      for (int64_t i = 0; i < n; i++) column[i * npy->columns] = span[k * npy->rows + i];
    }
  }
  chi_free(span);
  return s;
}

chi_status chi_npy_read(const chi_bytes *bytes, const chi_npy *npy, int64_t row0, int64_t n,
                        double *out)
{
  if (row0 < 0 || n < 0 || n > npy->rows - row0)
    return chi_fail(CHI_ERR_BUG, "%s: rows %lld to %lld of %lld", bytes->where, (long long)row0,
                    (long long)(row0 + n - 1), (long long)npy->rows);
  if (npy->by_columns) return read_by_columns(bytes, npy, row0, n, out);
  const int64_t count = n * npy->columns;
  CHI_TRY(bytes->read(bytes->context, npy->data + row0 * npy->columns * npy->item,
                      count * npy->item, (unsigned char *)out + count * (8 - npy->item)));
  widen(npy, count, out);
  return CHI_OK;
}
