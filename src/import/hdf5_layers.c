#include "import/hdf5_layers.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

enum { NAME_ROOM = 256 };

/* The next component of a path, slashes skipped. \return false at its end, or if it is too long */
static bool next_name(const char **path, char name[NAME_ROOM])
{
  *path += strspn(*path, "/");
  const size_t n = strcspn(*path, "/");
  if (n == 0 || n >= NAME_ROOM) return false;
  memcpy(name, *path, n);
  name[n] = '\0';
  *path += n;
  return true;
}

/* The last component of a path. */
typedef struct place {
  char prefix[NAME_ROOM], name[NAME_ROOM]; /* "/a/" and "b"; "/" and "" for the root itself */
  hid_t parent;                            /* the group that holds it; close with H5Gclose */
} place;

static chi_status find_place(hid_t file, const char *where, const char *path, place *p)
{
  char next[NAME_ROOM];
  *p = (place){.prefix = "/", .parent = H5Gopen2(file, "/", H5P_DEFAULT)};
  if (p->parent < 0)
    return chi_fail(CHI_ERR_INPUT, "%s: HDF5 cannot open / (%s)", where, chi_h5_reason());
  if (!next_name(&path, p->name)) return CHI_OK;
  while (next_name(&path, next)) {
    hid_t inner;
    const chi_status s = chi_h5_open_group(p->parent, where, p->name, &inner);
    H5Gclose(p->parent);
    p->parent = inner;
    if (s != CHI_OK) return s;
    const size_t n = strlen(p->prefix);
    snprintf(p->prefix + n, NAME_ROOM - n, "%s/", p->name);
    memcpy(p->name, next, NAME_ROOM);
  }
  return CHI_OK;
}

/* Whether a name in a group is a hard link to a group. */
static bool is_group(hid_t parent, const char *name)
{
  H5L_info_t link;
  H5O_info_t object;
  return chi_h5_has(parent, name) && H5Lget_info(parent, name, &link, H5P_DEFAULT) >= 0 &&
         link.type == H5L_TYPE_HARD &&
         H5Oget_info_by_name2(parent, name, &object, H5O_INFO_BASIC, H5P_DEFAULT) >= 0 &&
         object.type == H5O_TYPE_GROUP;
}

static bool is_scale(hid_t dataset, const char *where)
{
  char *text = NULL;
  const bool is = chi_h5_attribute_text(dataset, where, "", "CLASS", &text) == CHI_OK &&
                  text != NULL && strcmp(text, "DIMENSION_SCALE") == 0;
  chi_free(text);
  return is;
}

typedef struct visit {
  const char *file, *prefix; /* "/", "/a/" */
  chi_layers *layers;
  chi_status status;
} visit;

static herr_t take_child(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
  (void)info;
  visit *v = context;
  chi_h5_dataset d;
  char object[3 * NAME_ROOM];
  if (snprintf(object, sizeof object, "%s%s", v->prefix, name) >= (int)sizeof object)
    v->status = chi_fail(CHI_ERR_INPUT, "%s: %.200s: this name is too long", v->file, object);
  else
    v->status = chi_h5_open_dataset(group, v->file, v->prefix, name, &d);
  if (v->status != CHI_OK) return 1;
  if (!is_scale(d.id, v->file))
    v->status = chi_layers_add(v->layers, CHI_LAYER_HDF5, v->file, object, 0, name);
  chi_h5_close_dataset(&d);
  return v->status == CHI_OK ? 0 : 1;
}

static chi_status add_children(hid_t group, const char *file, const char *prefix,
                               chi_layers *layers)
{
  visit v = {.file = file, .prefix = prefix, .layers = layers, .status = CHI_OK};
  unsigned flags = 0;
  hsize_t at = 0;
  const int64_t first = layers->n;
  const hid_t creation = H5Gget_create_plist(group);
  if (creation >= 0) {
    H5Pget_link_creation_order(creation, &flags);
    H5Pclose(creation);
  }
  const bool ordered = (flags & H5P_CRT_ORDER_TRACKED) != 0;
  if (H5Literate(group, ordered ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME, H5_ITER_INC, &at, take_child,
                 &v) < 0)
    return chi_fail(CHI_ERR_INPUT, "%s: %s: HDF5 cannot list it (%s)", file, prefix,
                    chi_h5_reason());
  CHI_TRY(v.status);
  if (layers->n == first)
    return chi_fail(CHI_ERR_INPUT, "%s: %s is empty, expected datasets", file, prefix);
  if (!ordered) chi_layers_sort_natural(layers, first);
  return CHI_OK;
}

