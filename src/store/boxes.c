/* Reading and writing cells of an open results file: raw data only, independent of other ranks. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/gate.h"
#include "base/memory.h"
#include "h5/box.h"
#include "h5/h5.h"
#include "h5/whole.h"
#include "store/internal.h"

enum { PIECE_BYTES = 4 << 20 };

static hid_t memory_type(const chi_field *field)
{
  return field->type == CHI_UINT8    ? H5T_NATIVE_UINT8
         : field->type == CHI_UINT64 ? H5T_NATIVE_UINT64
                                     : H5T_NATIVE_FLOAT;
}

/* Whether a dataset has the shape that its row of the table says. */
static bool has_shape(hid_t set, const chi_field *f, const int64_t *length)
{
  hsize_t found[H5S_MAX_RANK];
  const hid_t space = H5Dget_space(set);
  bool same = H5Sget_simple_extent_dims(space, found, NULL) == f->rank;
  for (int d = 0; d < f->rank && same; d++) same = found[d] == (hsize_t)length[f->dim[d]];
  H5Sclose(space);
  return same;
}

chi_status chi_store_open_fields(chi_store *store, int32_t a)
{
  chi_store_group *g = &store->group[a];
  for (int i = 0; i < store->schema->n_fields; i++) {
    const chi_field *f = &store->schema->field[i];
    char name[512];
    if (f->role == CHI_LABEL || !chi_field_in(f, store->variants)) continue;
    snprintf(name, sizeof name, "%s/%s", g->name, f->name);
    g->set[i] = H5Dopen2(store->file, name, H5P_DEFAULT);
    if (g->set[i] < 0)
      return chi_fail(CHI_ERR_IO, "%s: /%s cannot be opened (%s)", store->path, name,
                      chi_h5_reason());
    if (!has_shape(g->set[i], f, g->length))
      return chi_fail(CHI_ERR_INPUT, "%s: /%s is not of the shape of its labels", store->path,
                      name);
  }
  for (int r = 0; r < store->schema->n_records; r++)
    CHI_TRY(chi_alloc(chi_store_cells(store, a, r), 1, "flags", &g->flags[r]));
  return CHI_OK;
}

int64_t chi_store_blocks(const chi_store *store, int32_t group, int record)
{
  const chi_record *r = &store->schema->record[record];
  const chi_field *flag = &store->schema->field[r->flag];
  return flag->rank > 2 ? store->group[group].length[flag->dim[2]] : 1;
}

int64_t chi_store_cells(const chi_store *store, int32_t group, int record)
{
  const int64_t *length = store->group[group].length;
  return length[CHI_ROW] * length[CHI_SITE] * chi_store_blocks(store, group, record);
}

const uint8_t *chi_store_flags(const chi_store *store, int32_t group, int record)
{
  return store->group[group].flags[record];
}

/* Where a box stands in a data field: start and count by dimension. */
static void place_data(const chi_store *store, const chi_box *box, int64_t *start, int64_t *count)
{
  const chi_record *r = &store->schema->record[box->record];
  const chi_field *f = &store->schema->field[r->data];
  const int64_t *length = store->group[box->group].length;
  for (int d = 0; d < f->rank; d++) {
    start[d] = 0;
    count[d] = length[f->dim[d]];
  }
  start[0] = box->row;
  count[0] = 1;
  start[1] = box->site;
  count[1] = box->n_sites;
  if (r->block == 0) return;
  const int64_t end = (box->block + box->n_blocks) * r->block;
  start[2] = box->block * r->block;
  count[2] = (end < count[2] ? end : count[2]) - start[2];
}

int64_t chi_box_values(const chi_store *store, const chi_box *box)
{
  int64_t start[CHI_SCHEMA_RANK] = {0}, count[CHI_SCHEMA_RANK] = {0}, n = 1;
  place_data(store, box, start, count);
  for (int d = 0; d < store->schema->field[store->schema->record[box->record].data].rank; d++)
    n *= count[d];
  return n;
}

