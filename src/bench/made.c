#include "bench/made.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"

enum { LATENTS = 12 };
enum { OF_LATENTS, OF_FEATURES, OF_TARGETS, OF_DRAWS }; /* streams of random numbers */
static const chi_random_key key = {1, 0};

static chi_status allocate(chi_made *m)
{
  int64_t n_x, n_y;
  if (__builtin_mul_overflow(m->events, m->features, &n_x) ||
      __builtin_mul_overflow(m->events, m->targets, &n_y))
    return chi_fail(CHI_ERR_MEMORY, "events x features or targets is beyond 2^63");
  CHI_TRY(chi_alloc(n_x, sizeof *m->x, "features", &m->x));
  CHI_TRY(chi_alloc(n_y, m->encode.precision, "responses", &m->y));
  CHI_TRY(chi_alloc(m->targets, 1, "flags", &m->missing));
  CHI_TRY(chi_alloc(3 * m->targets, sizeof *m->scores, "scores", &m->scores));
  CHI_TRY(chi_encoder_create(&m->encode, &m->encoder));
  return chi_encoder_reserve(
      m->encoder, chi_encode_make_plan(&m->encode, m->events, m->features, m->targets, 1).bytes);
}

/* Uniform numbers: a dozen latent processes with falling weights, and noise of every feature and
 * target its own, so that targets differ in how well they are predicted and in the alpha they
 * choose. */
static chi_status fill(chi_made *m)
{
  double *noise, latent[LATENTS];
  CHI_TRY(chi_alloc(m->features > m->targets ? m->features : m->targets, sizeof *noise, "noise",
                    &noise));
  for (int64_t i = 0; i < m->events; i++) {
    chi_random_uniforms(key, OF_LATENTS, (uint64_t)i, 0, LATENTS, latent);
    chi_random_uniforms(key, OF_FEATURES, (uint64_t)i, 0, m->features, noise);
    for (int64_t j = 0; j < m->features; j++)
      m->x[i * m->features + j] =
          (float)(noise[j] + latent[j % LATENTS] * 0.5 / (double)(1 + j % LATENTS));
    chi_random_uniforms(key, OF_TARGETS, (uint64_t)i, 0, m->targets, noise);
    for (int64_t j = 0; j < m->targets; j++) {
      const double y = noise[j] + latent[j % LATENTS] * (double)(j % 7) / 7;
      if (m->encode.precision == CHI_REAL64)
        ((double *)m->y)[i * m->targets + j] = y;
      else
        ((float *)m->y)[i * m->targets + j] = (float)y;
    }
  }
  chi_free(noise);
  return CHI_OK;
}

chi_status chi_made_create(const chi_encode_options *encode, int64_t events, int64_t features,
                           int64_t targets, chi_made *made)
{
  *made = (chi_made){.events = events, .features = features, .targets = targets, .encode = *encode};
  CHI_TRY(allocate(made));
  CHI_TRY(fill(made));
  chi_responses_prepare(events, targets, encode->precision, encode->threads, made->y,
                        made->missing);
  return CHI_OK;
}

void chi_made_free(chi_made *made)
{
  chi_free(made->x);
  chi_free(made->y);
  chi_free(made->missing);
  chi_free(made->scores);
  chi_free(made->block);
  chi_free(made->alpha);
  for (int half = 0; half < 2; half++) chi_free(made->influence[half]);
  chi_encoder_destroy(&made->encoder);
}

static int compare_events(const void *a, const void *b)
{
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

chi_status chi_made_rows(const chi_made *made, int64_t replicate, chi_rows *rows)
{
  const int64_t n = made->events;
  int64_t *drawn;
  if (replicate < 0) return chi_rows_plain(&made->encode, n, NULL, NULL, rows);
  CHI_TRY(chi_alloc(n, sizeof *drawn, "drawn events", &drawn));
  for (int64_t i = 0; i < n; i++) {
    uint64_t bits[4];
    chi_random_bits(key, (uint64_t)i, (uint64_t)replicate, OF_DRAWS, 0, bits);
    drawn[i] = (int64_t)chi_random_below(bits[0], (uint64_t)n);
  }
  qsort(drawn, (size_t)n, sizeof *drawn, compare_events);
  const chi_status s = chi_rows_drawn(&made->encode, n, drawn, NULL, NULL, rows);
  chi_free(drawn);
  return s;
}

static chi_features features_of(const chi_made *made)
{
  return (chi_features){made->events, made->features, CHI_REAL32, made->x};
}

static chi_responses responses_of(const chi_made *made)
{
  return (chi_responses){.n_events = made->events,
                         .n_electrodes = made->targets,
                         .n_times = 1,
                         .real = made->encode.precision,
                         .y = made->y,
                         .missing = made->missing};
}

chi_status chi_made_fit(const chi_made *made, const chi_rows *rows, chi_stages *stages)
{
  const chi_features x = features_of(made);
  const chi_responses y = responses_of(made);
  const chi_encode_part part = {0, made->targets, made->scores, made->scores + made->targets,
                                made->scores + 2 * made->targets};
  return chi_encode_fit(made->encoder, rows, &x, &y, &part, stages);
}

chi_status chi_made_reserve_influence(chi_made *m, chi_residual residual)
{
  m->n_blocks = (int32_t)(m->events < CHI_MADE_BLOCKS ? m->events : CHI_MADE_BLOCKS);
  CHI_TRY(chi_alloc(m->events, sizeof *m->block, "blocks", &m->block));
  for (int64_t i = 0; i < m->events; i++) m->block[i] = (int32_t)(i * m->n_blocks / m->events);
  CHI_TRY(chi_alloc(m->targets, sizeof *m->alpha, "alphas", &m->alpha));
  for (int64_t j = 0; j < m->targets; j++)
    m->alpha[j] = (float)m->encode.alphas[j % m->encode.n_alphas];
  for (int half = 0; half < 2; half++)
    CHI_TRY(chi_alloc(m->n_blocks * m->targets, sizeof(float), "influences", &m->influence[half]));
  return chi_encoder_reserve(
      m->encoder, chi_influence_make_plan(&m->encode, residual, m->events, m->n_blocks, m->features,
                                          m->targets, 1)
                      .bytes);
}

chi_status chi_made_influence(const chi_made *made, chi_residual residual, const chi_rows *rows,
                              chi_stages *stages)
{
  const chi_features x = features_of(made);
  const chi_responses y = responses_of(made);
  const chi_influence what = {.alpha = made->alpha,
                              .n_blocks = made->n_blocks,
                              .block = made->block,
                              .val_r = made->influence[0],
                              .test_r = made->influence[1]};
  return chi_encode_influence(made->encoder, residual, rows, &x, &y, &what, stages);
}
