/* A results file as it is open, to write or to read. */
#include <stdio.h>
#include <string.h>

#include "base/agree.h"
#include "base/file.h"
#include "base/memory.h"
#include "h5/h5.h"
#include "store/internal.h"
#include "store/lock.h"

chi_status chi_store_create(const char *run, const chi_schema *schema, chi_store **out)
{
  CHI_TRY(chi_alloc(1, sizeof **out, "results", out));
  chi_store *store = *out;
  store->comm = MPI_COMM_NULL;
  store->lock = -1;
  store->file = -1;
  store->size = 1;
  store->schema = schema;
  CHI_TRY(chi_path_join(store->path, run, schema->file));
  snprintf(store->run, sizeof store->run, "%s", run);
  return CHI_OK;
}

chi_status chi_store_add_groups(chi_store *store, int32_t n)
{
  CHI_TRY(chi_alloc(n, sizeof *store->group, "results", &store->group));
  store->n_groups = n;
  for (int32_t a = 0; a < n; a++)
    for (int f = 0; f < CHI_SCHEMA_FIELDS; f++) store->group[a].set[f] = -1;
  return CHI_OK;
}

static chi_status open_to_read(chi_store *store, chi_content *labels)
{
  chi_h5_lock();
  chi_status s = chi_h5_open_read(store->path, store->path, &store->file);
  if (s == CHI_OK) s = chi_content_read(store->file, store->path, labels);
  if (s == CHI_OK) s = chi_store_add_groups(store, labels->n_groups);
  store->variants = labels->variants;
  for (int32_t a = 0; a < store->n_groups && s == CHI_OK; a++) {
    memcpy(store->group[a].length, labels->group[a].length, sizeof labels->group[a].length);
    s = chi_strdup(labels->group[a].name, &store->group[a].name);
    if (s == CHI_OK) s = chi_store_open_fields(store, a);
  }
  chi_h5_unlock();
  for (int32_t a = 0; a < store->n_groups; a++)
    for (int r = 0; r < store->schema->n_records && s == CHI_OK; r++)
      s = chi_store_transfer_flags(store, a, r, false);
  return s;
}

chi_status chi_store_open_read(const char *run, const chi_schema *schema, chi_store **out,
                               chi_content *labels)
{
  chi_store *store = NULL;
  *out = NULL;
  *labels = (chi_content){.schema = schema};
  chi_status s = chi_store_create(run, schema, &store);
  if (s == CHI_OK) s = open_to_read(store, labels);
  if (s != CHI_OK) {
    chi_content_free(labels);
    return chi_store_finish(&store, s);
  }
  *out = store;
  return CHI_OK;
}

chi_status chi_store_finish(chi_store **pointer, chi_status status)
{
  chi_store *store = *pointer;
  chi_kept kept;
  chi_keep(&kept, status);
  if (store == NULL) return chi_keep_first(&kept, CHI_OK);
  *pointer = NULL;
  chi_status s = CHI_OK;
  chi_h5_lock();
  for (int32_t a = 0; a < store->n_groups; a++)
    for (int f = 0; f < CHI_SCHEMA_FIELDS; f++)
      if (store->group[a].set[f] >= 0) H5Dclose(store->group[a].set[f]);
  if (store->file >= 0 && H5Fclose(store->file) < 0)
    s = chi_fail(CHI_ERR_IO, "%s: cannot be closed (%s)", store->path, chi_h5_reason());
  chi_h5_unlock();
  chi_lock_release(&store->lock); /* first: who comes back from here finds it free */
  s = chi_keep_first(&kept, s);
  if (store->comm != MPI_COMM_NULL) {
    s = chi_agree(store->comm, s);
    MPI_Comm_free(&store->comm);
  }
  for (int32_t a = 0; a < store->n_groups; a++) {
    for (int r = 0; r < CHI_SCHEMA_RECORDS; r++) chi_free(store->group[a].flags[r]);
    chi_free(store->group[a].name);
  }
  chi_free(store->group);
  chi_free(store);
  return s;
}

unsigned chi_store_variants(const chi_store *store) { return store->variants; }
int64_t chi_store_torn(const chi_store *store) { return store->torn; }
