#include "simulate/latents.h"

#include <math.h>

void chi_latents_ar_step(double autocorrelation, bool start, int64_t n, const double *fresh,
                         double *state)
{
  const double keep = start ? 0 : autocorrelation, add = sqrt(1 - keep * keep);
  for (int64_t i = 0; i < n; i++) state[i] = keep * state[i] + add * fresh[i];
}

chi_latents chi_latents_begin(uint64_t seed, const char *dataset, double autocorrelation)
{
  return (chi_latents){.key = chi_random_make_key(seed, dataset),
                       .autocorrelation = autocorrelation};
}

void chi_latents_step(chi_latents *latents, int64_t event, bool start)
{
  const struct {
    uint64_t purpose;
    double *state;
  } processes[] = {{CHI_PURPOSE_VISION, latents->vision},
                   {CHI_PURPOSE_LANGUAGE, latents->language}};
  for (int i = 0; i < 2; i++) {
    double fresh[CHI_LATENT_DIMS];
    chi_random_normals(latents->key, (uint64_t)event, processes[i].purpose, 0, CHI_LATENT_DIMS,
                       fresh);
    chi_latents_ar_step(latents->autocorrelation, start, CHI_LATENT_DIMS, fresh,
                        processes[i].state);
  }
  for (int k = 0; k < CHI_LATENT_DIMS; k++)
    latents->product[k] = latents->vision[k] * latents->language[(k + 1) % CHI_LATENT_DIMS];
}
