/* Small datasets and attributes: what a catalog is made of. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "h5/h5.h"

enum { TEXT_MAX = 1 << 16 }; /* bytes of one fixed-length string; no name comes near it */

const char *chi_h5_type_name(const chi_h5_dataset *dataset)
{
  static _Thread_local char text[32];
  const int bits = (int)dataset->type_size * 8;
  switch (dataset->type_class) {
    case H5T_FLOAT:
      snprintf(text, sizeof text, "float%d", bits);
      break;
    case H5T_INTEGER:
      snprintf(text, sizeof text, "int%d", bits);
      break;
    case H5T_STRING:
      snprintf(text, sizeof text, "string");
      break;
    case H5T_REFERENCE:
      snprintf(text, sizeof text, "reference");
      break;
    case H5T_COMPOUND:
      snprintf(text, sizeof text, "compound");
      break;
    case H5T_ENUM:
      snprintf(text, sizeof text, "enum");
      break;
    default:
      snprintf(text, sizeof text, "another type");
      break;
  }
  return text;
}

/* A file of a few kB can claim, compressed or sparse, more than there is. */
static chi_status check_memory(int64_t count, int64_t size, const char *where, const char *name)
{
  const double bytes = (double)count * (double)size;
  if (bytes > (double)chi_memory_available())
    return chi_fail(CHI_ERR_INPUT, "%s: /%s claims %.3g bytes, more than memory can hold", where,
                    name, bytes);
  return CHI_OK;
}

chi_status chi_h5_read_vector(hid_t group, const char *where, const char *name, bool integers,
                              hid_t memory_type, int64_t *n, void *out)
{
  void *numbers = NULL;
  chi_h5_dataset d;
  memcpy(out, &numbers, sizeof numbers);
  *n = 0;
  CHI_TRY(chi_h5_open_dataset(group, where, "/", name, &d));
  chi_status status = CHI_OK;
  const int64_t size = (int64_t)H5Tget_size(memory_type);
  if (d.rank != 1)
    status = chi_fail(CHI_ERR_INPUT, "%s: /%s has %d dimensions, expected 1", where, name, d.rank);
  else if (d.type_class != H5T_INTEGER && (integers || d.type_class != H5T_FLOAT))
    status = chi_fail(CHI_ERR_INPUT, "%s: /%s is %s, expected %s", where, name,
                      chi_h5_type_name(&d), integers ? "int32" : "float64");
  if (status == CHI_OK) status = check_memory(d.count, size, where, name);
  if (status == CHI_OK) status = chi_alloc(d.count, size, name, &numbers);
  if (status == CHI_OK && d.count > 0 &&
      H5Dread(d.id, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers) < 0)
    status =
        chi_fail(CHI_ERR_INPUT, "%s: /%s: HDF5 cannot read it (%s)", where, name, chi_h5_reason());
  if (status == CHI_OK) {
    *n = d.count;
    memcpy(out, &numbers, sizeof numbers);
  } else {
    chi_free(numbers);
  }
  chi_h5_close_dataset(&d);
  return status;
}

/* A memory type for variable-length strings; HDF5 does not convert between character sets. */
static hid_t variable_text(hid_t file_type)
{
  const hid_t type = H5Tcopy(H5T_C_S1);
  if (type < 0) return type;
  if (H5Tset_size(type, H5T_VARIABLE) < 0 || H5Tset_cset(type, H5Tget_cset(file_type)) < 0) {
    H5Tclose(type);
    return H5I_INVALID_HID;
  }
  return type;
}

/* A fixed-length string of `size` bytes without its padding. */
static chi_status copy_fixed(const char *bytes, size_t size, H5T_str_t padding, char **out)
{
  size_t n = strnlen(bytes, size);
  if (padding == H5T_STR_SPACEPAD)
    while (n > 0 && bytes[n - 1] == ' ') n--;
  CHI_TRY(chi_alloc((int64_t)n + 1, 1, "text", out));
  memcpy(*out, bytes, n);
  return CHI_OK;
}

