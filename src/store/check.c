/* Whether a results file is the one that would be made, and which of its cells are whole. */
#include <stdio.h>
#include <string.h>

#include "base/agree.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/config.h"
#include "store/internal.h"

enum { MAX_NAMED = 10, PIECE = 1 << 30 };

/* Options first: another selection also makes another checksum, and says less. */
static chi_status check_texts(const char *run, const chi_content *there,
                              const chi_provenance *provenance)
{
  CHI_TRY(chi_config_compare(run, there->config, provenance->config));
  if (strcmp(there->study_checksum, provenance->study_checksum) != 0)
    return chi_fail(CHI_ERR_USAGE,
                    "%s: the study has changed since this run was made (checksum %s then, %s now); "
                    "put the old files back, or --overwrite the run",
                    run, there->study_checksum, provenance->study_checksum);
  if (provenance->blas_kernel != NULL && strcmp(there->kernel, provenance->blas_kernel) != 0)
    return chi_fail(
        CHI_ERR_USAGE,
        "%s: was begun with the BLAS kernel %s, this is %s, whose scores differ in their "
        "last digit; go on with OPENBLAS_CORETYPE=%s in the environment, or --overwrite",
        run, there->kernel, provenance->blas_kernel, there->kernel);
  return CHI_OK;
}

/* What the file has that differs. */
static chi_status differ(const char *path, const chi_schema *schema, const char *alignment,
                         const char *what)
{
  return chi_fail(CHI_ERR_USAGE, "%s: /%s: %s is not what %s; %s --overwrite the %s", path,
                  alignment, what,
                  schema->first ? "the study has there" : "fit.h5 and the study give now",
                  schema->first ? "put the old study back, or" : "fit.h5 has changed since:",
                  schema->first ? "run" : schema->stage);
}

/* The first place at which two lists of labels differ; -1: none. */
static int64_t first_difference(const chi_field *f, int64_t n, const void *a, const void *b)
{
  const size_t size = (size_t)chi_field_bytes(f);
  char *const *x = a, *const *y = b;
  for (int64_t i = 0; i < n; i++)
    if (f->type == CHI_TEXT ? strcmp(x[i], y[i]) != 0
                            : memcmp((const char *)a + (size_t)i * size,
                                     (const char *)b + (size_t)i * size, size) != 0)
      return i;
  return -1;
}

static chi_status compare_label(const char *path, const chi_content *content, int32_t a, int field,
                                const chi_group_content *there)
{
  const chi_schema *schema = content->schema;
  const chi_field *f = &schema->field[field];
  const chi_group_content *here = &content->group[a];
  int64_t n = 1;
  for (int d = 0; d < f->rank; d++) n *= here->length[f->dim[d]];
  const int64_t at = first_difference(f, n, there->label[field], here->label[field]);
  if (at < 0) return CHI_OK;
  /* a place of a table is named by its site, of a list by its own name */
  const int dim = f->rank == 1 ? f->dim[0] : CHI_SITE;
  const int scale = chi_schema_scale(schema, dim, content->variants);
  char what[1024];
  if (schema->field[scale].type == CHI_TEXT)
    snprintf(what, sizeof what, "%s of %s", f->long_name,
             ((char *const *)there->label[scale])[dim == CHI_ROW ? at : at % here->length[dim]]);
  else
    snprintf(what, sizeof what, "%s", f->long_name);
  return differ(path, schema, here->name, what);
}

