/* An .npy file is magic bytes, version, length, a Python dictionary of three entries, e.g.
 * {'descr': '<f4', 'fortran_order': False, 'shape': (60000, 512), }, and the numbers. */
#include "import/formats.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "study/half.h"

enum { MAGIC = 8, TEXT_MAX = 1 << 16 }; /* NumPy itself reads no longer head than 10,000 */
enum { NAME_ROOM = 64 };
enum { SPAN_BYTES = 1 << 20, SPAN_ROWS = 16 };
#define SPACE " \t\r\n\f"

static chi_status read_file(const chi_bytes *bytes, int64_t offset, int64_t n, void *out)
{
  FILE *f = bytes->context;
  if (fseeko(f, offset, SEEK_SET) == 0 && fread(out, 1, (size_t)n, f) == (size_t)n) return CHI_OK;
  return chi_fail(CHI_ERR_IO, "%s: cannot be read: %s", bytes->where,
                  feof(f) ? "it has become shorter" : strerror(errno));
}

static void close_file(chi_bytes *bytes) { fclose(bytes->context); }

chi_status chi_bytes_of_file(const char *path, chi_bytes *bytes)
{
  FILE *f = fopen(path, "rbe");
  *bytes = (chi_bytes){.where = path};
  if (f == NULL || setvbuf(f, NULL, _IONBF, 0) != 0 || fseeko(f, 0, SEEK_END) != 0 ||
      (bytes->size = ftello(f)) < 0) {
    const int why = errno;
    if (f != NULL) fclose(f);
    return chi_fail(CHI_ERR_INPUT, "%s: cannot be read: %s", path, strerror(why));
  }
  bytes->read = read_file;
  bytes->close = close_file;
  bytes->context = f;
  return CHI_OK;
}

static chi_status bad(const chi_bytes *bytes, const char *what)
{
  return chi_fail(CHI_ERR_INPUT, "%s: the head of this .npy is damaged: %s", bytes->where, what);
}

/* The dictionary's text; free with chi_free. \param[out] data  where it ends */
static chi_status read_text(const chi_bytes *bytes, char **text, int64_t *data)
{
  unsigned char head[12] = {0};
  if (bytes->size >= MAGIC) CHI_TRY(bytes->read(bytes, 0, MAGIC, head));
  if (bytes->size < MAGIC || memcmp(head, "\x93NUMPY", 6) != 0)
    return chi_fail(CHI_ERR_INPUT, "%s: is no .npy file", bytes->where);
  if (head[6] < 1 || head[6] > 3 || head[7] != 0)
    return chi_fail(CHI_ERR_INPUT, "%s: is .npy of version %d.%d, expected 1.0, 2.0 or 3.0",
                    bytes->where, head[6], head[7]);
  const int64_t width = head[6] == 1 ? 2 : 4;
  if (bytes->size < MAGIC + width) return bad(bytes, "it is cut short");
  CHI_TRY(bytes->read(bytes, MAGIC, width, head + MAGIC));
  int64_t n = 0;
  for (int64_t i = width; i-- > 0;) n = n << 8 | head[MAGIC + i];
  if (n > TEXT_MAX) return bad(bytes, "it is absurdly long");
  *data = MAGIC + width + n;
  if (*data > bytes->size) return bad(bytes, "it is cut short");
  CHI_TRY(chi_alloc(n + 1, 1, "head of an .npy file", text));
  CHI_TRY(bytes->read(bytes, MAGIC + width, n, *text));
  return strlen(*text) == (size_t)n ? CHI_OK : bad(bytes, "a NUL byte in it");
}

/* '<f4' and its kind: byte order, class, bytes. */
static chi_status take_type(const chi_bytes *bytes, const char *type, chi_npy *npy)
{
  static const char *const known[] = {"f2", "f4", "f8", "i1", "i2", "i4",
                                      "i8", "u1", "u2", "u4", "u8", "b1"};
  const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (type[0] == '\0' || strcmp(type + 1, known[i]) != 0) continue;
    npy->kind = type[1];
    npy->item = type[2] - '0';
    if (strchr(npy->item == 1 ? "|<>=" : "<>=", type[0]) == NULL) break;
    npy->swapped = npy->item > 1 && type[0] == (little ? '>' : '<');
    return CHI_OK;
  }
  return chi_fail(
      CHI_ERR_INPUT,
      "%s: holds numbers of type %.20s, expected floats (f2, f4, f8), integers or truth "
      "values; convert them with NumPy's astype",
      bytes->where, type);
}