chi_counts chi_store_count(const chi_store *store, const chi_content *content, int32_t group,
                           int record, bool models)
{
  const uint8_t *flags = chi_store_flags(store, group, record);
  const int64_t n_blocks = chi_store_blocks(store, group, record);
  const int64_t sites = store->group[group].length[CHI_SITE];
  const int together = store->schema->record[record].together;
  const int64_t places = together < 0 ? 1 : store->group[group].length[together];
  const int64_t beside = places > 1 ? places : 1;
  chi_counts c = {0, 0, 0};
  for (int64_t i = 0; i < chi_store_cells(store, group, record); i++) {
    const int64_t place = i / n_blocks;
    if (!chi_content_has(content, group, place / sites, place % sites)) continue;
    const chi_box cell = {group, record, 0, 0, 1, i % n_blocks, 1};
    *(flags[i] == CHI_DONE_WRITTEN  ? &c.done
      : flags[i] == CHI_DONE_FAILED ? &c.failed
                                    : &c.left) +=
        models ? chi_box_values(store, &cell) / beside : 1;
  }
  return c;
}

/* The caller holds chi_h5_lock. */
static herr_t transfer(const chi_store *store, const chi_box *box, int field, bool write,
                       void *memory)
{
  const chi_field *f = &store->schema->field[field];
  int64_t start[CHI_SCHEMA_RANK] = {box->row, box->site, box->block};
  int64_t count[CHI_SCHEMA_RANK] = {1, box->n_sites, box->n_blocks};
  if (f->role == CHI_DATA) place_data(store, box, start, count);
  if (write) (void)chi_gate("%s.field", store->path);
  return chi_h5_box(store->group[box->group].set[field], write, memory_type(f), f->rank, start,
                    count, memory);
}

uint64_t chi_store_checksum(int n_data, const float *const *data, int64_t n)
{
  chi_digest digest;
  chi_digest_begin(&digest);
  for (int i = 0; i < n_data; i++) chi_digest_add(&digest, data[i], n * (int64_t)sizeof(float));
  return chi_digest_value(&digest);
}

/* The checksum of cell i of the sites of a box of one block. */
static uint64_t sum_cell(const chi_record *r, const float *const *data, int64_t i, int64_t n)
{
  const float *cell[CHI_SCHEMA_FIELDS];
  for (int k = 0; k < r->n_data; k++) cell[k] = data[k] + i * n;
  return chi_store_checksum(r->n_data, cell, n);
}

static chi_status check_box(const chi_store *store, const chi_box *box)
{
  const chi_store_group *g =
      box->group >= 0 && box->group < store->n_groups ? &store->group[box->group] : NULL;
  if (g != NULL && box->row >= 0 && box->row < g->length[CHI_ROW] && box->site >= 0 &&
      box->n_sites >= 0 && box->site + box->n_sites <= g->length[CHI_SITE] && box->block >= 0 &&
      box->block + box->n_blocks <= chi_store_blocks(store, box->group, box->record))
    return CHI_OK;
  return chi_fail(CHI_ERR_BUG, "%s: there is no group %d, row %lld, sites %lld to %lld, block %lld",
                  store->path, box->group, (long long)box->row, (long long)box->site,
                  (long long)(box->site + box->n_sites), (long long)box->block);
}

/* In the order that makes a flag true only after its data and checksum. */
static chi_status write_fields(const chi_store *store, const chi_box *box, const float *const *data,
                               uint64_t *checksum, uint8_t *flag)
{
  const chi_record *r = &store->schema->record[box->record];
  int failed = -1;
  chi_h5_lock();
  /* HDF5 only reads the data: the cast takes const off for a function that also fills memory. */
  for (int k = 0; k < r->n_data && failed < 0; k++)
    if (transfer(store, box, r->data + k, true, (void *)data[k]) < 0) failed = r->data + k;
  if (failed < 0 && transfer(store, box, r->checksum, true, checksum) < 0) failed = r->checksum;
  if (failed < 0 && transfer(store, box, r->flag, true, flag) < 0) failed = r->flag;
  const chi_status s =
      failed < 0 ? CHI_OK : chi_h5_failed(store->path, store->schema->field[failed].name);
  chi_h5_unlock();
  return s;
}

