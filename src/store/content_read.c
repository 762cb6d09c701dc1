/* Reading what a results file says of itself. */

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "chiasm/run.h"
#include "h5/box.h"
#include "h5/h5.h"
#include "store/content.h"

enum { MANY_GROUPS = 10000 };

/* One group while it is read. */
typedef struct reading {
  hid_t id;
  const char *where; /* for messages */
  const chi_schema *schema;
  unsigned variants;
  chi_group_content *g;
} reading;

/* The length of a dimension, which the first label along it says. */
static chi_status set_length(const reading *r, const chi_field *f, int d, int64_t found)
{
  int64_t *length = &r->g->length[f->dim[d]];
  if (*length < 0) *length = found;
  if (*length == found) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: %s has %lld labels, expected %lld", r->where, f->name,
                  (long long)found, (long long)*length);
}

static chi_status read_vector(const reading *r, const chi_field *f, void **out)
{
  int64_t n = 0;
  const hid_t types[] = {-1, H5T_NATIVE_INT32, H5T_NATIVE_FLOAT, H5T_NATIVE_DOUBLE};
  chi_status s = f->type == CHI_TEXT
                     ? chi_h5_read_strings(r->id, r->where, f->name, 1, &n, (char ***)out)
                     : chi_h5_read_vector(r->id, r->where, f->name, f->type == CHI_INT32,
                                          types[f->type], &n, out);
  if (s == CHI_OK && (s = set_length(r, f, 0, n)) != CHI_OK) {
    if (f->type == CHI_TEXT)
      chi_h5_free_strings((char ***)out, n);
    else
      chi_free(*out);
    *out = NULL;
  }
  return s;
}

static chi_status read_texts(const reading *r, const chi_field *f, void **out)
{
  int64_t dims[2];
  CHI_TRY(chi_h5_read_strings(r->id, r->where, f->name, 2, dims, (char ***)out));
  chi_status s = set_length(r, f, 0, dims[0]);
  if (s == CHI_OK) s = set_length(r, f, 1, dims[1]);
  if (s != CHI_OK) chi_h5_free_strings((char ***)out, dims[0] * dims[1]);
  return s;
}

/* A field's dataset, which must be what chi_store_make makes: of one size and type, and in one
 * block of the file. */
static chi_status open_field(const reading *r, const chi_field *f, chi_h5_dataset *set)
{
  CHI_TRY(chi_h5_open_dataset(r->id, r->where, "", f->name, set));
  const bool real = f->type == CHI_FLOAT32 || f->type == CHI_FLOAT64;
  bool fits = set->rank == f->rank && set->type_class == (real ? H5T_FLOAT : H5T_INTEGER) &&
              set->type_size == chi_field_bytes(f);
  for (int d = 0; d < f->rank && fits; d++) fits = set->dims[d] == r->g->length[f->dim[d]];
  if (!fits)
    return chi_fail(CHI_ERR_INPUT, "%s: %s has not the shape or type that chiasm %s gives it",
                    r->where, f->name, r->schema->stage);
  if (set->count > 0 && f->role != CHI_LABEL && H5Dget_offset(set->id) == HADDR_UNDEF)
    return chi_fail(CHI_ERR_INPUT, "%s: %s is not one block of the file", r->where, f->name);
  return CHI_OK;
}

static chi_status read_integers(const reading *r, const chi_field *f, void **out)
{
  chi_h5_dataset set;
  chi_status s = open_field(r, f, &set);
  if (s == CHI_OK) s = chi_alloc(set.count, chi_field_bytes(f), f->name, out);
  if (s == CHI_OK && set.count > 0 && chi_h5_read_whole(set.id, H5T_NATIVE_INT32, *out) < 0)
    s = chi_fail(CHI_ERR_INPUT, "%s: %s cannot be read (%s)", r->where, f->name, chi_h5_reason());
  chi_h5_close_dataset(&set);
  return s;
}

static chi_status check_field(const reading *r, const chi_field *f)
{
  chi_h5_dataset set;
  const chi_status s = open_field(r, f, &set);
  chi_h5_close_dataset(&set);
  return s;
}

static chi_status read_fields(const reading *r)
{
  for (int d = 0; d < CHI_SCHEMA_DIMS; d++) r->g->length[d] = -1;
  for (int i = 0; i < r->schema->n_fields; i++) {
    const chi_field *f = &r->schema->field[i];
    void **out = &r->g->label[i];
    if (!chi_field_in(f, r->variants)) continue;
    if (f->role != CHI_LABEL)
      CHI_TRY(check_field(r, f));
    else if (f->rank == 1)
      CHI_TRY(read_vector(r, f, out));
    else
      CHI_TRY(f->type == CHI_TEXT ? read_texts(r, f, out) : read_integers(r, f, out));
  }
  for (int d = 0; d < CHI_SCHEMA_DIMS; d++)
    if (r->g->length[d] < 0) r->g->length[d] = 0; /* no field of this variant is along it */
  return CHI_OK;
}