void chi_h5_free_strings(char ***strings, int64_t n)
{
  if (*strings == NULL) return;
  for (int64_t i = 0; i < n; i++) chi_free((*strings)[i]);
  chi_free(*strings);
  *strings = NULL;
}

/* Reads all elements of a dataset or attribute with H5Dread's or H5Aread's signature. */
typedef herr_t raw_read(hid_t id, hid_t memory_type, void *out);
static herr_t read_dataset(hid_t id, hid_t memory_type, void *out)
{
  return H5Dread(id, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out);
}
static herr_t read_attribute(hid_t id, hid_t memory_type, void *out)
{
  return H5Aread(id, memory_type, out);
}

/* n strings of a checked dataset or attribute into `out`, which holds n NULLs. */
static chi_status take_variable(hid_t id, raw_read *read, hid_t type, hid_t space, int64_t n,
                                char **out)
{
  char **raw = NULL;
  const hid_t memory_type = variable_text(type);
  if (memory_type < 0) return chi_fail(CHI_ERR_INPUT, "%s", chi_h5_reason());
  chi_status status = chi_alloc(n, sizeof *raw, "strings", &raw);
  if (status == CHI_OK) {
    if (read(id, memory_type, raw) < 0) status = chi_fail(CHI_ERR_INPUT, "%s", chi_h5_reason());
    for (int64_t i = 0; i < n && status == CHI_OK; i++)
      status = chi_strdup(raw[i] == NULL ? "" : raw[i], &out[i]);
    H5Dvlen_reclaim(memory_type, space, H5P_DEFAULT, raw);
  }
  chi_free(raw);
  H5Tclose(memory_type);
  return status;
}

static chi_status take_fixed(hid_t id, raw_read *read, hid_t type, int64_t n, char **out)
{
  char *raw = NULL;
  const size_t size = H5Tget_size(type);
  if (size == 0 || size > TEXT_MAX)
    return chi_fail(CHI_ERR_INPUT, "strings of %zu bytes, expected names", size);
  chi_status status = chi_alloc(n, (int64_t)size, "strings", &raw);
  if (status == CHI_OK && read(id, type, raw) < 0)
    status = chi_fail(CHI_ERR_INPUT, "%s", chi_h5_reason());
  for (int64_t i = 0; i < n && status == CHI_OK; i++)
    status = copy_fixed(raw + (size_t)i * size, size, H5Tget_strpad(type), &out[i]);
  chi_free(raw);
  return status;
}

static chi_status take_strings(hid_t id, raw_read *read, hid_t type, hid_t space, int64_t n,
                               char **out)
{
  if (H5Tis_variable_str(type) > 0) return take_variable(id, read, type, space, n, out);
  return take_fixed(id, read, type, n, out);
}

/* All strings of a dataset of `rank` dimensions, one or two. */
static chi_status read_strings(hid_t group, const char *where, const char *name, int rank,
                               int64_t dims[2], char ***out)
{
  chi_h5_dataset d;
  hid_t space = H5I_INVALID_HID;
  *out = NULL;
  dims[0] = dims[1] = 0;
  CHI_TRY(chi_h5_open_dataset(group, where, "/", name, &d));
  chi_status status = CHI_OK;
  if (d.rank != rank)
    status = chi_fail(CHI_ERR_INPUT, "%s: /%s has %d dimensions, expected %d", where, name, d.rank,
                      rank);
  else if (d.type_class != H5T_STRING)
    status = chi_fail(CHI_ERR_INPUT, "%s: /%s is %s, expected strings", where, name,
                      chi_h5_type_name(&d));
  if (status == CHI_OK) status = check_memory(d.count, d.type_size + 8, where, name);
  if (status == CHI_OK) status = chi_alloc(d.count, sizeof **out, name, out);
  if (status == CHI_OK && d.count > 0) {
    space = H5Dget_space(d.id);
    status = take_strings(d.id, read_dataset, d.type, space, d.count, *out);
    if (status == CHI_ERR_INPUT)
      status = chi_fail(status, "%s: /%s: HDF5 cannot read it (%s)", where, name, chi_message());
  }
  if (space >= 0) H5Sclose(space);
  if (status == CHI_OK)
    memcpy(dims, d.dims, 2 * sizeof *dims);
  else
    chi_h5_free_strings(out, d.count);
  chi_h5_close_dataset(&d);
  return status;
}

