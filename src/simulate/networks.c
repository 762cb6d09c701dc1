#include "simulate/networks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "simulate/responses.h"
#include "study/write.h"

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
static const double q_trained = 0.9, q_random = 0.01, q_control = 0.45;

static void add_network(chi_network *list, int64_t *n, const char *model, const char *modality,
                        int n_towers, const chi_tower *towers)
{
  chi_network *trained = &list[(*n)++], *twin = &list[(*n)++];
  snprintf(trained->model, sizeof trained->model, "%s", model);
  trained->network = trained->model;
  trained->modality = modality;
  trained->training = "trained";
  trained->n_towers = n_towers;
  memcpy(trained->tower, towers, (size_t)n_towers * sizeof *towers);
  *twin = *trained;
  snprintf(twin->model, sizeof twin->model, "%.50s-random", model);
  twin->training = "random";
  for (int t = 0; t < n_towers; t++) {
    chi_tower *tower = &twin->tower[t];
    snprintf(tower->key, sizeof tower->key, "%.50s-random", towers[t].key);
    if (tower->latent > 0) tower->latent = q_random;
    if (tower->product > 0) tower->product = q_random;
  }
}

static chi_tower make_tower(const char *key, bool language, double latent, double product)
{
  chi_tower tower = {.language = language, .latent = latent, .product = product};
  snprintf(tower.key, sizeof tower.key, "%s", key);
  return tower;
}

/* "vision-net", "vision-net-2", ... */
static void set_name(char name[64], const char *base, int64_t i, const char *part)
{
  if (i == 0)
    snprintf(name, 64, "%s%s", base, part);
  else
    snprintf(name, 64, "%s-%lld%s", base, (long long)i + 1, part);
}

static void add_copies(chi_network *list, int64_t *n, int64_t i)
{
  char vision[64], language[64], multimodal[64], concat[64], key[64];
  set_name(vision, "vision-net", i, "");
  set_name(language, "language-net", i, "");
  set_name(multimodal, "multimodal-net", i, "");
  set_name(concat, "concat", i, "");
  const chi_tower sees = make_tower(vision, false, q_trained, 0);
  const chi_tower reads = make_tower(language, true, q_trained, 0);
  const chi_tower two[2] = {sees, reads};
  add_network(list, n, vision, "vision", 1, &sees);
  add_network(list, n, language, "language", 1, &reads);
  add_network(list, n, concat, "linear", 2, two);
  chi_tower both[2];
  set_name(key, "multimodal-net", i, "/vision");
  both[0] = make_tower(key, false, q_trained, q_trained);
  set_name(key, "multimodal-net", i, "/language");
  both[1] = make_tower(key, true, q_trained, q_trained);
  add_network(list, n, multimodal, "multimodal", 2, both);
}

chi_status chi_networks_create(const chi_simulate_options *options, int64_t *n, chi_network **out)
{
  *n = 0;
  CHI_TRY(chi_alloc(8 * options->networks + 4, sizeof **out, "networks", out));
  for (int64_t i = 0; i < options->networks; i++) add_copies(*out, n, i);
  const chi_tower with[2] = {make_tower("control/vision", false, q_trained, q_control),
                             make_tower("control/language", true, q_control, q_control)};
  const chi_tower without[2] = {make_tower("control/vision", false, q_trained, 0),
                                make_tower("control/language", true, 0, 0)};
  add_network(*out, n, "control-with-language", "multimodal", 2, with);
  add_network(*out, n, "control-without-language", "vision", 2, without);
  return CHI_OK;
}

int64_t chi_network_features(const chi_simulate_options *options, const chi_network *network)
{
  return options->features * network->n_towers;
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
  chi_random_key process, mix;
  double latent, product; /* q of this layer */
  double own[CHI_LATENT_DIMS], factor[2][PRODUCTS], other[OTHERS];
  double *loading; /* COMPONENTS x features */
} tower_state;