/* Go past one character and the white space behind it. */
static bool take(const char **at, char c)
{
  if (**at != c) return false;
  *at += 1 + strspn(*at + 1, SPACE);
  return true;
}

/* Go past a text in quotes; none that we know has an escape in it. */
static bool take_text(const char **at, char text[NAME_ROOM])
{
  const char quote = **at;
  if (quote != '\'' && quote != '"') return false;
  const size_t n = strcspn(*at + 1, "'\"\\\n");
  if (n >= NAME_ROOM) return false;
  memcpy(text, *at + 1, n);
  text[n] = '\0';
  *at += 1 + n;
  return take(at, quote);
}

static bool take_order(const char **at, bool *fortran)
{
  *fortran = strncmp(*at, "True", 4) == 0;
  if (!*fortran && strncmp(*at, "False", 5) != 0) return false;
  *at += *fortran ? 3 : 4;
  return take(at, 'e');
}

/* Digits alone, but for the L that Python 2 wrote behind them. */
static bool take_count(const char **at, int64_t *out)
{
  char *end;
  if (!isdigit((unsigned char)**at) || (**at == '0' && isdigit((unsigned char)(*at)[1])))
    return false;
  errno = 0;
  *out = strtoll(*at, &end, 10);
  *at = end + (*end == 'L');
  *at += strspn(*at, SPACE);
  return errno == 0;
}

/* (), (5,), (5, 3), ... */
static bool take_shape(const char **at, chi_npy *npy)
{
  bool more = take(at, '(');
  if (!more) return false;
  for (; more && **at != ')'; more = take(at, ','))
    if (npy->rank == CHI_NPY_MAX_RANK || !take_count(at, &npy->dims[npy->rank++])) return false;
  return (more || npy->rank > 1) && take(at, ')');
}

/* A key and its value. \param[in,out] seen  a bit for each key so far */
static chi_status take_entry(const chi_bytes *bytes, const char **at, chi_npy *npy, bool *fortran,
                             int *seen)
{
  static const char *const keys[] = {"descr", "fortran_order", "shape"};
  char text[NAME_ROOM];
  int key = 0;
  if (!take_text(at, text) || !take(at, ':')) return bad(bytes, "no dictionary");
  while (key < 3 && strcmp(text, keys[key]) != 0) key++;
  if (key == 3 || (*seen >> key & 1) != 0) return bad(bytes, "an unknown or repeated key");
  *seen |= 1 << key;
  if (key == 1) return take_order(at, fortran) ? CHI_OK : bad(bytes, keys[key]);
  if (key == 2) return take_shape(at, npy) ? CHI_OK : bad(bytes, keys[key]);
  if (**at == '[')
    return chi_fail(CHI_ERR_INPUT, "%s: holds records, expected an array of numbers", bytes->where);
  return take_text(at, text) ? take_type(bytes, text, npy) : bad(bytes, keys[key]);
}

/* No more is understood than NumPy understands: what it refuses is damaged. */
static chi_status parse(const chi_bytes *bytes, const char *text, chi_npy *npy, bool *fortran)
{
  const char *at = text + strspn(text, SPACE);
  int seen = 0;
  bool more = take(&at, '{');
  if (!more) return bad(bytes, "no dictionary");
  for (; more && *at != '}'; more = take(&at, ','))
    CHI_TRY(take_entry(bytes, &at, npy, fortran, &seen));
  if (!take(&at, '}')) return bad(bytes, "no dictionary");
  if (seen != 7) return bad(bytes, "descr, fortran_order or shape is missing");
  return *at == '\0' ? CHI_OK : bad(bytes, "there is more behind its dictionary");
}

/* "4 x 3 x 2" */
static void shape_text(const chi_npy *npy, char *text, size_t room)
{
  size_t n = 0;
  text[0] = '\0';
  for (int i = 0; i < npy->rank && n < room; i++)
    n +=
        (size_t)snprintf(text + n, room - n, "%s%lld", i > 0 ? " x " : "", (long long)npy->dims[i]);
}

