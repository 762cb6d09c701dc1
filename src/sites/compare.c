/* The list of comparisons, the models of their sides in each alignment, and their rows. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sites/internal.h"

const chi_sites_block *chi_sites_block_of(const chi_sites_run *run, int32_t comparison,
                                          int32_t alignment)
{
  return &run->block[(int64_t)comparison * run->n_alignments + alignment];
}

static chi_sites_block *block_of(chi_sites_run *run, int32_t comparison, int32_t alignment)
{
  return &run->block[(int64_t)comparison * run->n_alignments + alignment];
}

int32_t chi_sites_find(const chi_sites_run *run, const char *name)
{
  for (int32_t c = 0; c < run->n_comparisons; c++)
    if (strcmp(run->comparison[c].name, name) == 0) return c;
  return -1;
}

const char *chi_sites_alignment_name(const chi_sites_run *run, const chi_sites_row *row)
{
  return run->comparison[row->comparison].kind == CHI_COMPARE_BOTH
             ? "both"
             : run->data[row->alignment].fit->alignment;
}

/* ---- which comparisons ---- */

static void add_built_in(chi_sites_comparison *list, int32_t *n, const char *name, const char *than,
                         const char *or_than)
{
  chi_sites_comparison *c = &list[(*n)++];
  *c = (chi_sites_comparison){.kind = than == NULL ? CHI_COMPARE_TWINS : CHI_COMPARE_SIDES,
                              .better = {.by = CHI_CHOOSE_MODALITY, .name = "multimodal"},
                              .than = {.by = CHI_CHOOSE_MODALITY}};
  snprintf(c->name, sizeof c->name, "%s", name);
  if (than == NULL) return;
  snprintf(c->than.name, sizeof c->than.name, "%s", than);
  snprintf(c->than.or_name, sizeof c->than.or_name, "%s", or_than);
}

static chi_status list_comparisons(chi_sites_run *run)
{
  CHI_TRY(chi_alloc(2 * (CHI_SITES_CONTRASTS + 4), sizeof *run->comparison, "comparisons",
                    &run->comparison));
  chi_sites_comparison *list = run->comparison;
  int32_t n = 0;
  add_built_in(list, &n, "trained-beats-random", NULL, NULL);
  add_built_in(list, &n, "multi-beats-unimodal", "vision", "language");
  add_built_in(list, &n, "multi-beats-linear", "linear", "");
  CHI_TRY(chi_sites_read_contrasts(run, list, &n));
  list[n++] = (chi_sites_comparison){.name = "integration", .kind = CHI_COMPARE_INTEGRATION};
  const int32_t n_single = n;
  for (int32_t c = 0; c < n_single && run->n_alignments > 1; c++) {
    chi_sites_comparison *both = &list[n++];
    char name[CHI_SITES_NAME]; /* contrasts' names leave room for this */
    snprintf(name, sizeof name, "%.*s-both", CHI_SITES_NAME - 6, list[c].name);
    *both = (chi_sites_comparison){.kind = CHI_COMPARE_BOTH, .of = c};
    memcpy(both->name, name, sizeof name);
  }
  run->n_comparisons = n;
  if (run->n_alignments == 1)
    chi_text_add(&run->notes, "There is one alignment, so there are no comparisons over both.\n");
  return CHI_OK;
}

/* ---- the models of a side ---- */

static bool is_chosen(const chi_sites_model *m, const chi_sites_choice *choice)
{
  switch (choice->by) {
    case CHI_CHOOSE_MODEL:
      return strcmp(m->name, choice->name) == 0;
    case CHI_CHOOSE_NETWORK:
      return m->trained && strcmp(m->network, choice->name) == 0;
    case CHI_CHOOSE_MODALITY:
      return m->trained &&
             (strcmp(m->modality, choice->name) == 0 ||
              (choice->or_name[0] != '\0' && strcmp(m->modality, choice->or_name) == 0));
  }
  return false;
}

static chi_status choose(const chi_sites_data *d, const chi_sites_choice *choice,
                         chi_sites_side *side)
{
  CHI_TRY(chi_alloc(d->n_models, sizeof *side->model, "models", &side->model));
  for (int32_t m = 0; m < d->n_models; m++)
    if (is_chosen(&d->model[m], choice)) side->model[side->n++] = m;
  return CHI_OK;
}

