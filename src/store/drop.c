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
    s = chi_store_read_field(old, a, CHI_BOOT_SUMMARY + 1, start, count, lower);
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
  char *const *layer = g->label[CHI_BOOT_LAYER];
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

/* The kept bins of every row and site, turned to (bin, replicate). */
static herr_t copy_kept(const dropping *d, int32_t a, int half, hid_t to)
{
  const chi_group_content *g = &d->content->group[a];
  const int32_t *row = g->label[CHI_BOOT_KEPT_ROW], *site = g->label[CHI_BOOT_KEPT_ROW + 1];
  const int32_t *time = g->label[CHI_BOOT_KEPT_ROW + 2];
  const int64_t n = g->length[CHI_REPLICATE], times = g->length[CHI_TIME];
  float *all = NULL, *kept = NULL;
  herr_t failed = chi_alloc(n * times, sizeof *all, "replicates", &all) == CHI_OK ? 0 : -1;
  if (failed >= 0)
    failed = chi_alloc(n * times, sizeof *kept, "replicates", &kept) == CHI_OK ? 0 : -1;
  for (int64_t first = 0, end; failed >= 0 && first < g->length[CHI_ENTRY]; first = end) {
    const int64_t start[] = {row[first], site[first], 0, 0}, count[] = {1, 1, n, times};
    failed = read_old(d, a, CHI_BOOT_VAL_R + half, start, count, all);
    for (end = first;
         end < g->length[CHI_ENTRY] && row[end] == row[first] && site[end] == site[first]; end++)
      for (int64_t r = 0; r < n; r++) kept[(end - first) * n + r] = all[r * times + time[end]];
    const int64_t there[] = {first, 0}, size[] = {end - first, n};
    if (failed >= 0) failed = chi_h5_box(to, true, H5T_NATIVE_FLOAT, 2, there, size, kept);
  }
  chi_free(all);
  chi_free(kept);
  return failed;
}

static chi_status fill_group(const dropping *d, int32_t a)
{
  const chi_schema *schema = d->content->schema;
  herr_t failed = 0;
  const hid_t group = H5Gopen2(d->file, d->content->group[a].name, H5P_DEFAULT);
  for (int i = 0; i < schema->n_fields && group >= 0 && failed >= 0; i++) {
    const chi_field *f = &schema->field[i];
    if (f->role == CHI_LABEL || !chi_field_in(f, d->content->variants)) continue;
    const hid_t to = H5Dopen2(group, f->name, H5P_DEFAULT);
    failed = to < 0                     ? -1
             : i >= CHI_BOOT_KEPT_VAL_R ? copy_kept(d, a, i - CHI_BOOT_KEPT_VAL_R, to)
                                        : copy_table(d, a, i, to);
    if (to >= 0 && H5Dclose(to) < 0) failed = -1;
  }
  if (group >= 0) H5Gclose(group);
  return group < 0 || failed < 0 ? CHI_ERR_IO : CHI_OK;
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
