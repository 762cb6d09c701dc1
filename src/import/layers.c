#include "import/reader.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void chi_layer_files_free(chi_layer_files *files)
{
  for (int64_t i = 0; i < files->n; i++) {
    chi_free(files->item[i].path);
    chi_free(files->item[i].object);
    chi_free(files->item[i].where);
    chi_free(files->item[i].layer);
  }
  chi_free(files->item);
  chi_text_free(&files->left_out);
  *files = (chi_layer_files){0};
}

chi_status chi_layer_files_add(chi_layer_files *files, chi_layer_kind kind, const char *path,
                               const char *object, int64_t index, const char *layer)
{
  CHI_TRY(chi_grow(&files->item, &files->room, files->n + 1, sizeof *files->item, "layers"));
  chi_layer_file *item = &files->item[files->n++];
  *item = (chi_layer_file){.kind = kind, .index = index};
  const size_t room = strlen(path) + strlen(object) + 2;
  CHI_TRY(chi_strdup(path, &item->path));
  CHI_TRY(chi_strdup(object, &item->object));
  CHI_TRY(chi_strdup(layer, &item->layer));
  CHI_TRY(chi_alloc((int64_t)room, 1, "name of a layer", &item->where));
  snprintf(item->where, room, "%s%s%s", path, object[0] == '\0' ? "" : ":", object);
  return CHI_OK;
}

static int by_name(const void *a, const void *b)
{
  return strcmp(((const chi_layer_file *)a)->layer, ((const chi_layer_file *)b)->layer);
}

/* Runs of digits compare by value, all else letter for letter. */
static int by_nature(const void *a, const void *b)
{
  const char *x = ((const chi_layer_file *)a)->layer, *y = ((const chi_layer_file *)b)->layer;
  while (*x != '\0' && *y != '\0') {
    if (!isdigit((unsigned char)*x) || !isdigit((unsigned char)*y)) {
      if (*x != *y) break;
      x++, y++;
      continue;
    }
    x += strspn(x, "0");
    y += strspn(y, "0");
    const size_t nx = strspn(x, "0123456789"), ny = strspn(y, "0123456789");
    if (nx != ny) return nx < ny ? -1 : 1;
    const int order = strncmp(x, y, nx);
    if (order != 0) return order;
    x += nx;
    y += ny;
  }
  return *x == *y ? by_name(a, b) : strcmp(x, y);
}

void chi_layer_files_sort(chi_layer_files *files, int64_t first, chi_layer_order order)
{
  if (order == CHI_ORDER_GIVEN || files->n == first) return;
  qsort(files->item + first, (size_t)(files->n - first), sizeof *files->item,
        order == CHI_ORDER_NATURAL ? by_nature : by_name);
}

chi_status chi_layer_name(const char *path, char **name)
{
  const char *slash = strrchr(path, '/'), *file = slash == NULL ? path : slash + 1;
  const size_t n = strlen(file);
  *name = NULL;
  if (n < 4 || strcmp(file + n - 4, ".npy") != 0) return CHI_OK;
  CHI_TRY(chi_strdup(file, name));
  (*name)[n - 4] = '\0';
  return CHI_OK;
}