static chi_status choose_twins(const chi_sites_data *d, const char *network, chi_sites_pair *pair)
{
  pair->network = network;
  CHI_TRY(chi_alloc(d->n_models, sizeof *pair->better.model, "models", &pair->better.model));
  CHI_TRY(chi_alloc(d->n_models, sizeof *pair->than.model, "models", &pair->than.model));
  for (int32_t m = 0; m < d->n_models; m++) {
    if (strcmp(d->model[m].network, network) != 0) continue;
    chi_sites_side *side = d->model[m].trained ? &pair->better : &pair->than;
    side->model[side->n++] = m;
  }
  return CHI_OK;
}

static void free_pair(chi_sites_pair *pair)
{
  chi_free(pair->better.model);
  chi_free(pair->than.model);
  *pair = (chi_sites_pair){0};
}

static int compare_networks(const void *a, const void *b)
{
  return strcmp(((const chi_sites_pair *)a)->network, ((const chi_sites_pair *)b)->network);
}

/* A pair for each network that has both twins, sorted by network. */
static chi_status pair_twins(const chi_sites_data *d, chi_sites_block *block)
{
  CHI_TRY(chi_alloc(d->n_models, sizeof *block->pair, "pairs", &block->pair));
  for (int32_t m = 0; m < d->n_models; m++) {
    const char *network = d->model[m].network;
    bool seen = false;
    for (int32_t i = 0; i < m; i++) seen = seen || strcmp(d->model[i].network, network) == 0;
    if (seen) continue;
    chi_sites_pair *pair = &block->pair[block->n_pairs++];
    CHI_TRY(choose_twins(d, network, pair));
    if (pair->better.n > 0 && pair->than.n > 0) continue;
    free_pair(pair);
    block->n_pairs--;
  }
  if (block->n_pairs > 0)
    qsort(block->pair, (size_t)block->n_pairs, sizeof *block->pair, compare_networks);
  return CHI_OK;
}

static chi_status pair_sides(const chi_sites_data *d, const chi_sites_comparison *c,
                             chi_sites_block *block)
{
  CHI_TRY(chi_alloc(1, sizeof *block->pair, "pairs", &block->pair));
  block->n_pairs = 1;
  block->pair[0].network = "";
  CHI_TRY(choose(d, &c->better, &block->pair[0].better));
  CHI_TRY(choose(d, &c->than, &block->pair[0].than));
  if (block->pair[0].better.n > 0 && block->pair[0].than.n > 0) return CHI_OK;
  free_pair(&block->pair[0]);
  block->n_pairs = 0;
  return CHI_OK;
}

/* ---- why a comparison is missing ---- */

/* What a choice asks for, if the alignment has none of it. */
static bool lacks(const chi_sites_data *d, const chi_sites_choice *choice, char *text, size_t size)
{
  for (int32_t m = 0; m < d->n_models; m++)
    if (is_chosen(&d->model[m], choice)) return false;
  if (choice->by == CHI_CHOOSE_MODALITY)
    snprintf(text, size, "no trained %.100s%s%.100s model", choice->name,
             choice->or_name[0] != '\0' ? " or " : "", choice->or_name);
  else
    snprintf(text, size, "no %s %.200s",
             choice->by == CHI_CHOOSE_MODEL ? "model" : "trained model of the network",
             choice->name);
  return true;
}

/* Why the comparison has no rows in an alignment. */
static void explain(const chi_sites_run *run, int32_t c, int32_t a, char *text, size_t size)
{
  const chi_sites_comparison *comparison = &run->comparison[c];
  const chi_sites_data *d = &run->data[a];
  if (comparison->kind == CHI_COMPARE_TWINS)
    snprintf(text, size, "no network has both a trained and a random model");
  else if (comparison->kind == CHI_COMPARE_INTEGRATION)
    snprintf(text, size, "it needs multi-beats-unimodal and multi-beats-linear");
  else if (!lacks(d, &comparison->better, text, size))
    lacks(d, &comparison->than, text, size);
}

static void note_missing(chi_sites_run *run, int32_t c)
{
  char why[512] = "";
  const char *name = run->comparison[c].name;
  int32_t n_missing = 0;
  for (int32_t a = 0; a < run->n_alignments; a++)
    n_missing += chi_sites_block_of(run, c, a)->n_pairs == 0;
  for (int32_t a = 0; a < run->n_alignments; a++) {
    if (chi_sites_block_of(run, c, a)->n_pairs > 0) continue;
    explain(run, c, a, why, sizeof why);
    if (n_missing < run->n_alignments)
      chi_text_add(&run->notes, "%s is missing in %s: %s.\n", name, run->data[a].fit->alignment,
                   why);
    else if (a == 0)
      chi_text_add(&run->notes, "%s is missing: %s.\n", name, why);
  }
}

