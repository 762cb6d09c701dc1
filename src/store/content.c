#include "store/content.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/memory.h"
#include "h5/h5.h"
#include "h5/labelled.h"

/* How many labels a field has. */
static int64_t count_labels(const chi_field *f, const int64_t *length)
{
  int64_t n = 1;
  for (int d = 0; d < f->rank; d++) n *= length[f->dim[d]];
  return n;
}

/* A field's labels; NULL: counted from 0. */
static void digest_label(chi_digest *digest, const chi_field *f, const void *label, int64_t n)
{
  chi_digest_add_texts(digest, &f->name, 1);
  if (label != NULL && f->type == CHI_TEXT)
    chi_digest_add_texts(digest, label, n);
  else if (label != NULL)
    chi_digest_add(digest, label, n * chi_field_bytes(f));
  for (int32_t i = 0; label == NULL && i < n; i++) chi_digest_add(digest, &i, sizeof i);
}

void chi_content_digest(const chi_content *content, int32_t group, const char *config,
                        const char *study_checksum, char out[CHI_DIGEST_TEXT])
{
  const chi_group_content *g = &content->group[group];
  const char *const texts[] = {config, study_checksum, g->name};
  chi_digest digest;
  chi_digest_begin(&digest);
  chi_digest_add_texts(&digest, texts, 3);
  if (g->block_length != NULL)
    chi_digest_add(&digest, g->block_length, g->n_subjects * (int64_t)sizeof *g->block_length);
  for (int i = 0; i < content->schema->n_fields; i++) {
    const chi_field *f = &content->schema->field[i];
    if (f->role == CHI_LABEL && chi_field_in(f, content->variants))
      digest_label(&digest, f, g->label[i], count_labels(f, g->length));
  }
  chi_digest_print(&digest, out);
}

static void free_label(const chi_field *f, const int64_t *length, bool texts, void **label)
{
  if (f->type == CHI_TEXT && texts)
    chi_h5_free_strings((char ***)label, count_labels(f, length));
  else
    chi_free(*label);
  *label = NULL;
}

void chi_content_free(chi_content *content)
{
  for (int32_t a = 0; content->group != NULL && a < content->n_groups; a++) {
    chi_group_content *g = &content->group[a];
    for (int i = 0; i < content->schema->n_fields; i++)
      if (g->label[i] != NULL)
        free_label(&content->schema->field[i], g->length, content->read, &g->label[i]);
    chi_free(g->subject);
    chi_free(g->block_length);
    chi_free(g->name);
    chi_text_free(&g->names);
  }
  void *all[] = {content->group, content->study, content->config, content->study_checksum,
                 content->kernel};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) chi_free(all[i]);
  *content = (chi_content){.schema = content->schema};
}

chi_status chi_content_index_subjects(const chi_schema *schema, chi_group_content *g)
{
  int field = 0;
  while (strcmp(schema->field[field].name, "subject") != 0) field++;
  char *const *subject = g->label[field];
  CHI_TRY(chi_alloc(g->length[CHI_SITE], sizeof *g->subject, "subjects", &g->subject));
  for (int64_t i = 1; i < g->length[CHI_SITE]; i++)
    g->subject[i] = g->subject[i - 1] + (strcmp(subject[i], subject[i - 1]) != 0);
  return CHI_OK;
}

bool chi_content_has(const chi_content *content, int32_t group, int64_t row, int64_t site)
{
  const chi_group_content *g = &content->group[group];
  if (!content->schema->first)
    return ((char *const *)g->label[CHI_CHOSEN_LAYER])[row * g->length[CHI_SITE] + site][0] != '\0';
  const int32_t *n_features = g->label[CHI_FIT_N_FEATURES];
  return g->subject[site] < g->length[CHI_SUBJECT] &&
         n_features[row * g->length[CHI_SUBJECT] + g->subject[site]] > 0;
}

int64_t chi_content_bytes(const chi_content *content, const chi_provenance *provenance)
{
  const chi_schema *schema = content->schema;
  int64_t bytes = (1 << 17) + (int64_t)strlen(provenance->config);
  for (int32_t a = 0; a < content->n_groups; a++) {
    const chi_group_content *g = &content->group[a];
    bytes += 1 << 17;
    for (int i = 0; i < schema->n_fields; i++) {
      const chi_field *f = &schema->field[i];
      const int64_t n = count_labels(f, g->length);
      if (!chi_field_in(f, content->variants)) continue;
      if (f->type != CHI_TEXT) bytes += n * chi_field_bytes(f);
      for (int64_t k = 0; f->type == CHI_TEXT && k < n; k++)
        bytes += chi_labelled_text_bytes(((char *const *)g->label[i])[k]);
    }
  }
  return bytes;
}

