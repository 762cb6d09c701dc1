/* The head of an .npy file: magic bytes, version, length, and a Python dictionary of three entries,
 * e.g. {'descr': '<f4', 'fortran_order': False, 'shape': (60000, 512), } */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "import/npy.h"

enum { MAGIC = 8, TEXT_MAX = 1 << 16 }; /* NumPy itself reads no longer head than 10,000 */

static chi_status bad(const chi_bytes *bytes, const char *what)
{
  return chi_fail(CHI_ERR_INPUT, "%s: the head of this .npy is damaged: %s", bytes->where, what);
}

/* A place in the dictionary's text, which ends with a NUL. */
typedef struct cursor {
  const char *at;
} cursor;

static bool take(cursor *c, char wanted)
{
  while (*c->at == ' ' || *c->at == '\t' || *c->at == '\n') c->at++;
  if (*c->at != wanted) return false;
  c->at++;
  return true;
}

/* A string in either kind of quotes, without escapes. */
static bool take_string(cursor *c, char *out, size_t room)
{
  const char quote = take(c, '\'') ? '\'' : take(c, '"') ? '"' : '\0';
  if (quote == '\0') return false;
  size_t n = 0;
  while (*c->at != quote && *c->at != '\0' && n + 1 < room) out[n++] = *c->at++;
  out[n] = '\0';
  return *c->at++ == quote;
}

static bool take_word(cursor *c, const char *word)
{
  while (*c->at == ' ') c->at++;
  const size_t n = strlen(word);
  if (strncmp(c->at, word, n) != 0) return false;
  c->at += n;
  return true;
}

static bool take_count(cursor *c, int64_t *out)
{
  while (*c->at == ' ') c->at++;
  if (!isdigit((unsigned char)*c->at)) return false;
  *out = 0;
  for (; isdigit((unsigned char)*c->at); c->at++)
    if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, *c->at - '0', out))
      return false;
  if (*c->at == 'L') c->at++; /* written by Python 2 */
  return true;
}

/* (), (5,), (5, 3), ... */
static bool take_shape(cursor *c, chi_npy *npy)
{
  npy->rank = 0;
  if (!take(c, '(')) return false;
  while (!take(c, ')')) {
    if (npy->rank == CHI_NPY_MAX_RANK || !take_count(c, &npy->dims[npy->rank])) return false;
    npy->rank++;
    if (!take(c, ',')) return take(c, ')');
  }
  return true;
}

/* '<f4' and its kind: byte order, class, bytes. */
static chi_status take_type(const chi_bytes *bytes, const char *type, chi_npy *npy)
{
  static const char *const known[] = {"f2", "f4", "f8"};
  const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
  for (int i = 0; i < 3; i++) {
    if (type[0] == '\0' || strcmp(type + 1, known[i]) != 0) continue;
    if (strchr("<>=", type[0]) == NULL) break;
    npy->item = 2 << i;
    npy->swapped = type[0] == (little ? '>' : '<');
    return CHI_OK;
  }
  return chi_fail(CHI_ERR_INPUT,
                  "%s: holds numbers of type %.20s, expected float16, float32 or float64 (f2, f4, "
                  "f8); convert them with NumPy's astype",
                  bytes->where, type);
}

/* One `'key': value`. \param[in,out] seen  bits of the keys that were there */
static chi_status take_entry(const chi_bytes *bytes, cursor *c, chi_npy *npy, bool *fortran,
                             unsigned *seen)
{
  char key[32], type[64];
  unsigned bit = 0;
  if (!take_string(c, key, sizeof key) || !take(c, ':')) return bad(bytes, "no dictionary");
  if (strcmp(key, "descr") == 0) {
    bit = 1;
    if (!take_string(c, type, sizeof type))
      return chi_fail(CHI_ERR_INPUT,
                      "%s: holds records, expected an array of float16, float32 or float64",
                      bytes->where);
    CHI_TRY(take_type(bytes, type, npy));
  } else if (strcmp(key, "fortran_order") == 0) {
    bit = 2;
    *fortran = take_word(c, "True");
    if (!*fortran && !take_word(c, "False")) return bad(bytes, "fortran_order");
  } else if (strcmp(key, "shape") == 0) {
    bit = 4;
    if (!take_shape(c, npy)) return bad(bytes, "shape");
  }
  if (bit == 0 || (*seen & bit) != 0) return bad(bytes, "an unknown or repeated key");
  *seen |= bit;
  return CHI_OK;
}

static chi_status parse(const chi_bytes *bytes, const char *text, chi_npy *npy, bool *fortran)
{
  cursor c = {text};
  unsigned seen = 0;
  if (!take(&c, '{')) return bad(bytes, "no dictionary");
  while (!take(&c, '}')) {
    CHI_TRY(take_entry(bytes, &c, npy, fortran, &seen));
    if (take(&c, ',')) continue;
    if (!take(&c, '}')) return bad(bytes, "no dictionary");
    break;
  }
  if (seen != 7) return bad(bytes, "descr, fortran_order or shape is missing");
  return CHI_OK;
}

/* The dictionary's text; free with chi_free. \param[out] data  where it ends */
static chi_status read_text(const chi_bytes *bytes, char **text, int64_t *data)
{
  unsigned char head[12] = {0};
  if (bytes->size >= MAGIC) CHI_TRY(bytes->read(bytes->context, 0, MAGIC, head));
  if (bytes->size < MAGIC || memcmp(head, "\x93NUMPY", 6) != 0)
    return chi_fail(CHI_ERR_INPUT, "%s: is no .npy file", bytes->where);
  if (head[6] < 1 || head[6] > 3)
    return chi_fail(CHI_ERR_INPUT, "%s: is .npy of version %d, expected 1 to 3", bytes->where,
                    head[6]);
  const int64_t width = head[6] == 1 ? 2 : 4;
  if (bytes->size < MAGIC + width) return bad(bytes, "it is cut short");
  CHI_TRY(bytes->read(bytes->context, MAGIC, width, head + MAGIC));
  int64_t n = 0;
  for (int64_t i = width; i-- > 0;) n = n << 8 | head[MAGIC + i];
  if (n > TEXT_MAX) return bad(bytes, "it is absurdly long");
  *data = MAGIC + width + n;
  if (*data > bytes->size) return bad(bytes, "it is cut short");
  CHI_TRY(chi_alloc(n + 1, 1, "head of an .npy file", text));
  return bytes->read(bytes->context, MAGIC + width, n, *text);
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
  if (there != count)
    return chi_fail(CHI_ERR_INPUT,
                    "%s: %s: %s of float%d are %lld bytes, but the file has %lld after its head",
                    bytes->where, there < count ? "is cut short" : "is too long", shape,
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
