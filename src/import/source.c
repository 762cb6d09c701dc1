#include "import/source.h"

#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "import/hdf5_layers.h"
#include "import/npy.h"
#include "import/npz.h"

enum { BLOCK_BYTES = 64 << 20, MOST_CHUNK = 4 };

struct chi_source {
  const chi_layer_file *layer;
  int fd;              /* .npy; else -1 */
  chi_npz *npz;        /* .npz; else NULL */
  chi_bytes bytes;     /* of both */
  chi_npy npy;         /* of both */
  bool is_open;        /* `numbers` */
  chi_numbers numbers; /* HDF5 */
  int64_t rows, columns;
};

static chi_status read_file(void *context, int64_t offset, int64_t n, void *out)
{
  const chi_source *source = context;
  char *at = out;
  while (n > 0) {
    const ssize_t got = pread(source->fd, at, (size_t)n, offset);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      return chi_fail(CHI_ERR_IO, "%s: cannot be read: %s", source->layer->where,
                      got == 0 ? "it has become shorter" : strerror(errno));
    at += got;
    offset += got;
    n -= got;
  }
  return CHI_OK;
}

static chi_status open_npy(chi_source *source)
{
  struct stat info;
  source->fd = open(source->layer->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (source->fd < 0 || fstat(source->fd, &info) != 0)
    return chi_fail(CHI_ERR_INPUT, "%s: cannot be read: %s", source->layer->where, strerror(errno));
  source->bytes = (chi_bytes){
      .where = source->layer->where, .size = info.st_size, .read = read_file, .context = source};
  return chi_npy_open(&source->bytes, &source->npy);
}

static chi_status open_npz(chi_source *source)
{
  const chi_layer_file *layer = source->layer;
  CHI_TRY(chi_npz_open(layer->path, layer->path, &source->npz));
  CHI_TRY(chi_npz_member(source->npz, layer->index, layer->where, &source->bytes));
  CHI_TRY(chi_npy_open(&source->bytes, &source->npy));
  if (source->npy.by_columns && source->bytes.forward)
    return chi_fail(CHI_ERR_INPUT,
                    "%s: is compressed and in Fortran order, so that its rows cannot be read one "
                    "by one; write it by np.savez, or of np.ascontiguousarray",
                    layer->where);
  return CHI_OK;
}

static chi_status open_hdf5(chi_source *source)
{
  CHI_TRY(chi_hdf5_layer_open(source->layer, &source->numbers));
  source->is_open = true;
  return CHI_OK;
}

chi_status chi_source_open(const chi_layer_file *layer, chi_source **out)
{
  *out = NULL;
  CHI_TRY(chi_alloc(1, sizeof **out, "layer", out));
  chi_source *source = *out;
  source->layer = layer;
  source->fd = -1;
  chi_status s = layer->kind == CHI_LAYER_NPY   ? open_npy(source)
                 : layer->kind == CHI_LAYER_NPZ ? open_npz(source)
                                                : open_hdf5(source);
  const bool hdf5 = layer->kind == CHI_LAYER_HDF5;
  if (s == CHI_OK) {
    source->rows = hdf5 ? source->numbers.rows : source->npy.rows;
    source->columns = hdf5 ? source->numbers.columns : source->npy.columns;
  } else {
    chi_source_close(out);
  }
  return s;
}

void chi_source_close(chi_source **source)
{
  if (*source == NULL) return;
  if ((*source)->fd >= 0) close((*source)->fd);
  if ((*source)->is_open) chi_numbers_close(&(*source)->numbers);
  chi_npz_close(&(*source)->npz);
  chi_free(*source);
  *source = NULL;
}

int64_t chi_source_rows(const chi_source *source) { return source->rows; }
int64_t chi_source_columns(const chi_source *source) { return source->columns; }

int64_t chi_source_block(const chi_source *source, int64_t width)
{
  const int64_t chunk = source->is_open ? source->numbers.dataset.chunk_rows : 0;
  int64_t block = BLOCK_BYTES / 8 / (width > source->columns ? width : source->columns);
  if (block < 1) block = 1;
  /* larger chunks than that are unpacked again for each block, rather than held */
  if (chunk > 0 && chunk <= MOST_CHUNK * block) block = (block + chunk - 1) / chunk * chunk;
  return block < source->rows ? block : source->rows;
}

chi_status chi_source_check(const char *where, int64_t row0, int64_t n, int64_t columns,
                            const double *rows)
{
  int64_t i = 0;
  while (i < n * columns && fabs(rows[i]) <= FLT_MAX) i++; /* false for NaN */
  if (i == n * columns) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: %g at row %lld, column %lld (counted from 0); expected %s",
                  where, rows[i], (long long)(row0 + i / columns), (long long)(i % columns),
                  isfinite(rows[i]) ? "numbers within float32's range, 3.4e38" : "finite numbers");
}

chi_status chi_source_read(chi_source *source, int64_t row0, int64_t n, double *out)
{
  CHI_TRY(source->is_open ? chi_numbers_read(&source->numbers, row0, n, CHI_REAL64, out)
                          : chi_npy_read(&source->bytes, &source->npy, row0, n, out));
  return chi_source_check(source->layer->where, row0, n, source->columns, out);
}
