/* The replicates of kept bins, which stay where the others were dropped. */
#include "base/memory.h"
#include "h5/box.h"
#include "h5/h5.h"
#include "store/internal.h"

enum { PIECE = 4096 }; /* entries read at once */

static chi_status read_entries(const chi_store *store, int32_t group, int64_t first, int64_t n,
                               float *const data[2], uint64_t *checksum)
{
  const int64_t start[] = {first, 0}, count[] = {n, store->group[group].length[CHI_REPLICATE]};
  for (int half = 0; half < 2; half++)
    CHI_TRY(
        chi_store_read_field(store, group, CHI_BOOT_KEPT_VAL_R + half, start, count, data[half]));
  chi_h5_lock();
  const chi_status s = chi_h5_box(store->group[group].set[CHI_BOOT_KEPT_CHECKSUM], false,
                                  H5T_NATIVE_UINT64, 1, start, count, checksum) < 0
                           ? chi_fail(CHI_ERR_INPUT, "%s: kept_checksum cannot be read (%s)",
                                      store->path, chi_h5_reason())
                           : CHI_OK;
  chi_h5_unlock();
  return s;
}

chi_status chi_store_read_kept(const chi_store *store, int32_t group, int64_t first, int64_t n,
                               float *const data[2], int64_t *torn)
{
  const int64_t n_replicates = store->group[group].length[CHI_REPLICATE];
  uint64_t *checksum = NULL;
  *torn = -1;
  if (n == 0) return CHI_OK;
  CHI_TRY(chi_alloc(n, sizeof *checksum, "checksums", &checksum));
  const chi_status s = read_entries(store, group, first, n, data, checksum);
  for (int64_t i = 0; i < n && s == CHI_OK && *torn < 0; i++) {
    const float *entry[] = {data[0] + i * n_replicates, data[1] + i * n_replicates};
    if (chi_store_checksum(2, entry, n_replicates) != checksum[i]) *torn = i;
  }
  chi_free(checksum);
  return s;
}

chi_status chi_store_find_torn_kept(const chi_store *store, int32_t group, int64_t *torn)
{
  const int64_t *length = store->group[group].length;
  const int64_t entries = length[CHI_ENTRY], n_replicates = length[CHI_REPLICATE];
  const int64_t room = entries < PIECE ? entries : PIECE;
  float *data = NULL;
  *torn = -1;
  if ((store->variants & CHI_DROPPED) == 0) return CHI_OK;
  CHI_TRY(chi_alloc(2 * room * n_replicates, sizeof *data, "replicates", &data));
  float *const half[] = {data, data + room * n_replicates};
  chi_status s = CHI_OK;
  for (int64_t at = 0; at < entries && s == CHI_OK && *torn < 0; at += room) {
    s = chi_store_read_kept(store, group, at, entries - at < room ? entries - at : room, half,
                            torn);
    if (*torn >= 0) *torn += at;
  }
  chi_free(data);
  return s;
}
