/* From feature files to feature spaces: one list per alignment, the same for all its subjects. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "study/catalog.h"

/* One selected layer of one file. */
typedef struct entry {
  const chi_model_record *model;
  const chi_layer_record *layer;
  int32_t depth;
} entry;

static int by_name(const void *a, const void *b)
{
  const entry *p = a, *q = b;
  const int models = strcmp(p->model->model, q->model->model);
  const int layers = models != 0 ? models : strcmp(p->layer->name, q->layer->name);
  return layers != 0
             ? layers
             : (p->model->dataset > q->model->dataset) - (p->model->dataset < q->model->dataset);
}

static int by_depth(const void *a, const void *b)
{
  const entry *p = a, *q = b;
  const int models = strcmp(p->model->model, q->model->model);
  if (models != 0) return models;
  return p->depth != q->depth ? (p->depth > q->depth) - (p->depth < q->depth) : by_name(a, b);
}

static bool same_layer(const entry *a, const entry *b)
{
  return strcmp(a->model->model, b->model->model) == 0 &&
         strcmp(a->layer->name, b->layer->name) == 0;
}

/* A model is one thing in all its files: each is compared with the first of its name. */
static void compare_models(const chi_catalog *catalog)
{
  for (int64_t i = 0; i < catalog->n_models; i++) {
    const chi_model_record *b = &catalog->model[i], *a = catalog->model;
    while (strcmp(a->model, b->model) != 0) a++;
    for (int k = 0; k < CHI_N_KINDS; k++)
      if (a->kind[k] != NULL && b->kind[k] != NULL && strcmp(a->kind[k], b->kind[k]) != 0)
        chi_findings_add(catalog->findings, true,
                         "%s: attribute %s of / is \"%s\", but %s says \"%s\"; expected the same "
                         "in all files of a model",
                         b->path, chi_model_kinds[k], b->kind[k], a->path, a->kind[k]);
  }
}

/* All layers of the alignment, selected or not, in the order of model, name and dataset. */
static chi_status gather(const chi_catalog *catalog, int32_t alignment, entry **out, int64_t *n)
{
  int64_t room = 0;
  for (int64_t i = 0; i < catalog->n_models; i++) room += catalog->model[i].n_layers;
  CHI_TRY(chi_alloc(room, sizeof **out, "layers", out));
  *n = 0;
  for (int64_t i = 0; i < catalog->n_models; i++) {
    const chi_model_record *model = &catalog->model[i];
    if (catalog->study->datasets[model->dataset].alignment != alignment) continue;
    for (int64_t j = 0; j < model->n_layers; j++)
      (*out)[(*n)++] = (entry){model, &model->layer[j], model->layer[j].depth};
  }
  if (*n > 0) qsort(*out, (size_t)*n, sizeof **out, by_name);
  return CHI_OK;
}

/* Give layers without a depth their place among the model's names, and compare those with one. */
static void settle_depths(const chi_catalog *catalog, entry *e, int64_t n)
{
  int32_t place = 0;
  for (int64_t i = 0; i < n; i++) {
    const bool same = i > 0 && same_layer(&e[i - 1], &e[i]);
    if (i > 0 && !same)
      place = strcmp(e[i - 1].model->model, e[i].model->model) == 0 ? place + 1 : 0;
    if (!e[i].layer->has_depth) e[i].depth = place;
    if (!same || !e[i].layer->selected) continue;
    if (e[i].depth != e[i - 1].depth || e[i].layer->has_depth != e[i - 1].layer->has_depth) {
      chi_findings_add(
          catalog->findings, true,
          "%s: attribute depth of /layers/%s is %d, but %s has %d; expected the same in "
          "all files of a model",
          e[i].model->path, e[i].layer->name, e[i].depth, e[i - 1].model->path, e[i - 1].depth);
      e[i].depth = e[i - 1].depth; /* keep the space in one piece */
    }
  }
}

