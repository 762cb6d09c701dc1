#include "store/drop.h"

#include <string.h>

#include "base/memory.h"
#include "h5/box.h"
#include "h5/h5.h"
#include "store/internal.h"
#include "store/lock.h"

/* What the functions below share. */
typedef struct dropping {
  const chi_store *old; /* the file with the replicates */
  const chi_content *content;
  hid_t file; /* the new one */
} dropping;

/* The caller holds chi_h5_lock. */
static herr_t read_old(const dropping *d, int32_t a, int field, const int64_t *start,
                       const int64_t *count, void *memory)
{
  const chi_field *f = &d->old->schema->field[field];
  const hid_t type = f->type == CHI_UINT8    ? H5T_NATIVE_UINT8
                     : f->type == CHI_UINT64 ? H5T_NATIVE_UINT64
                                             : H5T_NATIVE_FLOAT;
  return chi_h5_box(d->old->group[a].set[field], false, type, f->rank, start, count, memory);
}

/* ---- which bins are kept ---- */

/* Mark the bins (site, time) that some row keeps. */
static chi_status mark_kept(const chi_store *old, int32_t a, uint8_t *kept)
{
  const int64_t *length = old->group[a].length, bins = length[CHI_SITE] * length[CHI_TIME];
  float *lower = NULL;
  chi_status s = chi_alloc(bins, sizeof *lower, "summaries", &lower);
  for (int64_t row = 0; row < length[CHI_ROW] && s == CHI_OK; row++) {
    const int64_t start[] = {row, 0, 0}, count[] = {1, length[CHI_SITE], length[CHI_TIME]};
    s = chi_store_read_field(old, a, CHI_BOOT_SUMMARY + CHI_VAL_R_LOWER, start, count, lower);
    for (int64_t i = 0; i < bins && s == CHI_OK; i++)
      if (lower[i] > 0) kept[i] = 1;
  }
  chi_free(lower);
  return s;
}

/* List the entries of all rows that have a layer: counted where `place` is NULL. */
static int64_t list_entries(const chi_group_content *g, const uint8_t *kept,
                            int32_t *const place[3])
{
  char *const *layer = g->label[CHI_CHOSEN_LAYER];
  const int64_t sites = g->length[CHI_SITE], times = g->length[CHI_TIME];
  int64_t n = 0;
  for (int64_t i = 0; i < g->length[CHI_ROW] * sites; i++)
    for (int64_t b = 0; b < times && layer[i][0] != '\0'; b++) {
      if (kept[i % sites * times + b] == 0) continue;
      if (place != NULL) {
        place[0][n] = (int32_t)(i / sites);
        place[1][n] = (int32_t)(i % sites);
        place[2][n] = (int32_t)b;
      }
      n++;
    }
  return n;
}

static chi_status add_entries(const chi_store *old, int32_t a, chi_group_content *g)
{
  uint8_t *kept = NULL;
  int32_t *place[3];
  chi_status s = chi_alloc(g->length[CHI_SITE] * g->length[CHI_TIME], 1, "kept bins", &kept);
  if (s == CHI_OK) s = mark_kept(old, a, kept);
  if (s == CHI_OK) g->length[CHI_ENTRY] = list_entries(g, kept, NULL);
  for (int k = 0; k < 3 && s == CHI_OK; k++) {
    s = chi_alloc(g->length[CHI_ENTRY], sizeof(int32_t), "kept bins",
                  &g->label[CHI_BOOT_KEPT_ROW + k]);
    place[k] = g->label[CHI_BOOT_KEPT_ROW + k];
  }
  if (s == CHI_OK) list_entries(g, kept, place);
  chi_free(kept);
  return s;
}

/* ---- the new file's numbers ---- */

/* A table that stays as it is, row by row. */
static herr_t copy_table(const dropping *d, int32_t a, int field, hid_t to)
{
  const chi_field *f = &d->old->schema->field[field];
  const int64_t *length = d->old->group[a].length;
  int64_t start[CHI_SCHEMA_RANK] = {0}, count[CHI_SCHEMA_RANK] = {1, 1, 1, 1};
  for (int k = 1; k < f->rank; k++) count[k] = length[f->dim[k]];
  const hid_t type = H5Dget_type(to);
  void *data = NULL;
  herr_t failed =
      chi_alloc(count[1] * count[2], chi_field_bytes(f), f->name, &data) == CHI_OK ? 0 : -1;
  for (; failed >= 0 && start[0] < length[CHI_ROW]; start[0]++) {
    failed = read_old(d, a, field, start, count, data);
    if (failed >= 0) failed = chi_h5_box(to, true, type, f->rank, start, count, data);
  }
  H5Tclose(type);
  chi_free(data);
  return failed;
}

/* The fields of a kept bin, in the file and in memory. */
typedef struct kept_room {
  hid_t checksums, set[2];
  float *all[2], *kept[2]; /* replicate x time of a row and site; bin x replicate */
  uint64_t *checksum;      /* bin */
} kept_room;

static chi_status kept_open(const chi_group_content *g, hid_t group, kept_room *k)
{
  const chi_field *field = &chi_bootstrap_schema.field[CHI_BOOT_KEPT_CHECKSUM];
  const int64_t n = g->length[CHI_REPLICATE] * g->length[CHI_TIME];
  k->checksums = H5Dopen2(group, field[0].name, H5P_DEFAULT);
  for (int h = 0; h < 2; h++) {
    k->set[h] = H5Dopen2(group, field[1 + h].name, H5P_DEFAULT);
    CHI_TRY(chi_alloc(n, sizeof *k->all[h], "replicates", &k->all[h]));
    CHI_TRY(chi_alloc(n, sizeof *k->kept[h], "replicates", &k->kept[h]));
  }
  CHI_TRY(chi_alloc(g->length[CHI_TIME], sizeof *k->checksum, "checksums", &k->checksum));
  return k->checksums < 0 || k->set[0] < 0 || k->set[1] < 0 ? CHI_ERR_IO : CHI_OK;
}

