#include "import/hdf5.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "h5/box.h"
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

/* A search for layers through a group and the groups in it. */
typedef struct listing {
  const char *path; /* of the file */
  chi_layer_files *files;
  size_t n_top;    /* bytes of the prefix of the group that was asked for */
  int64_t visited; /* groups: they may hold each other */
  bool created;    /* all of them know the order of creation */
} listing;

enum { MOST_GROUPS = 10000, MOST_DEEP = 16 };

static chi_status add_layer(const char *path, const char *prefix, const char *name, size_t n_top,
                            chi_layer_files *files)
{
  char object[CHI_OBJECT_PATH + CHI_OBJECT_NAME];
  if (snprintf(object, sizeof object, "%s%s", prefix, name) >= (int)sizeof object)
    return chi_fail(CHI_ERR_INPUT, "%s: %.200s: this name is too long", path, object);
  return chi_layer_files_add(files, CHI_LAYER_HDF5, path, object, 0, object + n_top);
}

static bool is_scale(hid_t group, const char *name)
{
  if (!chi_object_is(group, name, H5O_TYPE_DATASET)) return false;
  const hid_t object = H5Oopen(group, name, H5P_DEFAULT);
  const bool is = object >= 0 && chi_h5_is_scale(object);
  if (object >= 0) H5Oclose(object);
  return is;
}

/* A dataset of a group; what is no array of numbers is left out. */
static chi_status add_dataset(listing *l, const chi_object_list *list, const char *name)
{
  chi_h5_dataset d;
  const char *why = "the labels of a dimension";
  bool wanted = !is_scale(list->group, name);
  if (wanted) {
    CHI_TRY(chi_h5_open_dataset(list->group, l->path, list->prefix, name, &d));
    char *class = NULL; /* MATLAB's: texts are integers, too */
    chi_status s = chi_h5_attribute_text(d.id, l->path, name, "MATLAB_class", &class);
    if (s == CHI_OK && (d.type_class == H5T_STRING || d.type_class == H5T_REFERENCE ||
                        (class != NULL && strcmp(class, "char") == 0))) {
      why = chi_h5_type_name(&d);
      wanted = false;
      chi_text_add_line(&l->files->left_out, "%s:%s%s, which is %s", l->path, list->prefix, name,
                        class != NULL ? class : why);
    }
    chi_free(class);
    chi_h5_close_dataset(&d);
    return s == CHI_OK && wanted ? add_layer(l->path, list->prefix, name, l->n_top, l->files) : s;
  }
  chi_text_add_line(&l->files->left_out, "%s:%s%s, %s", l->path, list->prefix, name, why);
  return CHI_OK;
}

static chi_status add_group(listing *l, const chi_object *at, int deep);

static chi_status add_inner(listing *l, const chi_object_list *list, const char *name, int deep)
{
  chi_object inner = {.parent = list->group};
  const size_t n_prefix = strlen(list->prefix), n = strlen(name);
  if (n_prefix >= sizeof inner.prefix || n >= sizeof inner.name)
    return chi_fail(CHI_ERR_INPUT, "%s: %.200s: this name is too long", l->path, list->prefix);
  memcpy(inner.prefix, list->prefix, n_prefix);
  memcpy(inner.name, name, n);
  return add_group(l, &inner, deep + 1);
}

static chi_status add_group(listing *l, const chi_object *at, int deep)
{
  chi_object_list list;
  if (deep > MOST_DEEP || ++l->visited > MOST_GROUPS)
    return chi_fail(CHI_ERR_INPUT, "%s: %s%s: has too many groups within groups", l->path,
                    at->prefix, at->name);
  chi_status s = chi_object_list_open(at, l->path, &list);
  l->created = l->created && list.created;
  if (deep == 0) l->n_top = strlen(list.prefix);
  for (int64_t i = 0; i < list.n && s == CHI_OK; i++) {
    if (list.name[i][0] == '#') continue; /* MATLAB's own: #refs#, #subsystem# */
    s = chi_object_is(list.group, list.name[i], H5O_TYPE_GROUP)
            ? add_inner(l, &list, list.name[i], deep)
            : add_dataset(l, &list, list.name[i]);
  }
  chi_object_list_free(&list);
  return s;
}