static chi_status start_space(const entry *e, int32_t n_datasets, chi_feature_space *space)
{
  char *const *kind = e->model->kind;
  char **const out[] = {&space->network, &space->modality, &space->training};
  space->depth = e->depth;
  CHI_TRY(chi_strdup(e->model->model, &space->model));
  CHI_TRY(chi_strdup(e->layer->name, &space->layer));
  for (int k = 0; k < CHI_N_KINDS; k++) CHI_TRY(chi_strdup(kind[k] == NULL ? "" : kind[k], out[k]));
  return chi_alloc(n_datasets, sizeof *space->n_features, "features", &space->n_features);
}

static chi_status fill_spaces(const chi_catalog *catalog, chi_alignment *alignment, const entry *e,
                              int64_t n)
{
  CHI_TRY(chi_alloc(n, sizeof *alignment->space, "feature spaces", &alignment->space));
  for (int64_t i = 0; i < n; i++) {
    if (i == 0 || !same_layer(&e[i - 1], &e[i])) {
      alignment->n_spaces++;
      CHI_TRY(
          start_space(&e[i], alignment->n_datasets, &alignment->space[alignment->n_spaces - 1]));
    }
    const int32_t subject = catalog->study->datasets[e[i].model->dataset].subject_index;
    alignment->space[alignment->n_spaces - 1].n_features[subject] = e[i].layer->n_features;
  }
  return CHI_OK;
}

/* Each layer for each subject, or a finding: one for a whole model that has no file. */
static void check_complete(const chi_catalog *catalog, const chi_alignment *alignment)
{
  const chi_study *study = catalog->study;
  for (int32_t s = 0; s < alignment->n_datasets; s++) {
    const char *reported = "";
    for (int64_t i = 0; i < alignment->n_spaces; i++) {
      const chi_feature_space *space = &alignment->space[i];
      const chi_dataset *d = &study->datasets[alignment->dataset[s]];
      if (space->n_features[s] > 0 || strcmp(reported, space->model) == 0) continue;
      bool has_model = false;
      for (int64_t j = 0; j < alignment->n_spaces; j++)
        has_model = has_model || (alignment->space[j].n_features[s] > 0 &&
                                  strcmp(alignment->space[j].model, space->model) == 0);
      if (!has_model) reported = space->model;
      chi_findings_add(catalog->findings, true,
                       "features/%s.%s/%s.h5: %s%s is missing, but other subjects have it; add it, "
                       "or leave it out for this subject with --allow-missing",
                       d->subject, alignment->name, space->model, has_model ? "/layers/" : "the ",
                       has_model ? space->layer : "model");
    }
  }
}

static chi_status join_alignment(const chi_catalog *catalog, int32_t index)
{
  chi_alignment *alignment = &catalog->study->alignments[index];
  entry *e = NULL;
  int64_t n = 0, n_selected = 0;
  chi_status status = gather(catalog, index, &e, &n);
  if (status == CHI_OK) {
    settle_depths(catalog, e, n);
    for (int64_t i = 0; i < n; i++)
      if (e[i].layer->selected) e[n_selected++] = e[i];
    if (n_selected > 0) qsort(e, (size_t)n_selected, sizeof *e, by_depth);
    status = fill_spaces(catalog, alignment, e, n_selected);
  }
  if (status == CHI_OK && alignment->n_spaces == 0)
    chi_findings_add(catalog->findings, true,
                     "alignment %s: there is no feature space to fit; expected "
                     "features/<subject>.%s/<model>.h5 with /layers",
                     alignment->name, alignment->name);
  if (status == CHI_OK && !catalog->selection->allow_missing) check_complete(catalog, alignment);
  chi_free(e);
  return status;
}

chi_status chi_spaces_join(const chi_catalog *catalog)
{
  compare_models(catalog);
  for (int32_t a = 0; a < catalog->study->n_alignments; a++) CHI_TRY(join_alignment(catalog, a));
  return CHI_OK;
}
