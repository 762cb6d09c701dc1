#include "simulate/electrodes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

const char *const chi_kind_names[CHI_N_KINDS] = {"none", "vision", "language", "both",
                                                 "integration"};

enum { CONTACTS = 8 }; /* of a probe */

/* Desikan-Killiany regions with a rough centre (right hemisphere, MNI152) and the kinds of
 * electrodes that favour them. */
#define BIT(kind) (1u << CHI_KIND_##kind)
static const struct {
  const char *name;
  float x, y, z;
  unsigned kinds;
} regions[] = {
    {"superiortemporal", 56, -14, 0, BIT(LANGUAGE) | BIT(BOTH) | BIT(INTEGRATION)},
    {"middletemporal", 60, -26, -14, BIT(LANGUAGE) | BIT(BOTH) | BIT(INTEGRATION)},
    {"bankssts", 52, -40, 8, BIT(BOTH) | BIT(INTEGRATION)},
    {"inferiorparietal", 46, -64, 30, BIT(BOTH) | BIT(INTEGRATION)},
    {"supramarginal", 58, -34, 32, BIT(LANGUAGE) | BIT(INTEGRATION)},
    {"parsopercularis", 48, 14, 14, BIT(LANGUAGE)},
    {"parstriangularis", 48, 30, 4, BIT(LANGUAGE) | BIT(INTEGRATION)},
    {"fusiform", 36, -44, -20, BIT(VISION) | BIT(BOTH)},
    {"inferiortemporal", 52, -34, -26, BIT(VISION) | BIT(BOTH)},
    {"lateraloccipital", 34, -88, 2, BIT(VISION)},
    {"lingual", 14, -66, -4, BIT(VISION)},
    {"rostralmiddlefrontal", 34, 42, 18, BIT(NONE)},
    {"superiorfrontal", 12, 26, 44, BIT(NONE)},
    {"precentral", 40, -10, 46, BIT(NONE)},
    {"insula", 38, 0, 0, BIT(NONE)},
    {"lateralorbitofrontal", 24, 30, -16, BIT(NONE)},
};
enum { N_REGIONS = sizeof regions / sizeof regions[0] };

/* Probes LA, RA, LB, ..., LZ, RZ, LAA, ... of 8 contacts each: LA1 to LA8. */
static void set_name(int64_t i, char *name, size_t n)
{
  const int64_t probe = i / CONTACTS;
  char letters[16];
  size_t at = sizeof letters - 1;
  letters[at] = '\0';
  for (int64_t k = probe / 2; k >= 0; k = k / 26 - 1) letters[--at] = (char)('A' + k % 26);
  snprintf(name, n, "%c%s%d", probe % 2 == 0 ? 'L' : 'R', letters + at, (int)(i % CONTACTS) + 1);
}

/* Seven in ten lie in a region that their kind favours, the others anywhere. */
static void set_place(const double *uniform, const double *jitter, bool left,
                      chi_electrode *electrode)
{
  int fit[N_REGIONS], n = 0;
  const bool anywhere = uniform[0] > 0.7;
  for (int i = 0; i < N_REGIONS; i++)
    if (anywhere || (regions[i].kinds >> electrode->kind & 1u) != 0) fit[n++] = i;
  int at = (int)(uniform[1] * n);
  if (at == n) at--;
  const int region = fit[at];
  electrode->region = regions[region].name;
  const float x = regions[region].x + 4 * (float)jitter[0];
  electrode->x = left ? -x : x;
  electrode->y = regions[region].y + 4 * (float)jitter[1];
  electrode->z = regions[region].z + 4 * (float)jitter[2];
}

/* A random direction of a given length in one latent's dimensions. */
static void set_mix(const double *normal, double length, double *mix)
{
  double sum = 0;
  for (int k = 0; k < CHI_LATENT_DIMS; k++) sum += normal[k] * normal[k];
  for (int k = 0; k < CHI_LATENT_DIMS; k++) mix[k] = length * normal[k] / sqrt(sum);
}