chi_status chi_store_write(chi_store *store, const chi_box *box, uint8_t state,
                           const float *const *data)
{
  const chi_record *r = &store->schema->record[box->record];
  const float *fields[CHI_SCHEMA_FIELDS];
  float *nan = NULL;
  uint64_t *checksum = NULL;
  uint8_t *flag = NULL;
  CHI_TRY(check_box(store, box));
  if (box->n_sites == 0) return CHI_OK;
  const int64_t n = chi_box_values(store, box);
  chi_status s = chi_alloc(box->n_sites, sizeof *checksum, "checksums", &checksum);
  if (s == CHI_OK) s = chi_alloc(box->n_sites, sizeof *flag, "flags", &flag);
  /* An earlier job may have left a part of its data there: a failed cell has none. */
  if (s == CHI_OK && data == NULL) s = chi_alloc(n, sizeof *nan, r->noun, &nan);
  for (int64_t i = 0; s == CHI_OK && data == NULL && i < n; i++) nan[i] = NAN;
  for (int k = 0; k < r->n_data; k++) fields[k] = data == NULL ? nan : data[k];
  for (int64_t i = 0; s == CHI_OK && i < box->n_sites; i++) {
    if (data != NULL) checksum[i] = sum_cell(r, data, i, n / box->n_sites);
    flag[i] = state;
  }
  if (s == CHI_OK) s = write_fields(store, box, fields, checksum, flag);
  chi_free(nan);
  chi_free(checksum);
  chi_free(flag);
  return s;
}

chi_status chi_store_read(const chi_store *store, const chi_box *box, float *const *data,
                          uint64_t *checksum)
{
  const chi_record *r = &store->schema->record[box->record];
  herr_t failed = 0;
  CHI_TRY(check_box(store, box));
  chi_h5_lock();
  for (int k = 0; k < r->n_data && failed >= 0; k++)
    failed = transfer(store, box, r->data + k, false, data[k]);
  if (failed >= 0 && checksum != NULL) failed = transfer(store, box, r->checksum, false, checksum);
  const chi_status s = failed < 0 ? chi_fail(CHI_ERR_IO, "%s: %s cannot be read (%s)", store->path,
                                             r->noun, chi_h5_reason())
                                  : CHI_OK;
  chi_h5_unlock();
  return s;
}

/* The first cell of a box from `from` on whose flag says that it is written, and whose data do not
 * fit the checksum that was read with them; -1: none. \param[in,out] at  of cell `from` in every
 * field; of the one behind that found */
static int64_t next_torn(const chi_store *store, const chi_box *box, const uint8_t *done,
                         float *const *data, const uint64_t *checksum, int64_t from, int64_t *at)
{
  const chi_record *r = &store->schema->record[box->record];
  for (int64_t i = from; i < box->n_sites * box->n_blocks; i++) {
    const int64_t block = box->block + i % box->n_blocks;
    const chi_box cell = {box->group, box->record, box->row, box->site, 1, block, 1};
    const int64_t n = chi_box_values(store, &cell);
    const float *values[CHI_SCHEMA_FIELDS];
    for (int k = 0; k < r->n_data; k++) values[k] = data[k] + *at;
    *at += n;
    if (done[i] == CHI_DONE_WRITTEN && chi_store_checksum(r->n_data, values, n) != checksum[i])
      return i;
  }
  return -1;
}

/* Where the flags of a box of all blocks begin. */
static int64_t first_cell(const chi_store *store, const chi_box *box)
{
  return (box->row * store->group[box->group].length[CHI_SITE] + box->site) * box->n_blocks;
}

chi_status chi_store_read_whole(const chi_store *store, const chi_box *box, float *const *data,
                                int64_t *torn)
{
  uint64_t *checksum = NULL;
  int64_t at = 0;
  *torn = -1;
  CHI_TRY(chi_alloc(box->n_sites * box->n_blocks, sizeof *checksum, "checksums", &checksum));
  const chi_status s = chi_store_read(store, box, data, checksum);
  if (s == CHI_OK)
    *torn = next_torn(store, box,
                      chi_store_flags(store, box->group, box->record) + first_cell(store, box),
                      data, checksum, 0, &at);
  chi_free(checksum);
  return s;
}

