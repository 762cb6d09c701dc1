/* What the results files of a study are to hold. */
#include <string.h>

#include "base/memory.h"
#include "store/content.h"

/* Room for the labels of a field. */
static chi_status add_label(const chi_content *c, chi_group_content *g, int field)
{
  const chi_field *f = &c->schema->field[field];
  int64_t n = 1;
  for (int d = 0; d < f->rank; d++) n *= g->length[f->dim[d]];
  return chi_alloc(n, chi_field_bytes(f), "labels", &g->label[field]);
}

/* The texts that were added to g->names one after the other, as the labels of a field. */
static chi_status take_names(const chi_content *c, chi_group_content *g, int64_t from, int64_t n,
                             int field)
{
  if (g->names.failed) return chi_fail(CHI_ERR_MEMORY, "no memory for labels");
  CHI_TRY(add_label(c, g, field));
  const char **label = g->label[field], *at = n > 0 ? g->names.s + from : NULL;
  for (int64_t i = 0; i < n; i++) {
    label[i] = at;
    at += strlen(at) + 1;
  }
  return CHI_OK;
}

/* ---- sites ---- */

/* The space that the subjects' coordinates are in. "mixed": not one; NULL: no file says. */
static const char *common_space(const chi_study *study, const chi_alignment *al)
{
  const char *space = NULL;
  for (int32_t d = 0; d < al->n_datasets; d++) {
    const char *one = study->datasets[al->dataset[d]].space;
    if (one[0] == '\0') continue;
    if (space != NULL && strcmp(space, one) != 0) return "mixed";
    space = one;
  }
  return space;
}

/* Subject, electrode, region, x, y, z: the fields that follow `site`. */
static chi_status add_sites(const chi_content *c, chi_group_content *g, const chi_study *study,
                            const chi_alignment *al, int site)
{
  for (int f = site + 1; f <= site + 6; f++) CHI_TRY(add_label(c, g, f));
  const char **subject = g->label[site + 1], **electrode = g->label[site + 2];
  const char **region = g->label[site + 3];
  float *x = g->label[site + 4], *y = g->label[site + 5], *z = g->label[site + 6];
  for (int32_t d = 0; d < al->n_datasets; d++) {
    const chi_dataset *set = &study->datasets[al->dataset[d]];
    for (int64_t e = 0, i = set->first_site; e < set->n_electrodes; e++, i++) {
      subject[i] = set->subject;
      electrode[i] = set->electrode[e];
      region[i] = set->region[e];
      x[i] = set->x[e];
      y[i] = set->y[e];
      z[i] = set->z[e];
    }
  }
  g->space = common_space(study, al);
  CHI_TRY(chi_content_index_subjects(c->schema, g));
  for (int64_t i = 0; i < al->n_sites; i++)
    chi_text_add(&g->names, "%s/%s%c", subject[i], electrode[i], '\0');
  return CHI_OK;
}

/* ---- rows ---- */

/* <model>/<layer> of a row's feature space. */
static void add_space_name(chi_group_content *g, const chi_feature_space *space)
{
  chi_text_add(&g->names, "%s/%s%c", space->model, space->layer, '\0');
}

/* Model, network, modality, training: fields that follow each other in both files. */
static chi_status add_row(const chi_content *c, chi_group_content *g, int model, int64_t i,
                          const chi_feature_space *space)
{
  const char *const texts[] = {space->model, space->network, space->modality, space->training};
  for (int k = 0; k < 4; k++) {
    if (i == 0) CHI_TRY(add_label(c, g, model + k));
    ((const char **)g->label[model + k])[i] = texts[k];
  }
  return CHI_OK;
}

static chi_status add_time(const chi_content *c, chi_group_content *g, const chi_alignment *al)
{
  int field = 0;
  while (strcmp(c->schema->field[field].name, "time") != 0) field++;
  CHI_TRY(add_label(c, g, field));
  memcpy(g->label[field], al->time, (size_t)al->n_times * sizeof *al->time);
  return CHI_OK;
}

static chi_status add_fit_group(const chi_content *c, const chi_study *study,
                                const chi_alignment *al, chi_group_content *g)
{
  g->length[CHI_ROW] = al->n_spaces;
  g->length[CHI_SUBJECT] = al->n_datasets;
  CHI_TRY(add_label(c, g, CHI_FIT_LAYER));
  CHI_TRY(add_label(c, g, CHI_FIT_DEPTH));
  CHI_TRY(add_label(c, g, CHI_FIT_N_FEATURES));
  const char **layer = g->label[CHI_FIT_LAYER];
  int32_t *depth = g->label[CHI_FIT_DEPTH], *n_features = g->label[CHI_FIT_N_FEATURES];
  for (int64_t f = 0; f < al->n_spaces; f++) {
    const chi_feature_space *space = &al->space[f];
    CHI_TRY(add_row(c, g, CHI_MODEL, f, space));
    layer[f] = space->layer;
    depth[f] = space->depth;
    for (int32_t d = 0; d < al->n_datasets; d++)
      n_features[f * al->n_datasets + d] = (int32_t)space->n_features[d];
    add_space_name(g, space);
  }
  const int64_t sites = g->names.n;
  CHI_TRY(add_sites(c, g, study, al, CHI_FIT_SITE));
  CHI_TRY(take_names(c, g, 0, al->n_spaces, 0));
  return take_names(c, g, sites, al->n_sites, CHI_FIT_SITE);
}