const chi_group_content *chi_content_find(const chi_content *content, const char *name, int32_t *at)
{
  for (*at = 0; *at < content->n_groups; (*at)++)
    if (strcmp(content->group[*at].name, name) == 0) return &content->group[*at];
  return NULL;
}

char *const *chi_content_names(const chi_content *content, int32_t group, int dim)
{
  return content->group[group].label[chi_schema_scale(content->schema, dim, content->variants)];
}

static int by_name(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

chi_status chi_content_models(const chi_content *content, char ***name, int64_t *n)
{
  int64_t room = *n, kept = 0;
  for (int32_t a = 0; a < content->n_groups; a++) room += content->group[a].length[CHI_ROW];
  char **all = NULL;
  CHI_TRY(chi_alloc(room, sizeof *all, "models", &all));
  if (*n > 0) memcpy(all, *name, (size_t)*n * sizeof *all);
  for (int32_t a = 0; a < content->n_groups; a++) {
    const int64_t rows = content->group[a].length[CHI_ROW];
    if (rows > 0) memcpy(all + *n, content->group[a].label[CHI_MODEL], (size_t)rows * sizeof *all);
    *n += rows;
  }
  if (*n > 0) qsort(all, (size_t)*n, sizeof *all, by_name);
  for (int64_t i = 0; i < *n; i++)
    if (i == 0 || strcmp(all[i], all[kept - 1]) != 0) all[kept++] = all[i];
  *n = kept;
  chi_free(*name);
  *name = all;
  return CHI_OK;
}

chi_status chi_names_join(char *const *name, int64_t n, chi_text *out)
{
  for (int64_t i = 0; i < n; i++) chi_text_add(out, "%s%s", i == 0 ? "" : ",", name[i]);
  return out->failed ? chi_fail(CHI_ERR_MEMORY, "no memory for names") : CHI_OK;
}

void chi_content_name_cell(const chi_content *content, int32_t group, int record, int64_t cell,
                           char *text, size_t n)
{
  const chi_group_content *g = &content->group[group];
  const chi_record *r = &content->schema->record[record];
  const chi_field *flag = &content->schema->field[r->flag];
  const int64_t n_blocks = flag->rank > 2 ? g->length[flag->dim[2]] : 1;
  const int64_t place = cell / n_blocks, site = place % g->length[CHI_SITE];
  const bool by_model = !content->schema->first && (content->variants & CHI_BY_SPACE) == 0;
  char block[64] = "";
  if (n_blocks > 1) snprintf(block, sizeof block, ": block %lld", (long long)(cell % n_blocks));
  snprintf(text, n, "%s %s%s%s at %s%s: the %s", g->name,
           chi_content_names(content, group, CHI_ROW)[place / g->length[CHI_SITE]],
           by_model ? "/" : "", by_model ? ((char *const *)g->label[CHI_CHOSEN_LAYER])[place] : "",
           chi_content_names(content, group, CHI_SITE)[site], block, r->noun);
}

/* ---- readers' structs ---- */

static void *at(const void *view, size_t offset) { return (char *)view + offset; }

void chi_content_view(chi_content *content, int32_t group, void *view)
{
  const chi_schema *schema = content->schema;
  chi_group_content *g = &content->group[group];
  memcpy(view, &g->name, sizeof g->name);
  g->name = NULL;
  for (int d = 0; d < schema->n_dims; d++)
    if (schema->dim[d].view != CHI_NO_VIEW)
      memcpy(at(view, schema->dim[d].view), &g->length[d], sizeof g->length[d]);
  for (int i = 0; i < schema->n_fields; i++) {
    if (schema->field[i].view == CHI_NO_VIEW) continue;
    memcpy(at(view, schema->field[i].view), &g->label[i], sizeof g->label[i]);
    g->label[i] = NULL;
  }
}

void chi_content_free_view(const chi_schema *schema, void *view)
{
  int64_t length[CHI_SCHEMA_DIMS] = {0};
  void *label;
  for (int d = 0; d < schema->n_dims; d++)
    if (schema->dim[d].view != CHI_NO_VIEW)
      memcpy(&length[d], at(view, schema->dim[d].view), sizeof length[d]);
  for (int i = 0; i < schema->n_fields; i++) {
    if (schema->field[i].view == CHI_NO_VIEW) continue;
    memcpy(&label, at(view, schema->field[i].view), sizeof label);
    if (label != NULL) free_label(&schema->field[i], length, true, &label);
  }
  memcpy(&label, view, sizeof label);
  chi_free(label);
}