static chi_status read_block_length(const reading *r)
{
  hid_t attribute = -1, space = -1;
  hssize_t n = -1;
  if (H5Aexists(r->id, "block_length") > 0) attribute = H5Aopen(r->id, "block_length", H5P_DEFAULT);
  if (attribute >= 0) space = H5Aget_space(attribute);
  if (space >= 0) n = H5Sget_simple_extent_npoints(space);
  chi_status s = CHI_OK;
  if (n >= 0 && n <= INT32_MAX)
    s = chi_alloc(n, sizeof *r->g->block_length, "block lengths", &r->g->block_length);
  if (s == CHI_OK &&
      (r->g->block_length == NULL || H5Aread(attribute, H5T_NATIVE_INT32, r->g->block_length) < 0))
    s = chi_fail(CHI_ERR_INPUT, "%s: attribute block_length is missing or no list of integers",
                 r->where);
  if (s == CHI_OK) r->g->n_subjects = (int32_t)n;
  if (space >= 0) H5Sclose(space);
  if (attribute >= 0) H5Aclose(attribute);
  return s;
}

/* Which variant a file is, by the fields that tell them apart. */
static unsigned find_variants(const chi_schema *schema, hid_t group)
{
  unsigned variants = 0;
  for (int i = 0; i < schema->n_fields; i++)
    if (schema->field[i].variants != 0 && chi_h5_has(group, schema->field[i].name))
      variants |= schema->field[i].variants;
  if ((variants & CHI_WITH_REPLICATES) != 0) variants &= ~(unsigned)CHI_DROPPED;
  if (schema->n_records > 1 && (variants & CHI_DROPPED) == 0) variants |= CHI_WITH_REPLICATES;
  return variants;
}

static chi_status check_labels(const reading *r, const chi_content *content, int32_t a)
{
  char *stored = NULL, checksum[CHI_DIGEST_TEXT];
  CHI_TRY(chi_h5_attribute_text(r->id, r->where, "", "labels_checksum", &stored));
  chi_content_digest(content, a, content->config, content->study_checksum, checksum);
  const bool fits = stored != NULL && strcmp(stored, checksum) == 0;
  chi_free(stored);
  if (fits) return CHI_OK;
  return chi_fail(
      CHI_ERR_USAGE,
      "%s: its labels (sites, layers, ..., the options) do not fit their checksum: they "
      "are not what chiasm %s wrote; put an undamaged copy back, or --overwrite makes "
      "all of it again",
      r->where, r->schema->stage);
}

static chi_status read_group(hid_t file, const char *path, int32_t a, chi_content *content)
{
  char where[4096 + 256];
  chi_group_content *g = &content->group[a];
  reading r = {.where = where, .schema = content->schema, .g = g};
  snprintf(where, sizeof where, "%s: /%s", path, g->name);
  CHI_TRY(chi_h5_open_group(file, path, g->name, &r.id));
  if (a == 0) content->variants = find_variants(content->schema, r.id);
  r.variants = content->variants;
  chi_status s = read_fields(&r);
  if (s == CHI_OK && content->schema->drawn) s = read_block_length(&r);
  if (s == CHI_OK) s = check_labels(&r, content, a);
  if (s == CHI_OK) s = chi_content_index_subjects(content->schema, g);
  H5Gclose(r.id);
  return s;
}

static chi_status read_attributes(hid_t file, const char *path, chi_content *content)
{
  bool found = false;
  double format = 0;
  const struct {
    const char *name;
    char **out;
  } texts[] = {{"config", &content->config},
               {"study", &content->study},
               {"study_checksum", &content->study_checksum},
               {"run_blas_kernel", &content->kernel}};
  CHI_TRY(chi_h5_attribute_number(file, path, "/", "chiasm_format", &found, &format));
  if (!found)
    return chi_fail(CHI_ERR_USAGE, "%s: is no result of chiasm %s", path, content->schema->stage);
  if (format != CHI_RUN_FORMAT)
    return chi_fail(CHI_ERR_USAGE,
                    "%s: is of format %g, this chiasm reads format %d: go on with the version that "
                    "made it, or --overwrite",
                    path, format, CHI_RUN_FORMAT);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    CHI_TRY(chi_h5_attribute_text(file, path, "/", texts[i].name, texts[i].out));
    if (*texts[i].out == NULL)
      return chi_fail(CHI_ERR_INPUT, "%s: does not say how it was made: it has no attribute %s",
                      path, texts[i].name);
  }
  return CHI_OK;
}

chi_status chi_content_read(hid_t file, const char *path, chi_content *content)
{
  content->read = true;
  CHI_TRY(read_attributes(file, path, content));
  H5G_info_t info;
  if (H5Gget_info(file, &info) < 0 || info.nlinks > MANY_GROUPS)
    return chi_fail(CHI_ERR_INPUT, "%s: cannot be listed", path);
  CHI_TRY(chi_alloc((int64_t)info.nlinks, sizeof *content->group, "labels", &content->group));
  for (hsize_t i = 0; i < info.nlinks; i++) {
    char name[256];
    if (H5Lget_name_by_idx(file, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name,
                           H5P_DEFAULT) < 0)
      return chi_fail(CHI_ERR_INPUT, "%s: cannot be listed (%s)", path, chi_h5_reason());
    content->n_groups = (int32_t)i + 1;
    CHI_TRY(chi_strdup(name, &content->group[i].name));
    CHI_TRY(read_group(file, path, (int32_t)i, content));
  }
  return CHI_OK;
}