static void set_response(const chi_simulate_options *options, chi_random_key key, int64_t i,
                         const double *uniform, chi_electrode *electrode)
{
  electrode->effect =
      options->effect_min + uniform[2] * (options->effect_max - options->effect_min);
  electrode->noise = options->noise_min + uniform[3] * (options->noise_max - options->noise_min);
  electrode->peak = 0.1 + 0.5 * uniform[4];
  electrode->width = 0.5 + 0.3 * uniform[5];
  electrode->scale = 10 + 30 * uniform[6];
  electrode->offset = 10 * (uniform[7] - 0.5);
  double normal[3 * CHI_LATENT_DIMS];
  chi_random_normals(key, (uint64_t)i, CHI_PURPOSE_WEIGHTS, 0, 3 * CHI_LATENT_DIMS, normal);
  const chi_kind kind = electrode->kind;
  if (kind == CHI_KIND_VISION || kind == CHI_KIND_BOTH)
    set_mix(normal, kind == CHI_KIND_BOTH ? sqrt(0.5) : 1, electrode->vision);
  if (kind == CHI_KIND_LANGUAGE || kind == CHI_KIND_BOTH)
    set_mix(normal + CHI_LATENT_DIMS, kind == CHI_KIND_BOTH ? sqrt(0.5) : 1, electrode->language);
  if (kind == CHI_KIND_INTEGRATION) set_mix(normal + 2 * CHI_LATENT_DIMS, 1, electrode->product);
}

/* A shuffled 0..n-1 (Fisher-Yates). */
static chi_status shuffle(chi_random_key key, int64_t n, int64_t **out)
{
  CHI_TRY(chi_alloc(n, sizeof **out, "order of electrodes", out));
  int64_t *order = *out;
  for (int64_t i = 0; i < n; i++) order[i] = i;
  for (int64_t i = n - 1; i > 0; i--) {
    uint64_t bits[4];
    chi_random_bits(key, 0, (uint64_t)i, CHI_PURPOSE_KINDS, 0, bits);
    const int64_t j = (int64_t)chi_random_below(bits[0], (uint64_t)i + 1), t = order[i];
    order[i] = order[j];
    order[j] = t;
  }
  return CHI_OK;
}

/* Kinds by quota, so that small studies have all of them: position p of n in the cumulated shares.
 */
static chi_kind kind_at(const chi_simulate_options *options, int64_t p)
{
  double total = 0, sum = 0;
  for (int k = 0; k < CHI_N_KINDS; k++) total += options->shares[k];
  const double at = ((double)p + 0.5) / (double)options->electrodes * total;
  int last = 0;
  for (int k = 0; k < CHI_N_KINDS; k++) {
    if (options->shares[k] <= 0) continue;
    sum += options->shares[k];
    last = k;
    if (at < sum) break;
  }
  return (chi_kind)last;
}

chi_status chi_electrodes_create(const chi_simulate_options *options, const char *subject,
                                 int32_t n_alignments, chi_electrode **out)
{
  const chi_random_key key = chi_random_make_key(options->seed, subject);
  const int64_t n = options->electrodes;
  int64_t *order;
  CHI_TRY(shuffle(key, n, &order));
  const chi_status s = chi_alloc(n, sizeof **out, "electrodes", out);
  for (int64_t p = 0; s == CHI_OK && p < n; p++) {
    const int64_t i = order[p];
    chi_electrode *electrode = &(*out)[i];
    double uniform[8], jitter[3];
    chi_random_uniforms(key, (uint64_t)i, CHI_PURPOSE_SITE, 0, 8, uniform);
    chi_random_normals(key, (uint64_t)i, CHI_PURPOSE_SITE, 1, 3, jitter);
    set_name(i, electrode->name, sizeof electrode->name);
    electrode->kind = kind_at(options, p);
    electrode->alignment =
        (int32_t)(p % n_alignments); /* of neighbours in kind, each has its share */
    set_place(uniform, jitter, i / CONTACTS % 2 == 0, electrode);
    set_response(options, key, i, uniform, electrode);
  }
  chi_free(order);
  return s;
}

chi_kind chi_electrode_kind(const chi_simulate_options *options, const char *subject,
                            const chi_electrode *electrodes, int64_t i, int32_t alignment)
{
  if (electrodes[i].alignment == alignment) return electrodes[i].kind;
  uint64_t bits[4];
  chi_random_bits(chi_random_make_key(options->seed, subject), 0, (uint64_t)i, CHI_PURPOSE_KINDS,
                  1 + (uint64_t)alignment, bits);
  return (bits[0] & 1) != 0 ? electrodes[i].kind : CHI_KIND_NONE;
}
