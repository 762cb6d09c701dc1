#include "import/hdf5.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "import/formats.h"

bool chi_object_is(hid_t parent, const char *name, H5O_type_t type)
{
  H5L_info_t link;
  H5O_info_t info;
  return chi_h5_has(parent, name) && H5Lget_info(parent, name, &link, H5P_DEFAULT) >= 0 &&
         link.type == H5L_TYPE_HARD &&
         H5Oget_info_by_name2(parent, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) >= 0 &&
         info.type == type;
}

chi_status chi_object_find(hid_t file, const char *where, const char *path, chi_object *out)
{
  *out = (chi_object){.parent = file, .prefix = "/"};
  if (strlen(path) >= CHI_OBJECT_PATH - 2)
    return chi_fail(CHI_ERR_INPUT, "%s: %.200s...: this path is too long", where, path);
  size_t n_prefix = 1;
  for (path += strspn(path, "/"); *path != '\0'; path += strspn(path, "/")) {
    const size_t n = strcspn(path, "/");
    if (n >= CHI_OBJECT_NAME)
      return chi_fail(CHI_ERR_INPUT, "%s: %.200s...: this name is too long", where, path);
    if (out->name[0] != '\0') {
      CHI_TRY(chi_h5_open_group(out->parent, where, out->name, &out->parent));
      n_prefix += (size_t)sprintf(out->prefix + n_prefix, "%s/", out->name);
    }
    snprintf(out->name, n + 1, "%s", path);
    path += n;
  }
  out->is_group = out->name[0] == '\0' || chi_object_is(out->parent, out->name, H5O_TYPE_GROUP);
  return CHI_OK;
}

chi_status chi_object_list_open(const chi_object *object, const char *where, chi_object_list *out)
{
  const bool root = object->name[0] == '\0';
  *out = (chi_object_list){.group = object->parent, .created = true};
  snprintf(out->prefix, sizeof out->prefix, "%s%s%s", object->prefix, object->name,
           root ? "" : "/");
  if (!root) CHI_TRY(chi_h5_open_group(object->parent, where, object->name, &out->group));
  return chi_h5_list(out->group, where, out->prefix, &out->created, &out->n, &out->name);
}

void chi_object_list_free(chi_object_list *list) { chi_h5_free_strings(&list->name, list->n); }

static chi_status add_dataset(const char *path, hid_t group, const char *prefix, const char *name,
                              bool scales, chi_layer_files *files)
{
  chi_h5_dataset d;
  char object[CHI_OBJECT_PATH + CHI_OBJECT_NAME];
  if (snprintf(object, sizeof object, "%s%s", prefix, name) >= (int)sizeof object)
    return chi_fail(CHI_ERR_INPUT, "%s: %.200s: this name is too long", path, object);
  CHI_TRY(chi_h5_open_dataset(group, path, prefix, name, &d));
  const bool wanted = scales || !chi_h5_is_scale(d.id);
  chi_h5_close_dataset(&d);
  return wanted ? chi_layer_files_add(files, CHI_LAYER_HDF5, path, object, 0, name) : CHI_OK;
}

static chi_status add_group(const char *path, const chi_object *at, chi_layer_files *files)
{
  chi_object_list list;
  const int64_t first = files->n;
  chi_status s = chi_object_list_open(at, path, &list);
  for (int64_t i = 0; i < list.n && s == CHI_OK; i++)
    s = add_dataset(path, list.group, list.prefix, list.name[i], false, files);
  if (s == CHI_OK && files->n == first)
    s = chi_fail(CHI_ERR_INPUT, "%s: %s is empty, expected datasets", path, list.prefix);
  if (s == CHI_OK && !list.created) chi_layer_files_sort(files, first, CHI_ORDER_NATURAL);
  chi_object_list_free(&list);
  return s;
}

/* Under the lock. Closing the file closes what is open in it. */
static chi_status list_object(hid_t file, const char *path, const char *object,
                              chi_layer_files *files)
{
  chi_object at;
  CHI_TRY(chi_object_find(file, path, object, &at));
  return at.is_group ? add_group(path, &at, files)
                     : add_dataset(path, at.parent, at.prefix, at.name, true, files);
}

chi_status chi_hdf5_layers_list(const char *path, const char *object, chi_layer_files *files)
{
  hid_t file;
  chi_h5_lock();
  chi_status s = chi_h5_open_read(path, path, &file);
  if (s == CHI_OK) {
    s = list_object(file, path, object, files);
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
  chi_object at;
  chi_h5_dataset d;
  CHI_TRY(chi_object_find(file, layer->path, layer->object, &at));
  CHI_TRY(chi_h5_open_dataset(at.parent, layer->path, at.prefix, at.name, &d));
  chi_status s = check_dataset(layer, &d);
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