static chi_status compare_group(const char *path, const chi_content *content, int32_t a,
                                const chi_group_content *there)
{
  const chi_schema *schema = content->schema;
  const chi_group_content *here = &content->group[a];
  char what[256];
  if (strcmp(here->name, there->name) != 0) {
    snprintf(what, sizeof what, "the alignment %.200s", there->name);
    return differ(path, schema, here->name, what);
  }
  for (int d = 0; d < schema->n_dims; d++) {
    if (d == CHI_ENTRY || here->length[d] == there->length[d]) continue;
    return chi_fail(CHI_ERR_USAGE,
                    "%s: /%s has %lld %s, the study now %lld; put the old study back, or "
                    "--overwrite the run",
                    path, here->name, (long long)there->length[d], schema->dim[d].plural,
                    (long long)here->length[d]);
  }
  for (int i = 0; i < schema->n_fields; i++)
    if (here->label[i] != NULL) CHI_TRY(compare_label(path, content, a, i, there));
  for (int32_t i = 0; here->block_length != NULL && i < here->n_subjects; i++)
    if (there->n_subjects != here->n_subjects || there->block_length[i] != here->block_length[i])
      return differ(path, schema, here->name, "the length of its blocks of events");
  return CHI_OK;
}

static chi_status compare(const char *run, const char *path, const chi_content *content,
                          const chi_provenance *provenance, const chi_content *there)
{
  CHI_TRY(check_texts(run, there, provenance));
  if (there->n_groups != content->n_groups)
    return chi_fail(
        CHI_ERR_USAGE,
        "%s: holds %d alignments, the study %d; put the old study back, or --overwrite the run",
        path, there->n_groups, content->n_groups);
  if ((there->variants & CHI_BY_SPACE) != (content->variants & CHI_BY_SPACE))
    return differ(path, content->schema, "", "the kind of its rows, models or feature spaces,");
  for (int32_t a = 0; a < content->n_groups; a++)
    CHI_TRY(compare_group(path, content, a, &there->group[a]));
  return CHI_OK;
}

/* Of a file without replicates nothing can be made again alone. It is not put aside unasked: most
 * of it is good, and making it took long. */
static chi_status not_whole(const chi_store *store, const char *what)
{
  return chi_fail(CHI_ERR_USAGE,
                  "%s: %s do not fit their checksum; put an undamaged copy back, or --overwrite "
                  "makes all of it again",
                  store->path, what);
}

static chi_status check_dropped(const chi_store *store, const chi_content *there, int32_t a)
{
  const int64_t n = chi_store_cells(store, a, CHI_SUMMARIES);
  uint8_t *torn = NULL;
  int64_t entry = -1;
  char name[1024];
  CHI_TRY(chi_alloc(n, 1, "flags", &torn));
  chi_status s = chi_store_find_share(store, a, CHI_SUMMARIES, 0, 1, torn);
  const uint8_t *first = memchr(torn, 1, (size_t)n);
  if (s == CHI_OK && first != NULL) {
    chi_content_name_cell(there, a, CHI_SUMMARIES, first - torn, name, sizeof name);
    s = not_whole(store, name);
  }
  chi_free(torn);
  if (s == CHI_OK) s = chi_store_find_torn_kept(store, a, &entry);
  if (s == CHI_OK && entry >= 0) {
    snprintf(name, sizeof name, "%s: entry %lld of the kept bins: the replicates",
             there->group[a].name, (long long)entry);
    s = not_whole(store, name);
  }
  return s;
}

chi_status chi_store_check(const char *run, const chi_content *content,
                           const chi_provenance *provenance, unsigned *variants)
{
  chi_store *store = NULL;
  chi_content there;
  CHI_TRY(chi_store_open_read(run, content->schema, &store, &there));
  chi_status s = compare(run, store->path, content, provenance, &there);
  for (int32_t a = 0; a < there.n_groups && (there.variants & CHI_DROPPED) != 0 && s == CHI_OK; a++)
    s = check_dropped(store, &there, a);
  *variants = there.variants;
  chi_content_free(&there);
  return chi_store_finish(&store, s);
}

