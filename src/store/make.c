/* Making a results file with its labels and empty tables. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "h5/labelled.h"
#include "h5/whole.h"
#include "store/internal.h"

#ifndef CHIASM_GIT_REVISION
#define CHIASM_GIT_REVISION "unknown"
#endif

/* What chi_store_make hands to write_contents. */
typedef struct making {
  const chi_content *content;
  const chi_provenance *provenance;
  int ranks;
  chi_store_fill *fill;
  void *context;
} making;

static herr_t put_int(hid_t file, const char *name, int32_t value)
{
  return chi_h5_put_int32(file, name, -1, &value);
}

/* Where the study lies is kept from the root on, since a run outlives the folder it was started in.
 */
static herr_t put_attributes(hid_t file, const making *m)
{
  char created[32], host[128] = "", *real = realpath(m->content->study, NULL);
  chi_clock_iso8601(0, created, sizeof created);
  gethostname(host, sizeof host - 1);
  const struct {
    const char *name, *value;
  } texts[] = {{"config", m->provenance->config},
               {"study", real != NULL ? real : m->content->study},
               {"study_checksum", m->provenance->study_checksum},
               {"run_version", CHIASM_VERSION},
               {"run_git_revision", CHIASM_GIT_REVISION},
               {"run_created", created},
               {"run_blas_kernel", m->provenance->blas_kernel},
               {"run_libraries", m->provenance->libraries},
               {"run_host", host}};
  herr_t failed = put_int(file, "chiasm_format", CHI_RUN_FORMAT);
  for (size_t i = 0; i < sizeof texts / sizeof *texts && failed >= 0; i++)
    failed = chi_h5_put_text(file, texts[i].name, texts[i].value);
  if (failed >= 0) failed = put_int(file, "run_mpi_ranks", m->ranks);
  if (failed >= 0) failed = put_int(file, "run_threads_per_rank", m->provenance->threads_per_rank);
  if (failed >= 0 && m->content->has_seed)
    failed = chi_h5_put_int64(file, "seed", (int64_t)m->content->seed);
  free(real);
  return failed;
}

/* HDF5's types of a field, in the file and in memory. */
static void types_of(const chi_labelled *l, chi_field_type type, hid_t *file, hid_t *memory)
{
  const hid_t of_file[] = {l->text,        H5T_STD_I32LE, H5T_IEEE_F32LE,
                           H5T_IEEE_F64LE, H5T_STD_U8LE,  H5T_STD_U64LE};
  const hid_t of_memory[] = {l->text,           H5T_NATIVE_INT32, H5T_NATIVE_FLOAT,
                             H5T_NATIVE_DOUBLE, H5T_NATIVE_UINT8, H5T_NATIVE_UINT64};
  *file = of_file[type];
  *memory = of_memory[type];
}

static chi_status put_label(chi_labelled *l, const chi_content *content, const chi_field *f,
                            const chi_group_content *g)
{
  const void *values = g->label[f - content->schema->field];
  hid_t file, memory;
  types_of(l, f->type, &file, &memory);
  if (values == NULL) return chi_labelled_put_count(l, f->dim[0]);
  if (f == &content->schema->field[chi_schema_scale(content->schema, f->dim[0], content->variants)])
    CHI_TRY(chi_labelled_put_scale(l, f->dim[0], file, memory, values));
  else
    CHI_TRY(chi_labelled_put(l, f->name, file, memory, f->rank, f->dim, values));
  if (f->units != NULL) CHI_TRY(chi_labelled_attribute(l, f->name, "units", f->units));
  if (g->space != NULL && f->units != NULL && strcmp(f->units, "mm") == 0)
    return chi_labelled_attribute(l, f->name, "space", g->space);
  return CHI_OK;
}

/* Begin one alignment's group with its labels: the scales come before what stands along them. */
static chi_status put_labels(hid_t file, const making *m, int32_t a, chi_labelled *l)
{
  const chi_content *content = m->content;
  const chi_schema *schema = content->schema;
  const chi_group_content *g = &content->group[a];
  char checksum[CHI_DIGEST_TEXT];
  CHI_TRY(chi_labelled_begin(file, g->name, l));
  for (int d = 0; d < schema->n_dims; d++)
    chi_labelled_dim(l, chi_schema_dim_name(schema, d, content->variants), g->length[d]);
  for (int i = 0; i < schema->n_fields; i++) {
    const chi_field *f = &schema->field[i];
    if (f->role == CHI_LABEL && chi_field_in(f, content->variants))
      CHI_TRY(put_label(l, content, f, g));
  }
  if (g->block_length != NULL &&
      chi_h5_put_int32(l->group, "block_length", g->n_subjects, g->block_length) < 0)
    return CHI_ERR_IO;
  chi_content_digest(content, a, m->provenance->config, m->provenance->study_checksum, checksum);
  return chi_h5_put_text(l->group, "labels_checksum", checksum) < 0 ? CHI_ERR_IO : CHI_OK;
}

static chi_status make_tables(const chi_content *content, chi_labelled *l)
{
  const float nan = NAN;
  const uint64_t none = 0;
  for (int i = 0; i < content->schema->n_fields; i++) {
    const chi_field *f = &content->schema->field[i];
    hid_t file, memory;
    if (f->role == CHI_LABEL || !chi_field_in(f, content->variants)) continue;
    types_of(l, f->type, &file, &memory);
    CHI_TRY(chi_labelled_make(l, f->name, file, f->rank, f->dim, memory,
                              f->role == CHI_DATA ? (const void *)&nan : &none));
  }
  return CHI_OK;
}

static chi_status write_contents(hid_t file, void *context, const char **what)
{
  const making *m = context;
  const int32_t n = m->content->n_groups;
  chi_labelled *l = NULL;
  int32_t begun = 0;
  *what = "an attribute";
  if (put_attributes(file, m) < 0) return CHI_ERR_IO;
  chi_status s = chi_alloc(n, sizeof *l, "labels", &l);
  for (; begun < n && s == CHI_OK; begun++) {
    *what = m->content->group[begun].name;
    s = put_labels(file, m, begun, &l[begun]);
  }
  for (int32_t a = 0; a < n && s == CHI_OK; a++) s = make_tables(m->content, &l[a]);
  for (int32_t a = 0; a < n && s == CHI_OK; a++) s = chi_labelled_fill(&l[a]);
  for (int32_t a = 0; a < begun; a++) {
    const chi_status ended = chi_labelled_end(&l[a]);
    if (s == CHI_OK) s = ended;
  }
  chi_free(l);
  return s == CHI_OK && m->fill != NULL ? m->fill(file, m->context) : s;
}

chi_status chi_store_make(const char *run, const chi_content *content,
                          const chi_provenance *provenance, int ranks, chi_store_fill *fill,
                          void *context)
{
  making m = {content, provenance, ranks, fill, context};
  const int64_t bytes = chi_content_bytes(content, provenance);
  CHI_TRY(chi_h5_check_space(run, content->schema->file, bytes));
  return chi_h5_make(run, content->schema->file, bytes, write_contents, &m);
}