/* ---- the rows ---- */

static chi_status make_block(chi_sites_run *run, int32_t c, int32_t a)
{
  const chi_sites_comparison *comparison = &run->comparison[c];
  chi_sites_block *block = block_of(run, c, a);
  if (comparison->kind == CHI_COMPARE_TWINS) return pair_twins(&run->data[a], block);
  if (comparison->kind == CHI_COMPARE_SIDES) return pair_sides(&run->data[a], comparison, block);
  block->n_pairs = 1;
  const char *const parts[] = {"multi-beats-unimodal", "multi-beats-linear"};
  for (int i = 0; i < 2; i++)
    if (chi_sites_block_of(run, chi_sites_find(run, parts[i]), a)->n_pairs == 0) block->n_pairs = 0;
  return CHI_OK;
}

static void fill_block(chi_sites_run *run, int32_t c, int32_t a)
{
  const chi_sites_block *block = chi_sites_block_of(run, c, a);
  for (int64_t i = 0; i < block->n; i++) {
    const char *network = block->pair == NULL ? "" : block->pair[i % block->n_pairs].network;
    run->row[block->first + i] = chi_sites_empty_row(c, a, i / block->n_pairs, network);
  }
}

chi_sites_row chi_sites_empty_row(int32_t comparison, int32_t alignment, int64_t site,
                                  const char *network)
{
  return (chi_sites_row){.comparison = comparison,
                         .alignment = alignment,
                         .site = site,
                         .network = network,
                         .better = "",
                         .than = "",
                         .layer_better = "",
                         .layer_than = "",
                         .model_better = -1,
                         .model_than = -1,
                         .r_better = NAN,
                         .r_than = NAN,
                         .difference = NAN,
                         .se = NAN,
                         .p = NAN,
                         .p_adjusted = NAN};
}

static chi_status make_rows(chi_sites_run *run)
{
  int64_t n = 0, n_single = 0;
  for (int32_t c = 0; c < run->n_comparisons; c++)
    for (int32_t a = 0; a < run->n_alignments; a++) {
      chi_sites_block *block = block_of(run, c, a);
      if (run->comparison[c].kind == CHI_COMPARE_BOTH) continue;
      block->first = n;
      block->n = run->data[a].n_sites * block->n_pairs;
      n += block->n;
    }
  n_single = n;
  for (int32_t c = 0; c < run->n_comparisons; c++)
    if (run->comparison[c].kind == CHI_COMPARE_BOTH)
      n += chi_sites_block_of(run, run->comparison[c].of, 0)->n; /* at most */
  CHI_TRY(chi_alloc(n, sizeof *run->row, "rows", &run->row));
  run->n_rows = n_single;
  for (int32_t c = 0; c < run->n_comparisons; c++)
    for (int32_t a = 0; a < run->n_alignments; a++)
      if (run->comparison[c].kind != CHI_COMPARE_BOTH) fill_block(run, c, a);
  return chi_sites_list_both(run);
}

chi_status chi_sites_list(chi_sites_run *run)
{
  CHI_TRY(list_comparisons(run));
  CHI_TRY(chi_alloc((int64_t)run->n_comparisons * run->n_alignments, sizeof *run->block, "blocks",
                    &run->block));
  for (int32_t c = 0; c < run->n_comparisons; c++) {
    if (run->comparison[c].kind == CHI_COMPARE_BOTH) continue;
    for (int32_t a = 0; a < run->n_alignments; a++) CHI_TRY(make_block(run, c, a));
    note_missing(run, c);
  }
  return make_rows(run);
}

void chi_sites_list_free(chi_sites_run *run)
{
  const int64_t n = run->block == NULL ? 0 : (int64_t)run->n_comparisons * run->n_alignments;
  for (int64_t i = 0; i < n; i++) {
    for (int32_t p = 0; run->block[i].pair != NULL && p < run->block[i].n_pairs; p++)
      free_pair(&run->block[i].pair[p]);
    chi_free(run->block[i].pair);
    chi_free(run->block[i].part);
  }
  chi_free(run->block);
  chi_free(run->comparison);
  chi_free(run->row);
}