static chi_status add_group(const char *file, const place *p, chi_layers *layers)
{
  hid_t group;
  char prefix[2 * NAME_ROOM];
  CHI_TRY(chi_h5_open_group(p->parent, file, p->name, &group));
  snprintf(prefix, sizeof prefix, "%s%s/", p->prefix, p->name);
  const chi_status s = add_children(group, file, prefix, layers);
  H5Gclose(group);
  return s;
}

static chi_status add_dataset(const char *file, const place *p, chi_layers *layers)
{
  chi_h5_dataset d;
  char object[2 * NAME_ROOM];
  CHI_TRY(chi_h5_open_dataset(p->parent, file, p->prefix, p->name, &d));
  chi_h5_close_dataset(&d);
  snprintf(object, sizeof object, "%s%s", p->prefix, p->name);
  return chi_layers_add(layers, CHI_LAYER_HDF5, file, object, 0, p->name);
}

/* Under the lock. */
static chi_status add_object(hid_t file, const char *where, const char *object, chi_layers *layers)
{
  place p;
  chi_status s = find_place(file, where, object, &p);
  if (s != CHI_OK) return s; /* closing the file closes what is open in it */
  if (p.name[0] == '\0')
    s = add_children(p.parent, where, "/", layers);
  else if (is_group(p.parent, p.name))
    s = add_group(where, &p, layers);
  else
    s = add_dataset(where, &p, layers);
  H5Gclose(p.parent);
  return s;
}

chi_status chi_hdf5_layers_add(const char *path, const char *object, chi_layers *layers)
{
  hid_t file;
  if (strlen(object) >= NAME_ROOM)
    return chi_fail(CHI_ERR_INPUT, "%s: %.200s...: this path is too long", path, object);
  chi_h5_lock();
  chi_status s = chi_h5_open_read(path, path, &file);
  if (s == CHI_OK) {
    s = add_object(file, path, object, layers);
    H5Fclose(file);
  }
  chi_h5_unlock();
  return s;
}

static chi_status check_dataset(const chi_layer_file *layer, const chi_h5_dataset *d)
{
  if (d->rank < 1)
    return chi_fail(CHI_ERR_INPUT, "%s: holds one number, expected an array of a row per event",
                    layer->where);
  if (d->type_class != H5T_FLOAT)
    return chi_fail(CHI_ERR_INPUT, "%s: is %s, expected float16, float32 or float64", layer->where,
                    chi_h5_type_name(d));
  if (d->count < 1)
    return chi_fail(CHI_ERR_INPUT, "%s: is empty, expected a row per event", layer->where);
  if (d->count / d->dims[0] > INT_MAX)
    return chi_fail(CHI_ERR_INPUT, "%s: has %lld features, expected 1 to 2^31 - 1", layer->where,
                    (long long)(d->count / d->dims[0]));
  return CHI_OK;
}

/* Under the lock. */
static chi_status open_numbers(hid_t file, const chi_layer_file *layer, chi_numbers *numbers)
{
  place p;
  chi_h5_dataset d;
  CHI_TRY(find_place(file, layer->path, layer->object, &p));
  chi_status s = chi_h5_open_dataset(p.parent, layer->path, p.prefix, p.name, &d);
  H5Gclose(p.parent);
  CHI_TRY(s);
  s = check_dataset(layer, &d);
  if (s == CHI_OK) s = chi_numbers_take(layer->path, layer->object, file, &d, numbers);
  if (s != CHI_OK) chi_h5_close_dataset(&d);
  return s;
}

chi_status chi_hdf5_layer_open(const chi_layer_file *layer, chi_numbers *numbers)
{
  hid_t file;
  chi_h5_lock();
  chi_status s = chi_h5_open_read(layer->path, layer->path, &file);
  if (s == CHI_OK) {
    s = open_numbers(file, layer, numbers);
    if (s != CHI_OK) H5Fclose(file);
  }
  chi_h5_unlock();
  return s;
}
