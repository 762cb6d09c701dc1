/* Small datasets and attributes: what a catalog is made of. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "h5/box.h"
#include "h5/h5.h"
#include "h5/whole.h"

enum { TEXT_MAX = 1 << 16 }; /* bytes of one fixed-length string; no name comes near it */

const char *chi_h5_type_name(const chi_h5_dataset *dataset)
{
  static _Thread_local char text[32];
  static const char *const names[H5T_NCLASSES] = {[H5T_STRING] = "string",
                                                  [H5T_REFERENCE] = "reference",
                                                  [H5T_COMPOUND] = "compound",
                                                  [H5T_ENUM] = "enum"};
  const H5T_class_t c = dataset->type_class;
  if (c == H5T_FLOAT || c == H5T_INTEGER)
    snprintf(text, sizeof text, "%s%d", c == H5T_FLOAT ? "float" : "int",
             (int)dataset->type_size * 8);
  else
    snprintf(text, sizeof text, "%s", c < 0 || names[c] == NULL ? "another type" : names[c]);
  return text;
}

/* Whether a type is h5py's of truth values: 1 byte, FALSE and TRUE. */
static bool is_boolean(hid_t type)
{
  signed char no = -1, yes = -1;
  return H5Tget_class(type) == H5T_ENUM && H5Tget_size(type) == 1 && H5Tget_nmembers(type) == 2 &&
         H5Tenum_valueof(type, "FALSE", &no) >= 0 && H5Tenum_valueof(type, "TRUE", &yes) >= 0 &&
         no == 0 && yes == 1;
}

chi_status chi_h5_check_numbers(const chi_h5_dataset *dataset, const char *where,
                                const char *object)
{
  static const char *const codes[] = {"scale_factor", "add_offset", "_FillValue", "missing_value"};
  const H5T_class_t c = dataset->type_class;
  if (c != H5T_FLOAT && c != H5T_INTEGER && !is_boolean(dataset->type))
    return chi_fail(CHI_ERR_INPUT,
                    "%s: %s is %s, expected float16, float32, float64, integers or truth values",
                    where, object, chi_h5_type_name(dataset));
  for (size_t i = 0; c == H5T_INTEGER && i < sizeof codes / sizeof codes[0]; i++)
    if (H5Aexists(dataset->id, codes[i]) > 0)
      return chi_fail(CHI_ERR_INPUT,
                      "%s: %s is %s with an attribute %s, so that its integers stand for other "
                      "numbers; write these as floats",
                      where, object, chi_h5_type_name(dataset), codes[i]);
  return CHI_OK;
}

/* What a small dataset must be. */
typedef struct form {
  int rank;
  bool integers, reals; /* numbers that are accepted; neither: strings */
  int64_t size;         /* of an element in memory, bytes; 0: as in the file, and a pointer to it */
} form;

/* Open /name and make room for its elements: numbers, or pointers to strings. */
static chi_status open_small(hid_t group, const char *where, const char *name, const form *f,
                             chi_h5_dataset *d, void **out)
{
  *out = NULL;
  CHI_TRY(chi_h5_open_dataset(group, where, "/", name, d));
  const bool fits = d->type_class == H5T_INTEGER ? f->integers
                    : d->type_class == H5T_FLOAT ? f->reals
                                                 : d->type_class == H5T_STRING && !f->integers;
  const int64_t size = f->size > 0 ? f->size : d->type_size + (int64_t)sizeof(char *);
  const double bytes = (double)d->count * (double)size;
  chi_status s = CHI_OK;
  if (d->rank != f->rank)
    s = chi_fail(CHI_ERR_INPUT, "%s: /%s has %d dimensions, expected %d", where, name, d->rank,
                 f->rank);
  else if (!fits)
    s = chi_fail(CHI_ERR_INPUT, "%s: /%s is %s, expected %s", where, name, chi_h5_type_name(d),
                 f->reals      ? "float64"
                 : f->integers ? "int32"
                               : "strings");
  else if (bytes > (double)chi_memory_available()) /* a file of a few kB can claim it */
    s = chi_fail(CHI_ERR_INPUT, "%s: /%s claims %.3g bytes, more than memory can hold", where, name,
                 bytes);
  else
    s = chi_alloc(d->count, f->size > 0 ? f->size : (int64_t)sizeof(char *), name, out);
  if (s != CHI_OK) chi_h5_close_dataset(d);
  return s;
}

