#include "import/layers.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "import/hdf5_layers.h"
#include "import/npz.h"

void chi_layers_free(chi_layers *layers)
{
  for (int64_t i = 0; i < layers->n; i++) {
    chi_free(layers->item[i].path);
    chi_free(layers->item[i].object);
    chi_free(layers->item[i].where);
    chi_free(layers->item[i].layer);
  }
  free(layers->item);
  *layers = (chi_layers){0};
}

chi_status chi_layers_add(chi_layers *layers, chi_layer_kind kind, const char *path,
                          const char *object, int64_t index, const char *layer)
{
  if (layers->n == layers->room) {
    const int64_t room = 2 * layers->room + 16;
    chi_layer_file *item = realloc(layers->item, (size_t)room * sizeof *item);
    if (item == NULL) return chi_fail(CHI_ERR_MEMORY, "no memory for a list of layers");
    layers->item = item;
    layers->room = room;
  }
  chi_layer_file *item = &layers->item[layers->n++];
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

void chi_layers_sort_natural(chi_layers *layers, int64_t first)
{
  if (layers->n > first)
    qsort(layers->item + first, (size_t)(layers->n - first), sizeof *layers->item, by_nature);
}

/* The first bytes of a regular file. */
static chi_status read_magic(const char *path, unsigned char magic[8])
{
  struct stat info;
  memset(magic, 0, 8);
  const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    return chi_fail(CHI_ERR_INPUT, "%s: %s", path,
                    errno == ENOENT ? "there is no such file" : strerror(errno));
  chi_status s = CHI_OK;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
    s = chi_fail(CHI_ERR_INPUT, "%s: is not a regular file, expected .npy, .npz or HDF5", path);
  else if (read(fd, magic, 8) < 0)
    s = chi_fail(CHI_ERR_INPUT, "%s: cannot be read: %s", path, strerror(errno));
  close(fd);
  return s;
}

/* "dir/conv1.npy" -> "conv1"; false where it has another ending */
static bool name_of_array(const char *path, char *name, size_t room)
{
  const char *slash = strrchr(path, '/');
  snprintf(name, room, "%s", slash == NULL ? path : slash + 1);
  char *dot = strrchr(name, '.');
  if (dot == NULL || strcmp(dot, ".npy") != 0) return false;
  *dot = '\0';
  return true;
}

static chi_status add_members(const char *path, chi_layers *layers)
{
  chi_npz *npz;
  char name[512];
  CHI_TRY(chi_npz_open(path, path, &npz));
  chi_status s = CHI_OK;
  if (chi_npz_count(npz) == 0) s = chi_fail(CHI_ERR_INPUT, "%s: holds no arrays", path);
  for (int64_t i = 0; s == CHI_OK && i < chi_npz_count(npz); i++) {
    const char *member = chi_npz_name(npz, i);
    if (member == NULL || !name_of_array(member, name, sizeof name) || strchr(member, '/') != NULL)
      s = chi_fail(CHI_ERR_INPUT, "%s: member %lld, %.200s, is no array of its own (NAME.npy)",
                   path, (long long)i, member == NULL ? "(damaged)" : member);
    else
      s = chi_layers_add(layers, CHI_LAYER_NPZ, path, member, i, name);
  }
  chi_npz_close(&npz);
  return s;
}

/* What kind of file it is its first bytes say, not its name. */
static chi_status add_file(const char *path, chi_layers *layers)
{
  unsigned char magic[8];
  char name[512];
  CHI_TRY(read_magic(path, magic));
  if (memcmp(magic, "\x93NUMPY", 6) == 0) {
    if (!name_of_array(path, name, sizeof name))
      return chi_fail(CHI_ERR_INPUT, "%s: expected the name LAYER.npy", path);
    return chi_layers_add(layers, CHI_LAYER_NPY, path, "", 0, name);
  }
  if (memcmp(magic, "PK", 2) == 0) return add_members(path, layers);
  if (memcmp(magic, "\x89HDF\r\n\x1a\n", 8) == 0)
    return chi_fail(CHI_ERR_INPUT,
                    "%s: is an HDF5 file; say which dataset in it, or group of datasets: %s:/PATH",
                    path, path);
  return chi_fail(CHI_ERR_INPUT, "%s: is neither .npy nor .npz nor HDF5", path);
}

/* A file, or FILE:/path where there is no file of that whole name. */
static chi_status add_argument(const char *text, chi_layers *layers)
{
  const char *colon = NULL;
  for (const char *c = strstr(text, ":/"); c != NULL; c = strstr(c + 1, ":/")) colon = c;
  if (colon == NULL || access(text, F_OK) == 0) return add_file(text, layers);
  char *path = NULL;
  CHI_TRY(chi_strdup(text, &path));
  path[colon - text] = '\0';
  const chi_status s = chi_hdf5_layers_add(path, colon + 1, layers);
  chi_free(path);
  return s;
}

static chi_status check_names(const chi_layers *layers)
{
  for (int64_t i = 0; i < layers->n; i++) {
    const chi_layer_file *item = &layers->item[i];
    if (!chi_name_ok(item->layer, true))
      return chi_fail(CHI_ERR_INPUT,
                      "%s: \"%.200s\" cannot name a layer, expected [A-Za-z0-9_.-]+, 200 at most",
                      item->where, item->layer);
    for (int64_t j = 0; j < i; j++)
      if (strcmp(layers->item[j].layer, item->layer) == 0)
        return chi_fail(CHI_ERR_INPUT, "%s and %s: both are named %s, expected one file per layer",
                        layers->item[j].where, item->where, item->layer);
  }
  return CHI_OK;
}

chi_status chi_layers_find(int64_t n, const char *const *files, chi_layer_order order,
                           chi_layers *out)
{
  for (int64_t i = 0; i < n; i++) CHI_TRY(add_argument(files[i], out));
  CHI_TRY(check_names(out));
  if (order == CHI_ORDER_NATURAL) chi_layers_sort_natural(out, 0);
  if (order == CHI_ORDER_NAME) qsort(out->item, (size_t)out->n, sizeof *out->item, by_name);
  return CHI_OK;
}
