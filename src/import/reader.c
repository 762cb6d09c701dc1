#include "import/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "import/formats.h"

enum { BLOCK_BYTES = 64 << 20, MOST_CHUNK = 4 };

/* The first bytes of a regular file. */
static chi_status read_magic(const char *path, unsigned char magic[8])
{
  int fd;
  memset(magic, 0, 8);
  chi_status s = chi_file_open(path, path, O_RDONLY, &fd);
  if (s != CHI_OK) return chi_fail(CHI_ERR_INPUT, "%s", chi_message());
  if (read(fd, magic, 8) < 0)
    s = chi_fail(CHI_ERR_INPUT, "%s: cannot be read: %s", path, strerror(errno));
  close(fd);
  return s;
}

static chi_status add_array(const char *path, chi_layer_files *files)
{
  char *layer;
  CHI_TRY(chi_layer_name(path, &layer));
  if (layer == NULL) return chi_fail(CHI_ERR_INPUT, "%s: expected the name LAYER.npy", path);
  const chi_status s = chi_layer_files_add(files, CHI_LAYER_NPY, path, "", 0, layer);
  chi_free(layer);
  return s;
}

/* What kind of file it is its first bytes say, not its name. */
static chi_status add_file(const char *path, chi_layer_files *files)
{
  unsigned char magic[8];
  CHI_TRY(read_magic(path, magic));
  if (memcmp(magic, "\x93NUMPY", 6) == 0) return add_array(path, files);
  if (memcmp(magic, "PK", 2) == 0) return chi_npz_list(path, files);
  if (memcmp(magic, "\x89HDF\r\n\x1a\n", 8) == 0 || memcmp(magic, "MATLAB 7", 8) == 0)
    return chi_fail(CHI_ERR_INPUT,
                    "%s: is an HDF5 file; say which dataset in it, or group of datasets: %s:/PATH",
                    path, path);
  if (memcmp(magic, "MATLAB", 6) == 0)
    return chi_fail(CHI_ERR_INPUT,
                    "%s: is of an older MATLAB format than HDF5; save it again with '-v7.3'", path);
  return chi_fail(CHI_ERR_INPUT, "%s: is neither .npy nor .npz nor HDF5", path);
}

/* A file, or FILE:/path where there is no file of that whole name. */
static chi_status add_argument(const char *text, chi_layer_files *files)
{
  const char *colon = NULL;
  for (const char *c = strstr(text, ":/"); c != NULL; c = strstr(c + 1, ":/")) colon = c;
  if (colon == NULL || access(text, F_OK) == 0) return add_file(text, files);
  char *path;
  CHI_TRY(chi_strdup(text, &path));
  path[colon - text] = '\0';
  const chi_status s = chi_hdf5_layers_list(path, colon + 1, files);
  chi_free(path);
  return s;
}

/* TensorFlow's and Flax's names have them. */
static void rename_layers(chi_layer_files *files)
{
  for (int64_t i = 0; i < files->n; i++) {
    if (strpbrk(files->item[i].layer, "/:") != NULL) files->n_renamed++;
    for (char *c = files->item[i].layer; (c = strpbrk(c, "/:")) != NULL;) *c = '.';
  }
}

static chi_status check_names(const chi_layer_files *files)
{
  for (int64_t i = 0; i < files->n; i++) {
    const chi_layer_file *item = &files->item[i];
    if (!chi_name_ok(item->layer, true))
      return chi_fail(CHI_ERR_INPUT,
                      "%s: \"%.200s\" cannot name a layer, expected [A-Za-z0-9_.-]+, 200 at most",
                      item->where, item->layer);
    for (int64_t j = 0; j < i; j++)
      if (strcmp(files->item[j].layer, item->layer) == 0)
        return chi_fail(CHI_ERR_INPUT, "%s and %s: both are named %s, expected one file per layer",
                        files->item[j].where, item->where, item->layer);
  }
  return CHI_OK;
}

chi_status chi_layer_files_find(int64_t n, const char *const *paths, chi_layer_order order,
                                chi_layer_files *out)
{
  for (int64_t i = 0; i < n; i++) CHI_TRY(add_argument(paths[i], out));
  rename_layers(out);
  CHI_TRY(check_names(out));
  chi_layer_files_sort(out, 0, order);
  return CHI_OK;
}

struct chi_reader {
  const chi_layer_file *layer;
  chi_bytes bytes; /* of .npy and .npz */
  chi_npy npy;
  chi_numbers numbers; /* of HDF5 */
  bool turned;         /* events are its last dimension */
  bool integers;
  int64_t rows, columns, chunk_rows;
};