chi_status chi_h5_read_strings(hid_t group, const char *where, const char *name, int64_t *n,
                               char ***out)
{
  int64_t dims[2];
  const chi_status status = read_strings(group, where, name, 1, dims, out);
  *n = dims[0];
  return status;
}

chi_status chi_h5_read_string_table(hid_t group, const char *where, const char *name,
                                    int64_t dims[2], char ***out)
{
  return read_strings(group, where, name, 2, dims, out);
}

/* Open an attribute of one element; *id stays invalid where there is none. */
static chi_status open_attribute(hid_t object, const char *where, const char *object_name,
                                 const char *name, hid_t *id, hid_t *type, hid_t *space)
{
  *id = *type = *space = H5I_INVALID_HID;
  const htri_t there = H5Aexists(object, name);
  if (there == 0) return CHI_OK;
  if (there > 0) *id = H5Aopen(object, name, H5P_DEFAULT);
  if (*id >= 0) *type = H5Aget_type(*id);
  if (*id >= 0) *space = H5Aget_space(*id);
  if (*id < 0 || *type < 0 || *space < 0)
    return chi_fail(CHI_ERR_INPUT, "%s: attribute %s of %s: HDF5 cannot read it (%s)", where, name,
                    object_name, chi_h5_reason());
  if (H5Sget_simple_extent_npoints(*space) != 1)
    return chi_fail(CHI_ERR_INPUT, "%s: attribute %s of %s has %lld values, expected one", where,
                    name, object_name, (long long)H5Sget_simple_extent_npoints(*space));
  return CHI_OK;
}

static void close_attribute(hid_t id, hid_t type, hid_t space)
{
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  if (id >= 0) H5Aclose(id);
}

chi_status chi_h5_attribute_text(hid_t object, const char *where, const char *object_name,
                                 const char *name, char **out)
{
  hid_t id, type, space;
  *out = NULL;
  chi_status status = open_attribute(object, where, object_name, name, &id, &type, &space);
  if (status == CHI_OK && id >= 0) {
    if (H5Tget_class(type) != H5T_STRING)
      status =
          chi_fail(CHI_ERR_INPUT, "%s: attribute %s of %s is not text", where, name, object_name);
    else
      status = take_strings(id, read_attribute, type, space, 1, out);
    if (status == CHI_ERR_INPUT && H5Tget_class(type) == H5T_STRING)
      status = chi_fail(status, "%s: attribute %s of %s: HDF5 cannot read it (%s)", where, name,
                        object_name, chi_message());
  }
  close_attribute(id, type, space);
  return status;
}

chi_status chi_h5_attribute_number(hid_t object, const char *where, const char *object_name,
                                   const char *name, bool *found, double *value)
{
  hid_t id, type, space;
  *found = false;
  chi_status status = open_attribute(object, where, object_name, name, &id, &type, &space);
  if (status == CHI_OK && id >= 0) {
    const H5T_class_t type_class = H5Tget_class(type);
    if (type_class != H5T_INTEGER && type_class != H5T_FLOAT && type_class != H5T_ENUM)
      status = chi_fail(CHI_ERR_INPUT, "%s: attribute %s of %s is not a number", where, name,
                        object_name);
    else if (H5Aread(id, H5T_NATIVE_DOUBLE, value) < 0)
      status = chi_fail(CHI_ERR_INPUT, "%s: attribute %s of %s: HDF5 cannot read it (%s)", where,
                        name, object_name, chi_h5_reason());
    else
      *found = true;
  }
  close_attribute(id, type, space);
  return status;
}