static chi_status add_chosen_group(const chi_content *c, const chi_study *study,
                                   const chi_alignment *al, const chi_chosen *rows,
                                   chi_group_content *g)
{
  const bool by_space = (c->variants & CHI_BY_SPACE) != 0;
  g->length[CHI_ROW] = rows->n_rows;
  CHI_TRY(add_label(c, g, CHI_CHOSEN_LAYER));
  const char **layer = g->label[CHI_CHOSEN_LAYER];
  for (int64_t i = 0; i < rows->n_rows * al->n_sites; i++)
    layer[i] = rows->space[i] < 0 ? "" : al->space[rows->space[i]].layer;
  for (int64_t i = 0; i < rows->n_rows; i++) {
    CHI_TRY(add_row(c, g, CHI_MODEL, i, &al->space[rows->label[i]]));
    if (by_space) add_space_name(g, &al->space[rows->label[i]]);
  }
  const int64_t sites = g->names.n;
  CHI_TRY(add_sites(c, g, study, al, CHI_CHOSEN_SITE));
  if (by_space) CHI_TRY(take_names(c, g, 0, rows->n_rows, 0));
  CHI_TRY(take_names(c, g, sites, al->n_sites, CHI_CHOSEN_SITE));
  return CHI_OK;
}

static chi_status add_bootstrap_group(const chi_content *c, const chi_study *study,
                                      const chi_alignment *al, const chi_chosen *rows,
                                      chi_group_content *g)
{
  CHI_TRY(add_chosen_group(c, study, al, rows, g));
  g->n_subjects = al->n_datasets;
  CHI_TRY(chi_alloc(al->n_datasets, sizeof *g->block_length, "blocks", &g->block_length));
  memcpy(g->block_length, rows->block_length, (size_t)al->n_datasets * sizeof *g->block_length);
  return CHI_OK;
}

static chi_status add_influence_group(const chi_content *c, const chi_study *study,
                                      const chi_alignment *al, const chi_chosen *rows,
                                      chi_group_content *g)
{
  const int32_t n = al->n_datasets;
  g->length[CHI_BLOCK_SUBJECT] = n;
  for (int32_t i = 0; i < n; i++)
    if (rows->n_blocks[i] > g->length[CHI_EVENT_BLOCK])
      g->length[CHI_EVENT_BLOCK] = rows->n_blocks[i];
  CHI_TRY(add_chosen_group(c, study, al, rows, g));
  CHI_TRY(add_label(c, g, CHI_INFLUENCE_N_BLOCKS));
  CHI_TRY(add_label(c, g, CHI_INFLUENCE_BLOCK_LENGTH));
  memcpy(g->label[CHI_INFLUENCE_N_BLOCKS], rows->n_blocks, (size_t)n * sizeof *rows->n_blocks);
  memcpy(g->label[CHI_INFLUENCE_BLOCK_LENGTH], rows->block_length,
         (size_t)n * sizeof *rows->block_length);
  return CHI_OK;
}

/* ---- files ---- */

static chi_status begin(const chi_study *study, chi_content *out)
{
  CHI_TRY(chi_strdup(study->path, &out->study));
  CHI_TRY(chi_alloc(study->n_alignments, sizeof *out->group, "labels", &out->group));
  out->n_groups = study->n_alignments;
  for (int32_t a = 0; a < out->n_groups; a++) {
    const chi_alignment *al = &study->alignments[a];
    chi_group_content *g = &out->group[a];
    CHI_TRY(chi_strdup(al->name, &g->name));
    g->length[CHI_SITE] = al->n_sites;
    g->length[CHI_TIME] = al->n_times;
    CHI_TRY(add_time(out, g, al));
  }
  return CHI_OK;
}

chi_status chi_fit_content(const chi_study *study, chi_content *out)
{
  *out = (chi_content){.schema = &chi_fit_schema};
  chi_status s = begin(study, out);
  for (int32_t a = 0; a < study->n_alignments && s == CHI_OK; a++)
    s = add_fit_group(out, study, &study->alignments[a], &out->group[a]);
  if (s != CHI_OK) chi_content_free(out);
  return s;
}

chi_status chi_bootstrap_content(const chi_study *study, const chi_chosen *rows,
                                 int64_t n_replicates, uint64_t seed, bool by_space,
                                 chi_content *out)
{
  *out = (chi_content){.schema = &chi_bootstrap_schema,
                       .variants = CHI_WITH_REPLICATES | (by_space ? CHI_BY_SPACE : 0),
                       .has_seed = true,
                       .seed = seed};
  chi_status s = begin(study, out);
  for (int32_t a = 0; a < study->n_alignments && s == CHI_OK; a++) {
    out->group[a].length[CHI_REPLICATE] = n_replicates;
    out->group[a].length[CHI_REPLICATE_BLOCKS] =
        (n_replicates + CHI_REPLICATE_BLOCK - 1) / CHI_REPLICATE_BLOCK;
    s = add_bootstrap_group(out, study, &study->alignments[a], &rows[a], &out->group[a]);
  }
  if (s != CHI_OK) chi_content_free(out);
  return s;
}

chi_status chi_influence_content(const chi_study *study, const chi_chosen *rows, bool by_space,
                                 chi_content *out)
{
  *out = (chi_content){.schema = &chi_influence_schema, .variants = by_space ? CHI_BY_SPACE : 0};
  chi_status s = begin(study, out);
  for (int32_t a = 0; a < study->n_alignments && s == CHI_OK; a++)
    s = add_influence_group(out, study, &study->alignments[a], &rows[a], &out->group[a]);
  if (s != CHI_OK) chi_content_free(out);
  return s;
}
