/* The list of comparisons, and the models of their sides in each alignment. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sites/internal.h"

/* ---- which comparisons ---- */

static const chi_sites_comparison built_in[CHI_SITES_BUILT_IN] = {
    [CHI_SITES_TWINS] = {.name = "trained-beats-random", .kind = CHI_COMPARE_TWINS},
    [CHI_SITES_UNIMODAL] = {.name = "multi-beats-unimodal",
                            .kind = CHI_COMPARE_SIDES,
                            .side = {{CHI_CHOOSE_MODALITY, "multimodal", NULL},
                                     {CHI_CHOOSE_MODALITY, "vision", "language"}}},
    [CHI_SITES_LINEAR] = {.name = "multi-beats-linear",
                          .kind = CHI_COMPARE_SIDES,
                          .side = {{CHI_CHOOSE_MODALITY, "multimodal", NULL},
                                   {CHI_CHOOSE_MODALITY, "linear", NULL}}}};

static chi_status list_comparisons(chi_sites_run *run)
{
  chi_sites_comparison *list = NULL;
  int32_t n = CHI_SITES_BUILT_IN;
  CHI_TRY(chi_alloc(2 * (CHI_SITES_CONTRASTS + n + 1), sizeof *list, "comparisons", &list));
  run->comparison = list;
  memcpy(list, built_in, sizeof built_in);
  CHI_TRY(chi_sites_read_contrasts(run, list, &n));
  run->integration = n;
  list[n++] = (chi_sites_comparison){.name = "integration", .kind = CHI_COMPARE_INTEGRATION};
  const int32_t n_single = run->n_alignments > 1 ? n : 0;
  for (int32_t c = 0; c < n_single; c++) { /* contrasts' names leave room for this */
    chi_sites_comparison *both = &list[n++];
    *both = (chi_sites_comparison){.name = both->both, .kind = CHI_COMPARE_BOTH, .of = c};
    snprintf(both->both, sizeof both->both, "%s-both", list[c].name);
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
    case CHI_CHOOSE_RANDOM:
      return m->trained == (choice->by == CHI_CHOOSE_NETWORK) &&
             strcmp(m->network, choice->name) == 0;
    case CHI_CHOOSE_MODALITY:
      return m->trained && (strcmp(m->modality, choice->name) == 0 ||
                            (choice->or_name != NULL && strcmp(m->modality, choice->or_name) == 0));
  }
  return false;
}

static void free_pair(chi_sites_pair *pair)
{
  for (int i = 0; i < 2; i++) chi_free(pair->side[i].model);
}

/* Add the pair of two choices to a block, if there are models of both. */
static chi_status add_pair(const chi_sites_data *d, const char *network,
                           const chi_sites_choice choice[2], chi_sites_block *block)
{
  chi_sites_pair pair = {.network = network};
  chi_status s = CHI_OK;
  for (int i = 0; i < 2 && s == CHI_OK; i++) {
    chi_sites_side *side = &pair.side[i];
    s = chi_alloc(d->n_models, sizeof *side->model, "models", &side->model);
    for (int32_t m = 0; m < d->n_models && s == CHI_OK; m++)
      if (is_chosen(&d->model[m], &choice[i])) side->model[side->n++] = m;
  }
  if (s == CHI_OK && pair.side[0].n > 0 && pair.side[1].n > 0)
    block->pair[block->n_pairs++] = pair;
  else
    free_pair(&pair);
  return s;
}

static int compare_networks(const void *a, const void *b)
{
  return strcmp(((const chi_sites_pair *)a)->network, ((const chi_sites_pair *)b)->network);
}