static chi_status begin_tower(const chi_simulate_options *options, const chi_tower *tower,
                              const char *dataset, int64_t layer, tower_state *state)
{
  char stream[512];
  snprintf(stream, sizeof stream, "%s@%s", tower->key, dataset);
  const double quality = layer_quality(layer, options->layers);
  *state = (tower_state){.tower = tower,
                         .process = chi_random_make_key(options->seed, stream),
                         .mix = chi_random_make_key(options->seed, tower->key),
                         .latent = quality * tower->latent,
                         .product = quality * tower->product};
  const int64_t p = options->features;
  CHI_TRY(chi_alloc(COMPONENTS * p, sizeof *state->loading, "loadings", &state->loading));
  double total = 0;
  for (int k = 0; k < COMPONENTS; k++) total += 1. / (k + 1);
  for (int k = 0; k < COMPONENTS; k++) {
    double *row = state->loading + k * p;
    const double size = sqrt((1 - floor_share) / (k + 1) / total);
    chi_random_normals(state->mix, (uint64_t)k, CHI_PURPOSE_LOADING, (uint64_t)layer, p, row);
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
  chi_latents_ar_step(autocorrelation, start, CHI_LATENT_DIMS, fresh, state->own);
  chi_latents_ar_step(autocorrelation, start, OTHERS, fresh + CHI_LATENT_DIMS, state->other);
  chi_random_normals(state->process, (uint64_t)event, CHI_PURPOSE_PRODUCT, 0, 2 * PRODUCTS, fresh);
  chi_latents_ar_step(autocorrelation, start, 2 * PRODUCTS, fresh, state->factor[0]);
}

/* Components by rank: a slot, another, a slot, another, ... while there are slots; every third slot
 * is M's. */
static void get_components(const tower_state *state, const chi_latents *film, double *component)
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

/* A tower's features at an event. `work` holds 2 * features. */
static void make_features(const chi_simulate_options *options, const tower_state *state,
                          const chi_latents *film, int64_t event, int64_t layer, double *work,
                          float *out)
{
  const int64_t p = options->features;
  double component[COMPONENTS], *sum = work, *noise = work + p;
  get_components(state, film, component);
  chi_random_normals(state->process, (uint64_t)event, CHI_PURPOSE_FLOOR, (uint64_t)layer, p, noise);
  for (int64_t j = 0; j < p; j++) sum[j] = sqrt(floor_share) * noise[j];
  for (int k = 0; k < COMPONENTS; k++) {
    const double *row = state->loading + k * p;
    for (int64_t j = 0; j < p; j++) sum[j] += component[k] * row[j];
  }
  for (int64_t j = 0; j < p; j++) out[j] = (float)sum[j];
}

static chi_status write_events(const chi_simulate_options *options, const chi_network *network,
                               const char *dataset, int64_t layer, tower_state *state, double *work,
                               float *rows, int64_t n_rows, chi_writer *writer)
{
  const int64_t width = chi_network_features(options, network);
  chi_latents film = chi_latents_begin(options->seed, dataset, options->autocorrelation);
  for (int64_t event0 = 0; event0 < options->events; event0 += n_rows) {
    const int64_t left = options->events - event0, n = left < n_rows ? left : n_rows;
    for (int64_t i = 0; i < n; i++) {
      const int64_t event = event0 + i;
      const bool start = chi_simulate_starts(options, event);
      chi_latents_step(&film, event, start);
      for (int t = 0; t < network->n_towers; t++) {
        step_tower(options->autocorrelation, event, start, &state[t]);
        make_features(options, &state[t], &film, event, layer, work,
                      rows + i * width + t * options->features);
      }
    }
    CHI_TRY(chi_writer_append(writer, n, rows));
  }
  return CHI_OK;
}

static chi_status write_layer(const chi_simulate_options *options, const chi_network *network,
                              const char *dataset, int64_t layer, chi_writer *writer)
{
  const int64_t width = chi_network_features(options, network);
  const int64_t n_rows = chi_simulate_block(options, width);
  tower_state state[2] = {0};
  double *work = NULL;
  float *rows = NULL;
  char name[32];
  snprintf(name, sizeof name, "layer-%02lld", (long long)layer + 1);
  chi_status s = chi_writer_add_layer(writer, name, (int32_t)layer, width);
  for (int t = 0; s == CHI_OK && t < network->n_towers; t++)
    s = begin_tower(options, &network->tower[t], dataset, layer, &state[t]);
  if (s == CHI_OK) s = chi_alloc(2 * options->features, sizeof *work, "features", &work);
  if (s == CHI_OK) s = chi_alloc(n_rows * width, sizeof *rows, "features", &rows);
  if (s == CHI_OK)
    s = write_events(options, network, dataset, layer, state, work, rows, n_rows, writer);
  chi_free(rows);
  chi_free(work);
  for (int t = 0; t < network->n_towers; t++) chi_free(state[t].loading);
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