/* Under the lock. Closing the file closes what is open in it. */
static chi_status list_object(hid_t file, const char *path, const char *object,
                              chi_layer_files *files)
{
  chi_object at;
  listing l = {.path = path, .files = files, .created = true};
  const int64_t first = files->n;
  CHI_TRY(chi_object_find(file, path, object, &at));
  if (!at.is_group) {
    chi_h5_dataset d;
    CHI_TRY(chi_h5_open_dataset(at.parent, path, at.prefix, at.name, &d));
    chi_h5_close_dataset(&d);
    return add_layer(path, at.prefix, at.name, strlen(at.prefix), files);
  }
  CHI_TRY(add_group(&l, &at, 0));
  if (files->n == first)
    return chi_fail(CHI_ERR_INPUT, "%s: %s%s is empty, expected datasets", path, at.prefix,
                    at.name);
  if (!l.created) chi_layer_files_sort(files, first, CHI_ORDER_NATURAL);
  return CHI_OK;
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
  if (d->count < 1)
    return chi_fail(CHI_ERR_INPUT, "%s: is empty, expected a row per event", layer->where);
  if (d->count / d->dims[0] > INT_MAX)
    return chi_fail(CHI_ERR_INPUT, "%s: has %lld features, expected 1 to 2^31 - 1", layer->where,
                    (long long)(d->count / d->dims[0]));
  return CHI_OK;
}

/* MATLAB's dimensions stand the other way round in HDF5. */
static chi_status choose_axis(const chi_layer_file *layer, const chi_h5_dataset *d,
                              int64_t n_events, chi_event_axis axis, bool *turned)
{
  const bool matlab = H5Aexists(d->id, "MATLAB_class") > 0;
  const int64_t first = d->dims[matlab ? d->rank - 1 : 0];
  const int64_t last = d->dims[matlab ? 0 : d->rank - 1];
  *turned = d->rank > 1 && matlab == (axis != CHI_AXIS_LAST);
  if (!matlab || axis != CHI_AXIS_AUTO || d->rank == 1) return CHI_OK;
  if (first == last && first == n_events)
    return chi_fail(CHI_ERR_INPUT,
                    "%s: both its first and its last dimension are %lld long, as many as there are "
                    "events; say by --event-axis which of them is of events",
                    layer->where, (long long)first);
  *turned = last != n_events || first == n_events;
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
  if (s == CHI_OK) s = chi_h5_check_numbers(&d, layer->path, layer->object);
  if (s == CHI_OK) s = chi_numbers_take(layer->path, layer->object, file, &d, numbers);
  if (s != CHI_OK) chi_h5_close_dataset(&d);
  return s;
}

chi_status chi_hdf5_layer_open(const chi_layer_file *layer, int64_t n_events, chi_event_axis axis,
                               chi_numbers *numbers, bool *turned)
{
  hid_t file;
  *turned = false;
  chi_h5_lock();
  chi_status s = chi_h5_open_read(layer->path, layer->path, &file);
  if (s == CHI_OK) {
    s = open_numbers(file, layer, numbers);
    if (s == CHI_OK) s = choose_axis(layer, &numbers->dataset, n_events, axis, turned);
    if (s != CHI_OK) H5Fclose(file);
  }
  chi_h5_unlock();
  return s;
}

chi_status chi_hdf5_read_turned(const chi_numbers *numbers, int64_t event0, int64_t n, double *out)
{
  const chi_h5_dataset *d = &numbers->dataset;
  const int64_t columns = d->count / d->dims[d->rank - 1];
  int64_t start[CHI_H5_MAX_RANK] = {0}, count[CHI_H5_MAX_RANK];
  double *stored = NULL;
  for (int i = 0; i < d->rank; i++) count[i] = d->dims[i];
  start[d->rank - 1] = event0;
  count[d->rank - 1] = n;
  CHI_TRY(chi_alloc(n * columns, sizeof *stored, "rows of a layer", &stored));
  chi_h5_lock();
  chi_status s = CHI_OK;
  if (chi_h5_box(d->id, false, H5T_NATIVE_DOUBLE, d->rank, start, count, stored) < 0)
    s = chi_fail(CHI_ERR_IO, "%s: %s cannot be read (%s)", numbers->where, numbers->object,
                 chi_h5_reason());
  chi_h5_unlock();
  for (int64_t i = 0; i < n && s == CHI_OK; i++)
    for (int64_t k = 0; k < columns; k++) out[i * columns + k] = stored[k * n + i];
  chi_free(stored);
  return s;
}