chi_status chi_h5_read_vector(hid_t group, const char *where, const char *name, bool integers,
                              hid_t memory_type, int64_t *n, void *out)
{
  const form f = {1, true, !integers, (int64_t)H5Tget_size(memory_type)};
  void *numbers;
  chi_h5_dataset d;
  *n = 0;
  chi_status s = open_small(group, where, name, &f, &d, &numbers);
  if (s == CHI_OK) {
    if (d.count > 0 && chi_h5_read_whole(d.id, memory_type, numbers) < 0)
      s = chi_fail(CHI_ERR_INPUT, "%s: /%s: HDF5 cannot read it (%s)", where, name,
                   chi_h5_reason());
    chi_h5_close_dataset(&d);
  }
  if (s == CHI_OK) {
    *n = d.count;
  } else {
    chi_free(numbers);
    numbers = NULL;
  }
  memcpy(out, &numbers, sizeof numbers);
  return s;
}

void chi_h5_free_strings(char ***strings, int64_t n)
{
  if (*strings == NULL) return;
  for (int64_t i = 0; i < n; i++) chi_free((*strings)[i]);
  chi_free(*strings);
  *strings = NULL;
}

/* All elements of a dataset or of an attribute. */
static herr_t read_all(hid_t id, hid_t memory_type, void *out)
{
  if (H5Iget_type(id) == H5I_ATTR) return H5Aread(id, memory_type, out);
  return chi_h5_read_whole(id, memory_type, out);
}

/* n strings of a checked dataset or attribute into `out`, which holds n NULLs. HDF5 does not
 * convert between character sets. */
static chi_status take_variable(hid_t id, hid_t type, hid_t space, int64_t n, char **out)
{
  char **raw = NULL;
  const hid_t memory_type = chi_h5_text_type(H5Tget_cset(type));
  chi_status status = chi_alloc(n, sizeof *raw, "strings", &raw);
  if (status == CHI_OK) {
    if (read_all(id, memory_type, raw) < 0) status = chi_fail(CHI_ERR_INPUT, "%s", chi_h5_reason());
    for (int64_t i = 0; i < n && status == CHI_OK; i++)
      status = chi_strdup(raw[i] == NULL ? "" : raw[i], &out[i]);
    H5Dvlen_reclaim(memory_type, space, H5P_DEFAULT, raw);
  }
  chi_free(raw);
  H5Tclose(memory_type);
  return status;
}

/* The same of strings of a fixed length, without their padding. */
static chi_status take_fixed(hid_t id, hid_t type, int64_t n, char **out)
{
  char *raw = NULL;
  const size_t size = H5Tget_size(type);
  const bool blanks = H5Tget_strpad(type) == H5T_STR_SPACEPAD;
  if (size == 0 || size > TEXT_MAX)
    return chi_fail(CHI_ERR_INPUT, "strings of %zu bytes, expected names", size);
  chi_status status = chi_alloc(n, (int64_t)size, "strings", &raw);
  if (status == CHI_OK && read_all(id, type, raw) < 0)
    status = chi_fail(CHI_ERR_INPUT, "%s", chi_h5_reason());
  for (int64_t i = 0; i < n && status == CHI_OK; i++) {
    const char *bytes = raw + (size_t)i * size;
    size_t length = strnlen(bytes, size);
    while (blanks && length > 0 && bytes[length - 1] == ' ') length--;
    status = chi_alloc((int64_t)length + 1, 1, "text", &out[i]);
    if (status == CHI_OK) memcpy(out[i], bytes, length);
  }
  chi_free(raw);
  return status;
}

static chi_status take_strings(hid_t id, hid_t type, hid_t space, int64_t n, char **out)
{
  if (H5Tis_variable_str(type) > 0) return take_variable(id, type, space, n, out);
  return take_fixed(id, type, n, out);
}

chi_status chi_h5_read_strings(hid_t group, const char *where, const char *name, int rank,
                               int64_t *dims, char ***out)
{
  const form f = {.rank = rank};
  void *strings;
  chi_h5_dataset d;
  memset(dims, 0, (size_t)rank * sizeof *dims);
  chi_status s = open_small(group, where, name, &f, &d, &strings);
  *out = strings;
  if (s != CHI_OK) return s;
  if (d.count > 0) {
    const hid_t space = H5Dget_space(d.id);
    s = take_strings(d.id, d.type, space, d.count, *out);
    if (s == CHI_ERR_INPUT)
      s = chi_fail(s, "%s: /%s: HDF5 cannot read it (%s)", where, name, chi_message());
    H5Sclose(space);
  }
  if (s == CHI_OK)
    memcpy(dims, d.dims, (size_t)rank * sizeof *dims);
  else
    chi_h5_free_strings(out, d.count);
  chi_h5_close_dataset(&d);
  return s;
}