/* A pair for each network that has both twins, sorted by network. */
static chi_status pair_twins(const chi_sites_data *d, chi_sites_block *block)
{
  for (int32_t m = 0; m < d->n_models; m++) {
    const char *network = d->model[m].network;
    bool seen = false;
    for (int32_t i = 0; i < m; i++) seen = seen || strcmp(d->model[i].network, network) == 0;
    const chi_sites_choice twins[] = {{CHI_CHOOSE_NETWORK, network, NULL},
                                      {CHI_CHOOSE_RANDOM, network, NULL}};
    if (!seen) CHI_TRY(add_pair(d, network, twins, block));
  }
  if (block->n_pairs > 0)
    qsort(block->pair, (size_t)block->n_pairs, sizeof *block->pair, compare_networks);
  return CHI_OK;
}

/* Integration has the one pair of its parts, whose models follow from their results. */
static chi_status make_pairs(chi_sites_run *run, int32_t c, int32_t a)
{
  const chi_sites_comparison *comparison = &run->comparison[c];
  const chi_sites_data *d = &run->data[a];
  chi_sites_block *block = chi_sites_block_of(run, c, a);
  CHI_TRY(chi_alloc(d->n_models + 1, sizeof *block->pair, "pairs", &block->pair));
  if (comparison->kind == CHI_COMPARE_TWINS) return pair_twins(d, block);
  if (comparison->kind == CHI_COMPARE_SIDES) return add_pair(d, "", comparison->side, block);
  block->pair[0].network = "";
  block->n_pairs = chi_sites_block_of(run, CHI_SITES_UNIMODAL, a)->n_pairs > 0 &&
                   chi_sites_block_of(run, CHI_SITES_LINEAR, a)->n_pairs > 0;
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
             choice->or_name != NULL ? " or " : "", choice->or_name != NULL ? choice->or_name : "");
  else
    snprintf(text, size, "no %s %.200s",
             choice->by == CHI_CHOOSE_MODEL ? "model" : "trained model of the network",
             choice->name);
  return true;
}

/* Why the comparison has no results in an alignment. */
static void explain(const chi_sites_run *run, int32_t c, int32_t a, char *text, size_t size)
{
  const chi_sites_comparison *comparison = &run->comparison[c];
  const chi_sites_data *d = &run->data[a];
  if (comparison->kind == CHI_COMPARE_TWINS)
    snprintf(text, size, "no network has both a trained and a random model");
  else if (comparison->kind == CHI_COMPARE_INTEGRATION)
    snprintf(text, size, "it needs multi-beats-unimodal and multi-beats-linear");
  else if (!lacks(d, &comparison->side[0], text, size))
    lacks(d, &comparison->side[1], text, size);
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
      chi_text_add_line(&run->notes, "%s is missing in %s: %s.", name, run->data[a].fit->alignment,
                        why);
    else if (a == 0)
      chi_text_add_line(&run->notes, "%s is missing: %s.", name, why);
  }
}

/* ---- all of it ---- */

chi_sites_block *chi_sites_block_of(const chi_sites_run *run, int32_t comparison, int32_t alignment)
{
  return &run->block[(int64_t)comparison * run->n_alignments + alignment];
}

chi_status chi_sites_list(chi_sites_run *run)
{
  CHI_TRY(list_comparisons(run));
  CHI_TRY(chi_alloc((int64_t)run->n_comparisons * run->n_alignments, sizeof *run->block, "blocks",
                    &run->block));
  for (int32_t c = 0; c <= run->integration; c++) {
    for (int32_t a = 0; a < run->n_alignments; a++) CHI_TRY(make_pairs(run, c, a));
    note_missing(run, c);
  }
  return CHI_OK;
}

void chi_sites_list_free(chi_sites_run *run)
{
  const int64_t n = run->block == NULL ? 0 : (int64_t)run->n_comparisons * run->n_alignments;
  for (int64_t i = 0; i < n; i++) {
    for (int32_t p = 0; p < run->block[i].n_pairs; p++) free_pair(&run->block[i].pair[p]);
    chi_free(run->block[i].pair);
  }
  chi_free(run->block);
  chi_free(run->comparison);
  chi_free(run->result);
  chi_yaml_free(&run->yaml);
}