static herr_t kept_close(kept_room *k)
{
  herr_t failed = k->checksums >= 0 ? H5Dclose(k->checksums) : 0;
  for (int h = 0; h < 2; h++) {
    if (k->set[h] >= 0 && H5Dclose(k->set[h]) < 0) failed = -1;
    chi_free(k->all[h]);
    chi_free(k->kept[h]);
  }
  chi_free(k->checksum);
  return failed;
}

/* Entries [first, end), of one row and site, turned to (bin, replicate), and their checksums. */
static herr_t copy_entries(const dropping *d, int32_t a, int64_t first, int64_t end, kept_room *k)
{
  const chi_group_content *g = &d->content->group[a];
  const int32_t *row = g->label[CHI_BOOT_KEPT_ROW], *site = g->label[CHI_BOOT_KEPT_ROW + 1];
  const int32_t *time = g->label[CHI_BOOT_KEPT_ROW + 2];
  const int64_t n = g->length[CHI_REPLICATE], times = g->length[CHI_TIME];
  const int64_t start[] = {row[first], site[first], 0, 0}, count[] = {1, 1, n, times};
  const int64_t there[] = {first, 0}, size[] = {end - first, n};
  herr_t failed = 0;
  for (int h = 0; h < 2 && failed >= 0; h++) {
    failed = read_old(d, a, CHI_BOOT_VAL_R + h, start, count, k->all[h]);
    for (int64_t i = 0; i < end - first; i++)
      for (int64_t r = 0; r < n; r++)
        k->kept[h][i * n + r] = k->all[h][r * times + time[first + i]];
    if (failed >= 0)
      failed = chi_h5_box(k->set[h], true, H5T_NATIVE_FLOAT, 2, there, size, k->kept[h]);
  }
  for (int64_t i = 0; i < end - first; i++) {
    const float *entry[] = {k->kept[0] + i * n, k->kept[1] + i * n};
    k->checksum[i] = chi_store_checksum(2, entry, n);
  }
  return failed < 0
             ? failed
             : chi_h5_box(k->checksums, true, H5T_NATIVE_UINT64, 1, there, size, k->checksum);
}

static herr_t copy_kept(const dropping *d, int32_t a, hid_t group)
{
  const chi_group_content *g = &d->content->group[a];
  const int32_t *row = g->label[CHI_BOOT_KEPT_ROW], *site = g->label[CHI_BOOT_KEPT_ROW + 1];
  kept_room k = {.checksums = -1, .set = {-1, -1}};
  herr_t failed = kept_open(g, group, &k) == CHI_OK ? 0 : -1;
  for (int64_t first = 0, end; failed >= 0 && first < g->length[CHI_ENTRY]; first = end) {
    for (end = first + 1;
         end < g->length[CHI_ENTRY] && row[end] == row[first] && site[end] == site[first];)
      end++;
    failed = copy_entries(d, a, first, end, &k);
  }
  return kept_close(&k) < 0 ? -1 : failed;
}

static chi_status fill_group(const dropping *d, int32_t a)
{
  const chi_schema *schema = d->content->schema;
  const hid_t group = H5Gopen2(d->file, d->content->group[a].name, H5P_DEFAULT);
  herr_t failed = group < 0 ? -1 : 0;
  for (int i = 0; i < CHI_BOOT_KEPT_CHECKSUM && failed >= 0; i++) {
    const chi_field *f = &schema->field[i];
    if (f->role == CHI_LABEL || !chi_field_in(f, d->content->variants)) continue;
    const hid_t to = H5Dopen2(group, f->name, H5P_DEFAULT);
    failed = to < 0 ? -1 : copy_table(d, a, i, to);
    if (to >= 0 && H5Dclose(to) < 0) failed = -1;
  }
  if (failed >= 0) failed = copy_kept(d, a, group);
  if (group >= 0) H5Gclose(group);
  return failed < 0 ? CHI_ERR_IO : CHI_OK;
}

static chi_status fill(hid_t file, void *context)
{
  dropping *d = context;
  d->file = file;
  for (int32_t a = 0; a < d->content->n_groups; a++) CHI_TRY(fill_group(d, a));
  return CHI_OK;
}

static chi_status rewrite(const char *run, chi_content *content, const chi_provenance *provenance,
                          int ranks)
{
  chi_store *old = NULL;
  chi_content labels;
  CHI_TRY(chi_store_open_read(run, content->schema, &old, &labels));
  chi_content_free(&labels);
  chi_status s = CHI_OK;
  for (int32_t a = 0; a < content->n_groups && s == CHI_OK; a++)
    s = add_entries(old, a, &content->group[a]);
  content->variants = (content->variants & CHI_BY_SPACE) | CHI_DROPPED;
  dropping d = {.old = old, .content = content};
  if (s == CHI_OK) s = chi_store_make(run, content, provenance, ranks, fill, &d);
  return chi_store_finish(&old, s);
}

chi_status chi_store_drop(const char *run, chi_content *content, const chi_provenance *provenance,
                          int ranks)
{
  int lock = -1;
  CHI_TRY(chi_lock_alone(run, 30, &lock));
  const chi_status s = rewrite(run, content, provenance, ranks);
  chi_lock_release(&lock);
  return s;
}