static chi_status check_shape(const chi_bytes *bytes, chi_npy *npy)
{
  char shape[128];
  int64_t count = npy->item, columns = 1;
  if (npy->rank == 0)
    return chi_fail(CHI_ERR_INPUT, "%s: holds one number, expected an array of a row per event",
                    bytes->where);
  shape_text(npy, shape, sizeof shape);
  bool absurd = false;
  for (int i = 0; i < npy->rank; i++) {
    if (npy->dims[i] == 0)
      return chi_fail(CHI_ERR_INPUT, "%s: is empty (%s), expected a row per event", bytes->where,
                      shape);
    absurd = absurd || __builtin_mul_overflow(count, npy->dims[i], &count);
    if (i > 0) absurd = absurd || __builtin_mul_overflow(columns, npy->dims[i], &columns);
  }
  if (absurd || columns > INT_MAX)
    return chi_fail(CHI_ERR_INPUT, "%s: claims %s numbers, expected at most 2^31 - 1 per row",
                    bytes->where, shape);
  npy->rows = npy->dims[0];
  npy->columns = columns;
  const int64_t there = bytes->size - npy->data;
  const char *kind = npy->kind == 'f'   ? "float"
                     : npy->kind == 'i' ? "int"
                     : npy->kind == 'u' ? "uint"
                                        : "bool";
  if (there != count)
    return chi_fail(CHI_ERR_INPUT,
                    "%s: %s: %s of %s%d are %lld bytes, but the file has %lld after its head",
                    bytes->where, there < count ? "is cut short" : "is too long", shape, kind,
                    (int)npy->item * 8, (long long)count, (long long)there);
  return CHI_OK;
}

chi_status chi_npy_open(const chi_bytes *bytes, chi_npy *out)
{
  char *text = NULL;
  bool fortran = false;
  *out = (chi_npy){.item = 0};
  chi_status s = read_text(bytes, &text, &out->data);
  if (s == CHI_OK) s = parse(bytes, text, out, &fortran);
  if (s == CHI_OK) s = check_shape(bytes, out);
  out->by_columns = fortran && out->columns > 1;
  chi_free(text);
  return s;
}

static void swap_bytes(int64_t n, int64_t item, unsigned char *bytes)
{
  for (int64_t i = 0; i < n; i++, bytes += item)
    for (int64_t a = 0, b = item - 1; a < b; a++, b--) {
      const unsigned char byte = bytes[a];
      bytes[a] = bytes[b];
      bytes[b] = byte;
    }
}

#define DEFINE_WIDEN(name, type)                                     \
  static void name(int64_t n, const unsigned char *raw, double *out) \
  {                                                                  \
    for (int64_t i = 0; i < n; i++) {                                \
      type value;                                                    \
      memcpy(&value, raw + i * (int64_t)sizeof value, sizeof value); \
      out[i] = (double)value;                                        \
    }                                                                \
  }
DEFINE_WIDEN(widen_f4, float)
DEFINE_WIDEN(widen_i1, int8_t)
DEFINE_WIDEN(widen_i2, int16_t)
DEFINE_WIDEN(widen_i4, int32_t)
DEFINE_WIDEN(widen_i8, int64_t)
DEFINE_WIDEN(widen_u1, uint8_t)
DEFINE_WIDEN(widen_u2, uint16_t)
DEFINE_WIDEN(widen_u4, uint32_t)
DEFINE_WIDEN(widen_u8, uint64_t)

/* Make float64 of n numbers in place: they are the last n * item bytes of the 8 n at `out`. */
static void widen(const chi_npy *npy, int64_t n, double *out)
{
  typedef void widener(int64_t n, const unsigned char *raw, double *out);
  /* by the logarithm of the bytes */
  static widener *const of_float[] = {NULL, NULL, widen_f4, NULL};
  static widener *const of_integer[] = {widen_i1, widen_i2, widen_i4, widen_i8};
  static widener *const of_count[] = {widen_u1, widen_u2, widen_u4, widen_u8};
  unsigned char *raw = (unsigned char *)out + n * (8 - npy->item);
  if (npy->swapped) swap_bytes(n, npy->item, raw);
  if (npy->kind == 'f' && npy->item == 2) chi_half_widen(n, CHI_REAL64, out);
  widener *const *of = npy->kind == 'f' ? of_float : npy->kind == 'i' ? of_integer : of_count;
  widener *wide = of[__builtin_ctzll((unsigned long long)npy->item)];
  if (wide != NULL) wide(n, raw, out);
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
    s = bytes->read(bytes, npy->data + (c * npy->rows + row0) * npy->item, count * npy->item,
                    (unsigned char *)span + count * (8 - npy->item));
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
  CHI_TRY(bytes->read(bytes, npy->data + row0 * npy->columns * npy->item, count * npy->item,
                      (unsigned char *)out + count * (8 - npy->item)));
  widen(npy, count, out);
  return CHI_OK;
}
