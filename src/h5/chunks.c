#include "h5/chunks.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/memory.h"
#include "h5/h5.h"

enum { MAX_FILTERS = 32 }; /* HDF5's own limit: the bits of a chunk's mask */

/* How a dataset is packed. Filter i is undone after those with a higher i. */
typedef struct packing {
  hid_t dataset;
  int rank, n_filters;
  H5Z_filter_t filter[MAX_FILTERS];
  int64_t made[MAX_FILTERS]; /* scale-offset: the bytes that it unpacks to */
  hsize_t dims[CHI_H5_MAX_RANK], chunk[CHI_H5_MAX_RANK];
  unsigned options;
  int64_t bytes; /* of a whole chunk, unpacked */
} packing;

static herr_t read_packing(hid_t creation, hid_t space, packing *p)
{
  p->n_filters = H5Pget_nfilters(creation);
  if (p->n_filters < 0 || p->n_filters > MAX_FILTERS ||
      H5Sget_simple_extent_ndims(space) != p->rank ||
      H5Sget_simple_extent_dims(space, p->dims, NULL) < 0 ||
      H5Pget_chunk(creation, CHI_H5_MAX_RANK, p->chunk) != p->rank ||
      H5Pget_chunk_opts(creation, &p->options) < 0)
    return -1;
  for (int i = 0; i < p->n_filters; i++) {
    unsigned flags, config, value[8] = {0};
    size_t n = 8;
    char name[2];
    p->filter[i] =
        H5Pget_filter2(creation, (unsigned)i, &flags, &n, value, sizeof name, name, &config);
    if (p->filter[i] < 0) return -1;
    p->made[i] = (int64_t)value[2] * value[4]; /* elements, bytes of each (H5Zscaleoffset.c) */
  }
  const hid_t type = H5Dget_type(p->dataset);
  p->bytes = type < 0 ? 0 : (int64_t)H5Tget_size(type);
  if (type >= 0) H5Tclose(type);
  for (int i = 0; i < p->rank; i++)
    if (p->chunk[i] == 0 || __builtin_mul_overflow(p->bytes, (int64_t)p->chunk[i], &p->bytes))
      return -1;
  return p->bytes > 0 ? 0 : -1;
}

/* The bytes that a zlib stream unpacks to, more than `most` at most; -1: it cannot be unpacked. */
static int64_t inflated(unsigned char *stream, int64_t size, int64_t most)
{
  unsigned char scratch[1 << 15];
  z_stream z = {.next_in = stream, .avail_in = (uInt)size};
  if (inflateInit(&z) != Z_OK) return -1;
  int64_t n = 0;
  int state = Z_OK;
  while (state == Z_OK && n <= most) {
    z.next_out = scratch;
    z.avail_out = sizeof scratch;
    state = inflate(&z, Z_SYNC_FLUSH);
    n += (int64_t)(sizeof scratch - z.avail_out);
  }
  inflateEnd(&z);
  return state == Z_STREAM_END || n > most ? n : -1;
}

/* The bytes that a chunk unpacks to; -1: it cannot be unpacked. */
static int64_t unpacked(const packing *p, unsigned mask, unsigned char *data, int64_t size)
{
  for (int i = p->n_filters - 1; i >= 0 && size >= 0; i--) {
    if (mask & 1u << i) continue;
    if (p->filter[i] == H5Z_FILTER_FLETCHER32) {
      size -= 4; /* the checksum behind the data, which HDF5 compares itself */
    } else if (p->filter[i] == H5Z_FILTER_SCALEOFFSET) {
      size = p->made[i];
      data = NULL;
    } else if (p->filter[i] == H5Z_FILTER_DEFLATE) {
      size = data == NULL ? -1 : inflated(data, size, p->bytes + 4);
      data = NULL; /* packed twice is more than anybody writes */
    } else if (p->filter[i] != H5Z_FILTER_SHUFFLE) {
      size = -1;
    }
  }
  return size;
}

static herr_t check_chunk(const packing *p, const hsize_t *at)
{
  char place[16 * CHI_H5_MAX_RANK] = "";
  int length = 0;
  bool partial = false;
  for (int i = 0; i < p->rank; i++) {
    length += snprintf(place + length, sizeof place - (size_t)length, "%s%lld", i > 0 ? ", " : "",
                       (long long)at[i]);
    if (length >= (int)sizeof place) length = (int)sizeof place - 1;
    partial = partial || at[i] + p->chunk[i] > p->dims[i];
  }
  hsize_t stored = 0;
  uint32_t mask = 0;
  unsigned char *data = NULL;
  if (H5Dget_chunk_storage_size(p->dataset, at, &stored) < 0) return -1;
  if (stored == 0) return 0; /* never written: all fill values */
  if (stored > UINT32_MAX || chi_alloc((int64_t)stored, 1, "a chunk", &data) != CHI_OK)
    return chi_h5_give_reason("chunk (%s) claims %lld bytes", place, (long long)stored);
  herr_t failed = H5Dread_chunk(p->dataset, H5P_DEFAULT, at, &mask, data);
  if (failed >= 0) {
    if (partial && (p->options & H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS)) mask = UINT32_MAX;
    const int64_t n = unpacked(p, mask, data, (int64_t)stored);
    if (n < 0)
      failed = chi_h5_give_reason("chunk (%s) does not unpack", place);
    else if (n != p->bytes)
      failed =
          chi_h5_give_reason("chunk (%s) unpacks to %s%lld bytes, expected %lld", place,
                             n > p->bytes ? "at least " : "", (long long)n, (long long)p->bytes);
  }
  chi_free(data);
  return failed;
}

herr_t chi_h5_check_chunks(hid_t dataset, int rank, const int64_t *start, const int64_t *count)
{
  packing p = {.dataset = dataset, .rank = rank};
  const hid_t creation = H5Dget_create_plist(dataset), space = H5Dget_space(dataset);
  herr_t failed = creation < 0 || space < 0 ? -1 : 0;
  const bool packed =
      failed >= 0 && H5Pget_layout(creation) == H5D_CHUNKED && H5Pget_nfilters(creation) != 0;
  if (packed) failed = read_packing(creation, space, &p);
  if (space >= 0) H5Sclose(space);
  if (creation >= 0) H5Pclose(creation);
  if (failed < 0 || !packed) return failed;

  hsize_t first[CHI_H5_MAX_RANK], end[CHI_H5_MAX_RANK], at[CHI_H5_MAX_RANK];
  for (int i = 0; i < rank; i++) {
    first[i] = start == NULL ? 0 : (hsize_t)start[i] / p.chunk[i] * p.chunk[i];
    end[i] = start == NULL ? p.dims[i] : (hsize_t)(start[i] + count[i]);
    if (end[i] > p.dims[i]) return chi_h5_give_reason("a box beyond the dataset");
    if (end[i] <= first[i]) return 0;
    at[i] = first[i];
  }
  for (;;) {
    if (check_chunk(&p, at) < 0) return -1;
    int i = rank - 1;
    while (i >= 0 && (at[i] += p.chunk[i]) >= end[i]) {
      at[i] = first[i];
      i--;
    }
    if (i < 0) return 0;
  }
}
