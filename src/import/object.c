#include "import/object.h"

#include <stdio.h>
#include <string.h>

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