typedef struct visit {
  int64_t n, room;
  char **name;
  chi_status status;
} visit;

static herr_t take_name(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
  visit *v = context;
  (void)group;
  (void)info;
  v->status = chi_grow(&v->name, &v->room, v->n + 1, sizeof *v->name, "names");
  if (v->status == CHI_OK) v->status = chi_strdup(name, &v->name[v->n]);
  v->n += v->status == CHI_OK;
  return v->status == CHI_OK ? 0 : 1;
}

chi_status chi_h5_list(hid_t group, const char *where, const char *name, bool *created, int64_t *n,
                       char ***out)
{
  visit v = {.status = CHI_OK};
  unsigned flags = 0;
  hsize_t at = 0;
  const hid_t creation = *created ? H5Gget_create_plist(group) : H5I_INVALID_HID;
  if (creation >= 0) {
    H5Pget_link_creation_order(creation, &flags);
    H5Pclose(creation);
  }
  *created = (flags & H5P_CRT_ORDER_TRACKED) != 0;
  if (H5Literate(group, *created ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME, H5_ITER_INC, &at, take_name,
                 &v) < 0)
    v.status =
        chi_fail(CHI_ERR_INPUT, "%s: %s: HDF5 cannot list it (%s)", where, name, chi_h5_reason());
  if (v.status != CHI_OK) chi_h5_free_strings(&v.name, v.n);
  *n = v.status == CHI_OK ? v.n : 0;
  *out = v.name;
  return v.status;
}

/* Read an attribute of one element, where there is one: as text, or else as a number. */
static chi_status read_attribute(hid_t object, const char *name, char **text, double *number)
{
  hid_t type = H5I_INVALID_HID, space = H5I_INVALID_HID;
  const hid_t id = H5Aopen(object, name, H5P_DEFAULT);
  if (id >= 0) type = H5Aget_type(id);
  if (id >= 0) space = H5Aget_space(id);
  const H5T_class_t c = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
  const int64_t n = space < 0 ? 0 : H5Sget_simple_extent_npoints(space);
  chi_status s = CHI_OK;
  if (type < 0 || space < 0)
    s = chi_fail(CHI_ERR_INPUT, ": HDF5 cannot read it (%s)", chi_h5_reason());
  else if (n != 1)
    s = chi_fail(CHI_ERR_INPUT, " has %lld values, expected one", (long long)n);
  else if (text != NULL && c != H5T_STRING)
    s = chi_fail(CHI_ERR_INPUT, " is not text");
  else if (text == NULL && c != H5T_INTEGER && c != H5T_FLOAT && c != H5T_ENUM)
    s = chi_fail(CHI_ERR_INPUT, " is not a number");
  else if (text == NULL && H5Aread(id, H5T_NATIVE_DOUBLE, number) < 0)
    s = chi_fail(CHI_ERR_INPUT, ": HDF5 cannot read it (%s)", chi_h5_reason());
  else if (text != NULL && (s = take_strings(id, type, space, 1, text)) == CHI_ERR_INPUT)
    s = chi_fail(s, ": HDF5 cannot read it (%s)", chi_message());
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  if (id >= 0) H5Aclose(id);
  return s;
}

chi_status chi_h5_attribute_text(hid_t object, const char *where, const char *object_name,
                                 const char *name, char **out)
{
  *out = NULL;
  if (H5Aexists(object, name) == 0) return CHI_OK;
  const chi_status s = read_attribute(object, name, out, NULL);
  if (s != CHI_ERR_INPUT) return s;
  return chi_fail(s, "%s: attribute %s of %s%s", where, name, object_name, chi_message());
}

chi_status chi_h5_attribute_number(hid_t object, const char *where, const char *object_name,
                                   const char *name, bool *found, double *value)
{
  *found = false;
  if (H5Aexists(object, name) == 0) return CHI_OK;
  const chi_status s = read_attribute(object, name, NULL, value);
  *found = s == CHI_OK;
  if (s != CHI_ERR_INPUT) return s;
  return chi_fail(s, "%s: attribute %s of %s%s", where, name, object_name, chi_message());
}

bool chi_h5_is_scale(hid_t object)
{
  char *text = NULL;
  const bool is = chi_h5_attribute_text(object, "", "", "CLASS", &text) == CHI_OK && text != NULL &&
                  strcmp(text, "DIMENSION_SCALE") == 0;
  chi_free(text);
  return is;
}