chi_status chi_store_find_torn(MPI_Comm comm, const chi_store *store, int32_t group, int record,
                               uint8_t *torn)
{
  const int64_t n = chi_store_cells(store, group, record);
  int rank, size;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  memset(torn, 0, (size_t)n);
  CHI_TRY(chi_agree(comm, chi_store_find_share(store, group, record, rank, size, torn)));
  for (int64_t at = 0; at < n; at += PIECE)
    MPI_Allreduce(MPI_IN_PLACE, torn + at, chi_int_cast(n - at < PIECE ? n - at : PIECE),
                  MPI_UINT8_T, MPI_MAX, comm);
  return CHI_OK;
}

/* ---- on resume ---- */

/* One line per row, for the first of them. */
static void name_torn(const chi_store *store, const chi_content *content, int32_t a,
                      const uint8_t *torn, int64_t *n_named)
{
  const chi_schema *schema = store->schema;
  const chi_group_content *g = &content->group[a];
  const int64_t n_blocks = chi_store_blocks(store, a, 0), cells = g->length[CHI_SITE] * n_blocks;
  char *const *row = g->label[chi_schema_scale(schema, CHI_ROW, content->variants)];
  char *const *site = g->label[chi_schema_scale(schema, CHI_SITE, content->variants)];
  for (int64_t i = 0; i < g->length[CHI_ROW]; i++, torn += cells) {
    int64_t n = 0, first = 0;
    for (int64_t k = cells - 1; k >= 0; k--) {
      n += torn[k];
      if (torn[k] != 0) first = k / n_blocks;
    }
    if (n == 0 || ++*n_named > MAX_NAMED) continue;
    chi_log(CHI_LOG_WARNING,
            "%s: %s %s: the %s of %lld %s%s%s%s%s were cut short while they were written; they are "
            "calculated again",
            store->path, g->name, row[i], schema->record[0].noun, (long long)n,
            n_blocks > 1 ? "block" : "site", n == 1 ? "" : "s", n == 1 ? ": " : ", from ",
            site[first], n == 1 ? "," : " on,");
  }
}

/* Set back what is torn or failed, known to all ranks. \return how many flags of the file change */
static int64_t reset(chi_store *store, int32_t a, const uint8_t *torn)
{
  uint8_t *done = store->group[a].flags[0];
  int64_t changed = 0;
  for (int64_t i = 0; i < chi_store_cells(store, a, 0); i++) {
    store->torn += torn[i];
    const bool stays = done[i] == CHI_DONE_WRITTEN && torn[i] == 0;
    changed += done[i] != CHI_DONE_NOT_YET && !stays;
    done[i] = stays ? CHI_DONE_WRITTEN : CHI_DONE_NOT_YET;
  }
  return changed;
}

static chi_status verify_group(chi_store *store, const chi_content *content, int32_t a,
                               int64_t *n_named)
{
  uint8_t *torn = NULL;
  chi_status s = chi_alloc(chi_store_cells(store, a, 0), 1, "flags", &torn);
  if (s == CHI_OK) s = chi_store_transfer_flags(store, a, 0, false);
  s = chi_agree(store->comm, s);
  if (s == CHI_OK) s = chi_store_find_torn(store->comm, store, a, 0, torn);
  if (s == CHI_OK) {
    if (store->rank == 0) name_torn(store, content, a, torn, n_named);
    if (reset(store, a, torn) > 0 && store->rank == 0)
      s = chi_store_transfer_flags(store, a, 0, true);
    /* the summaries follow from them: they are made again */
    for (int r = 1; r < store->schema->n_records && store->rank == 0 && s == CHI_OK; r++)
      s = chi_store_transfer_flags(store, a, r, true);
  }
  chi_free(torn);
  return chi_agree(store->comm, s);
}

chi_status chi_store_verify(chi_store *store, const chi_content *content)
{
  int64_t n_named = 0;
  for (int32_t a = 0; a < store->n_groups; a++) CHI_TRY(verify_group(store, content, a, &n_named));
  if (store->rank == 0 && n_named > MAX_NAMED)
    chi_log(CHI_LOG_WARNING, "%s: and those of %lld more rows", store->path,
            (long long)(n_named - MAX_NAMED));
  return CHI_OK;
}