chi_status chi_store_read_field(const chi_store *store, int32_t group, int field,
                                const int64_t *start, const int64_t *count, float *out)
{
  const chi_field *f = &store->schema->field[field];
  chi_h5_lock();
  const herr_t failed =
      chi_h5_box(store->group[group].set[field], false, memory_type(f), f->rank, start, count, out);
  const chi_status s = failed < 0
                           ? chi_fail(CHI_ERR_INPUT, "%s: %s: row %lld cannot be read (%s)",
                                      store->path, f->name, (long long)start[0], chi_h5_reason())
                           : CHI_OK;
  chi_h5_unlock();
  return s;
}

chi_status chi_store_transfer_flags(const chi_store *store, int32_t group, int record, bool write)
{
  const chi_store_group *g = &store->group[group];
  const int field = store->schema->record[record].flag;
  uint8_t *flags = g->flags[record];
  chi_h5_lock();
  const herr_t failed =
      write ? H5Dwrite(g->set[field], H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, flags)
            : chi_h5_read_whole(g->set[field], H5T_NATIVE_UINT8, flags);
  chi_status s = CHI_OK;
  if (failed < 0 && write) s = chi_h5_failed(store->path, store->schema->field[field].name);
  if (failed < 0 && !write)
    s = chi_fail(CHI_ERR_IO, "%s: %s cannot be read (%s)", store->path,
                 store->schema->field[field].name, chi_h5_reason());
  chi_h5_unlock();
  return s;
}

/* ---- which cells are torn ---- */

/* Room to read some sites of one row, all their blocks. */
typedef struct piece {
  int64_t sites;
  float *data[CHI_SCHEMA_FIELDS];
  uint64_t *checksum;
} piece;

static chi_status room_create(const chi_store *store, int32_t group, int record, piece *room)
{
  const chi_record *r = &store->schema->record[record];
  chi_box box = {group, record, 0, 0, 1, 0, chi_store_blocks(store, group, record)};
  const int64_t values = chi_box_values(store, &box), sites = store->group[group].length[CHI_SITE];
  room->sites = 1 + PIECE_BYTES / ((int64_t)sizeof(float) * (values + 1));
  if (room->sites > sites) room->sites = sites;
  for (int k = 0; k < r->n_data; k++)
    CHI_TRY(chi_alloc(room->sites * values, sizeof(float), r->noun, &room->data[k]));
  return chi_alloc(room->sites * box.n_blocks, sizeof *room->checksum, "checksums",
                   &room->checksum);
}

static void room_free(piece *room)
{
  for (int k = 0; k < CHI_SCHEMA_FIELDS; k++) chi_free(room->data[k]);
  chi_free(room->checksum);
}

/* Mark the cells of a box of all blocks. \param[in,out] torn  of the whole group */
static chi_status check_cells(const chi_store *store, const chi_box *box, piece *room,
                              uint8_t *torn)
{
  const int64_t first = first_cell(store, box);
  const uint8_t *done = chi_store_flags(store, box->group, box->record) + first;
  if (memchr(done, CHI_DONE_WRITTEN, (size_t)(box->n_sites * box->n_blocks)) == NULL) return CHI_OK;
  CHI_TRY(chi_store_read(store, box, room->data, room->checksum));
  int64_t at = 0;
  for (int64_t i = -1;
       (i = next_torn(store, box, done, room->data, room->checksum, i + 1, &at)) >= 0;)
    torn[first + i] = 1;
  return CHI_OK;
}

chi_status chi_store_find_share(const chi_store *store, int32_t group, int record, int rank,
                                int size, uint8_t *torn)
{
  const chi_store_group *g = &store->group[group];
  const int64_t n_blocks = chi_store_blocks(store, group, record), sites = g->length[CHI_SITE];
  piece room = {0};
  int64_t turn = 0;
  chi_status s = room_create(store, group, record, &room);
  for (int64_t row = 0; row < g->length[CHI_ROW] && s == CHI_OK; row++)
    for (int64_t site = 0; site < sites && s == CHI_OK; site += room.sites) {
      if (turn++ % size != rank) continue;
      const int64_t n = sites - site < room.sites ? sites - site : room.sites;
      const chi_box box = {group, record, row, site, n, 0, n_blocks};
      s = check_cells(store, &box, &room, torn);
    }
  room_free(&room);
  return s;
}