static chi_status open_array(chi_reader *r)
{
  CHI_TRY(r->layer->kind == CHI_LAYER_NPZ ? chi_bytes_of_npz(r->layer, &r->bytes)
                                          : chi_bytes_of_file(r->layer->path, &r->bytes));
  CHI_TRY(chi_npy_open(&r->bytes, &r->npy));
  r->rows = r->npy.rows;
  r->columns = r->npy.columns;
  r->integers = r->npy.kind != 'f';
  if (!r->npy.by_columns || !r->bytes.forward) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT,
                  "%s: is compressed and in Fortran order, so that its rows cannot be read one "
                  "by one; write it by np.savez, or of np.ascontiguousarray",
                  r->layer->where);
}

static chi_status open_hdf5(chi_reader *r, int64_t n_events, chi_event_axis axis)
{
  CHI_TRY(chi_hdf5_layer_open(r->layer, n_events, axis, &r->numbers, &r->turned));
  const chi_h5_dataset *d = &r->numbers.dataset;
  r->rows = r->turned ? d->dims[d->rank - 1] : r->numbers.rows;
  r->columns = d->count / r->rows;
  r->chunk_rows = r->turned ? 0 : d->chunk_rows;
  r->integers = d->type_class == H5T_INTEGER;
  return CHI_OK;
}

chi_status chi_reader_open(const chi_layer_file *layer, int64_t n_events, chi_event_axis axis,
                           chi_reader **out)
{
  if (layer->kind != CHI_LAYER_HDF5 && axis == CHI_AXIS_LAST)
    return chi_fail(CHI_ERR_USAGE,
                    "--event-axis last: %s is no dataset of HDF5; turn its array with NumPy",
                    layer->where);
  CHI_TRY(chi_alloc(1, sizeof **out, "layer", out));
  (*out)->layer = layer;
  const chi_status s =
      layer->kind == CHI_LAYER_HDF5 ? open_hdf5(*out, n_events, axis) : open_array(*out);
  if (s != CHI_OK) chi_reader_close(out);
  return s;
}

void chi_reader_close(chi_reader **reader)
{
  chi_reader *r = *reader;
  if (r == NULL) return;
  if (r->bytes.close != NULL) r->bytes.close(&r->bytes);
  if (r->layer->kind == CHI_LAYER_HDF5 && r->rows > 0) chi_numbers_close(&r->numbers);
  chi_free(r);
  *reader = NULL;
}

int64_t chi_reader_rows(const chi_reader *reader) { return reader->rows; }
int64_t chi_reader_columns(const chi_reader *reader) { return reader->columns; }

int64_t chi_reader_block(const chi_reader *reader, int64_t width)
{
  const int64_t chunk = reader->chunk_rows;
  int64_t block = BLOCK_BYTES / 8 / (width > reader->columns ? width : reader->columns);
  if (block < 1) block = 1;
  /* larger chunks than that are unpacked again for each block, rather than held */
  if (chunk > 0 && chunk <= MOST_CHUNK * block) block = (block + chunk - 1) / chunk * chunk;
  return block < reader->rows ? block : reader->rows;
}

/* Finite numbers that float32 can hold; integers that were exact in float64. */
static chi_status check_numbers(const chi_reader *r, int64_t row0, int64_t n, const double *rows)
{
  const int64_t columns = r->columns;
  const double most = r->integers ? 0x1p53 - 1 : FLT_MAX;
  int64_t i = 0;
  while (i < n * columns && fabs(rows[i]) <= most) i++; /* false for NaN */
  if (i == n * columns) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: %g at row %lld, column %lld (counted from 0); expected %s",
                  r->layer->where, rows[i], (long long)(row0 + i / columns),
                  (long long)(i % columns),
                  r->integers         ? "integers below 2^53"
                  : isfinite(rows[i]) ? "numbers within float32's range, 3.4e38"
                                      : "finite numbers");
}

chi_status chi_reader_read(chi_reader *r, int64_t row0, int64_t n, double *out)
{
  if (r->turned)
    CHI_TRY(chi_hdf5_read_turned(&r->numbers, row0, n, out));
  else
    CHI_TRY(r->layer->kind == CHI_LAYER_HDF5
                ? chi_numbers_read(&r->numbers, row0, n, CHI_REAL64, out)
                : chi_npy_read(&r->bytes, &r->npy, row0, n, out));
  return check_numbers(r, row0, n, out);
}
