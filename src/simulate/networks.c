#include "simulate/networks.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"

enum {
  COMPONENTS = 48,
  PRODUCTS = CHI_LATENT_DIMS / 2,     /* of M in one tower */
  SLOTS = CHI_LATENT_DIMS + PRODUCTS, /* components that may hold a latent */
  OTHERS = COMPONENTS - SLOTS
};
static const double floor_share = 0.1; /* of a feature's variance */

/* How good networks are: a trained one holds nine tenths of its latents' variance in its best
 * layer. A random one holds a hundredth, for scores of 0.00 to 0.02. The network trained with
 * language shows about half of what a multimodal one does, so that it is no equal second candidate
 * to that. */
#define GOOD 0.9
#define POOR 0.01
#define FAIR 0.45

/* Every trained network; the first so many come in copies, named with -2, -3, ... behind the base
 * of their names. */
enum { COPIED = 4, CONTROLS = 2 };
static const struct {
  const char *model, *modality;
  struct {
    const char *base, *part; /* base NULL: no second tower */
    bool language;
    double latent, product;
  } tower[2];
} networks[COPIED + CONTROLS] = {
    {"vision-net", "vision", {{"vision-net", "", false, GOOD, 0}}},
    {"language-net", "language", {{"language-net", "", true, GOOD, 0}}},
    {"concat", "linear", {{"vision-net", "", false, GOOD, 0}, {"language-net", "", true, GOOD, 0}}},
    {"multimodal-net",
     "multimodal",
     {{"multimodal-net", "/vision", false, GOOD, GOOD},
      {"multimodal-net", "/language", true, GOOD, GOOD}}},
    {"control-with-language",
     "multimodal",
     {{"control", "/vision", false, GOOD, FAIR}, {"control", "/language", true, FAIR, FAIR}}},
    {"control-without-language",
     "vision",
     {{"control", "/vision", false, GOOD, 0}, {"control", "/language", true, 0, 0}}}};

/* The i-th copy of a network, and its random twin behind it. */
static void add_network(int kind, int64_t i, chi_network *out)
{
  char copy[16] = "";
  if (i > 0) snprintf(copy, sizeof copy, "-%d", (int)i + 1);
  for (int twin = 0; twin < 2; twin++) {
    const char *end = twin == 0 ? "" : "-random";
    chi_network *n = &out[twin];
    *n = (chi_network){.network = out->model,
                       .modality = networks[kind].modality,
                       .training = twin == 0 ? "trained" : "random"};
    snprintf(n->model, sizeof n->model, "%s%s%s", networks[kind].model, copy, end);
    for (; n->n_towers < 2 && networks[kind].tower[n->n_towers].base != NULL; n->n_towers++) {
      const int t = n->n_towers;
      const double latent = networks[kind].tower[t].latent,
                   product = networks[kind].tower[t].product;
      n->tower[t] = (chi_tower){.language = networks[kind].tower[t].language,
                                .latent = twin == 1 && latent > 0 ? POOR : latent,
                                .product = twin == 1 && product > 0 ? POOR : product};
      snprintf(n->tower[t].key, sizeof n->tower[t].key, "%s%s%s%s", networks[kind].tower[t].base,
               copy, networks[kind].tower[t].part, end);
    }
  }
}

chi_status chi_networks_create(const chi_simulate_options *options, int64_t *n, chi_network **out)
{
  *n = 2 * (COPIED * options->networks + CONTROLS);
  CHI_TRY(chi_alloc(*n, sizeof **out, "networks", out));
  chi_network *next = *out;
  for (int64_t i = 0; i < options->networks; i++)
    for (int kind = 0; kind < COPIED; kind++, next += 2) add_network(kind, i, next);
  for (int kind = COPIED; kind < COPIED + CONTROLS; kind++, next += 2) add_network(kind, 0, next);
  return CHI_OK;
}

/* Layers grow better towards one just past the middle, then worse again: with 4, by factors of
 * 0.36, 0.77, 1 and 0.77. */
static double layer_quality(int64_t layer, int64_t n_layers)
{
  const double off = (double)(layer - n_layers / 2) / (0.35 * (double)n_layers);
  return exp(-0.5 * off * off);
}

/* One layer of one tower while its events are made. */
typedef struct tower_state {
  const chi_tower *tower;
  chi_random_key process;
  double latent, product; /* q of this layer */
  double own[CHI_LATENT_DIMS], factor[2][PRODUCTS], other[OTHERS];
  double *loading; /* COMPONENTS x features */
} tower_state;

/* One layer of a network. */
typedef struct layer_state {
  const chi_simulate_options *options;
  int64_t layer;
  int n_towers;
  tower_state tower[2];
  double *sum, *noise; /* features of a tower */
} layer_state;

