#include "plan/made.h"

#include "base/memory.h"

/* Noise from 0 to 1, quickly (splitmix64). */
static double noise(uint64_t *state)
{
  uint64_t z = *state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

enum { LATENTS = 12 };

/* Noise, and in each event a few latent processes that features and targets share, so that targets
 * differ in the alpha they choose. */
static void fill(chi_made *d)
{
  uint64_t state = 1;
  double latent[LATENTS];
  for (int64_t i = 0; i < d->events; i++) {
    for (int k = 0; k < LATENTS; k++) latent[k] = noise(&state);
    for (int64_t j = 0; j < d->features; j++)
      d->x[i * d->features + j] =
          (float)(noise(&state) + latent[j % LATENTS] / (double)(2 + j % LATENTS));
    for (int64_t j = 0; j < d->targets; j++) {
      const double y = noise(&state) + latent[j % LATENTS] * (double)(j % 7) / 7;
      if (d->encode.precision == CHI_REAL64)
        ((double *)d->y)[i * d->targets + j] = y;
      else
        ((float *)d->y)[i * d->targets + j] = (float)y;
    }
  }
}

static chi_status allocate(chi_made *d)
{
  CHI_TRY(chi_alloc(d->events * d->features, sizeof *d->x, "features", &d->x));
  CHI_TRY(chi_alloc(d->events * d->targets, d->encode.precision, "responses", &d->y));
  CHI_TRY(chi_alloc(d->targets, 1, "flags", &d->missing));
  CHI_TRY(chi_alloc(3 * d->targets, sizeof *d->scores, "scores", &d->scores));
  return chi_encoder_create(&d->encode, &d->encoder);
}

chi_status chi_made_create(const chi_encode_options *encode, int64_t events, int64_t features,
                           int64_t targets, chi_made *made)
{
  *made = (chi_made){.events = events, .features = features, .targets = targets, .encode = *encode};
  const chi_status s = allocate(made);
  if (s != CHI_OK) {
    chi_made_free(made);
    return s;
  }
  fill(made);
  chi_responses_prepare(events, targets, encode->precision, 1, made->y, made->missing);
  return CHI_OK;
}

void chi_made_free(chi_made *made)
{
  chi_free(made->x);
  chi_free(made->y);
  chi_free(made->missing);
  chi_free(made->scores);
  chi_encoder_destroy(&made->encoder);
}

chi_status chi_made_fit(const chi_made *made, const chi_rows *rows, chi_stages *stages)
{
  const chi_features x = {made->events, made->features, CHI_REAL32, made->x};
  const chi_responses y = {made->events,           made->targets, 1,
                           made->encode.precision, made->y,       made->missing};
  const chi_encode_part part = {0, made->targets, made->scores, made->scores + made->targets,
                                made->scores + 2 * made->targets};
  return chi_encode_fit(made->encoder, rows, &x, &y, &part, stages);
}