static chi_status begin_tower(const layer_state *l, const chi_tower *tower, const char *dataset,
                              tower_state *state)
{
  char stream[512];
  snprintf(stream, sizeof stream, "%s@%s", tower->key, dataset);
  const double quality = layer_quality(l->layer, l->options->layers);
  *state = (tower_state){.tower = tower,
                         .process = chi_random_make_key(l->options->seed, stream),
                         .latent = quality * tower->latent,
                         .product = quality * tower->product};
  const chi_random_key mix =
      chi_random_make_key(l->options->seed, tower->language ? "language tower" : "vision tower");
  const int64_t p = l->options->features;
  CHI_TRY(chi_alloc(COMPONENTS * p, sizeof *state->loading, "loadings", &state->loading));
  double total = 0;
  for (int k = 0; k < COMPONENTS; k++) total += 1. / (k + 1);
  for (int k = 0; k < COMPONENTS; k++) {
    double *row = state->loading + k * p;
    const double size = sqrt((1 - floor_share) / (k + 1) / total);
    chi_random_normals(mix, (uint64_t)k, CHI_PURPOSE_LOADING, (uint64_t)l->layer, p, row);
    for (int64_t j = 0; j < p; j++) row[j] *= size;
  }
  return CHI_OK;
}

/* The tower's own processes at an event: the same for all its layers. */
static void step_tower(double autocorrelation, int64_t event, bool start, tower_state *state)
{
  double fresh[CHI_LATENT_DIMS + OTHERS];
  chi_random_normals(state->process, (uint64_t)event, CHI_PURPOSE_COMPONENT, 0,
                     CHI_LATENT_DIMS + OTHERS, fresh);
  chi_film_ar_step(autocorrelation, start, CHI_LATENT_DIMS, fresh, state->own);
  chi_film_ar_step(autocorrelation, start, OTHERS, fresh + CHI_LATENT_DIMS, state->other);
  chi_random_normals(state->process, (uint64_t)event, CHI_PURPOSE_PRODUCT, 0, 2 * PRODUCTS, fresh);
  chi_film_ar_step(autocorrelation, start, 2 * PRODUCTS, fresh, state->factor[0]);
}

/* Components by rank: a slot, another, a slot, another, ... while there are slots; every third slot
 * is M's. */
static void get_components(const tower_state *state, const chi_film *film, double *component)
{
  const double *latent = state->tower->language ? film->language : film->vision;
  const double *product = film->product + (state->tower->language ? PRODUCTS : 0);
  for (int slot = 0; slot < SLOTS; slot++) {
    const int i = slot / 3, k = slot - i;
    component[2 * slot] =
        slot % 3 == 2 ? sqrt(state->product) * product[i] +
                            sqrt(1 - state->product) * state->factor[0][i] * state->factor[1][i]
                      : sqrt(state->latent) * latent[k] + sqrt(1 - state->latent) * state->own[k];
  }
  for (int i = 0; i < OTHERS; i++) component[i < SLOTS ? 2 * i + 1 : SLOTS + i] = state->other[i];
}

/* A layer's features at an event. */
static void make_row(void *context, const chi_film *film, int64_t event, bool start, float *row)
{
  layer_state *l = context;
  const int64_t p = l->options->features;
  for (int t = 0; t < l->n_towers; t++) {
    double component[COMPONENTS];
    step_tower(l->options->autocorrelation, event, start, &l->tower[t]);
    get_components(&l->tower[t], film, component);
    chi_random_normals(l->tower[t].process, (uint64_t)event, CHI_PURPOSE_FLOOR, (uint64_t)l->layer,
                       p, l->noise);
    for (int64_t j = 0; j < p; j++) l->sum[j] = sqrt(floor_share) * l->noise[j];
    for (int k = 0; k < COMPONENTS; k++) {
      const double *loading = l->tower[t].loading + k * p;
      for (int64_t j = 0; j < p; j++) l->sum[j] += component[k] * loading[j];
    }
    for (int64_t j = 0; j < p; j++) row[t * p + j] = (float)l->sum[j];
  }
}

static chi_status write_layer(const chi_simulate_options *options, const chi_network *network,
                              const char *dataset, int64_t layer, chi_writer *writer)
{
  const int64_t width = options->features * network->n_towers;
  layer_state l = {.options = options, .layer = layer, .n_towers = network->n_towers};
  char name[32];
  snprintf(name, sizeof name, "layer-%02lld", (long long)layer + 1);
  chi_status s = chi_writer_add_layer(writer, name, (int32_t)layer, width);
  for (int t = 0; s == CHI_OK && t < network->n_towers; t++)
    s = begin_tower(&l, &network->tower[t], dataset, &l.tower[t]);
  if (s == CHI_OK) s = chi_alloc(options->features, sizeof *l.sum, "features", &l.sum);
  if (s == CHI_OK) s = chi_alloc(options->features, sizeof *l.noise, "features", &l.noise);
  if (s == CHI_OK) s = chi_film_write(options, dataset, width, make_row, &l, writer);
  chi_free(l.sum);
  chi_free(l.noise);
  for (int t = 0; t < network->n_towers; t++) chi_free(l.tower[t].loading);
  return s;
}

chi_status chi_network_write(const chi_simulate_options *options, const chi_network *network,
                             const char *dataset, const char *path)
{
  const chi_feature_header header = {.model = network->model,
                                     .network = network->network,
                                     .modality = network->modality,
                                     .training = network->training,
                                     .n_events = options->events};
  chi_writer *writer = NULL;
  chi_status s = chi_writer_create_features(path, &header, &writer);
  for (int64_t layer = 0; s == CHI_OK && layer < options->layers; layer++)
    s = write_layer(options, network, dataset, layer, writer);
  return chi_writer_finish(&writer, s);
}
