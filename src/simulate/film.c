#include "simulate/film.h"

#include <math.h>
#include <stddef.h>

#include "base/memory.h"

void chi_film_ar_step(double autocorrelation, bool start, int64_t n, const double *fresh,
                      double *state)
{
  const double keep = start ? 0 : autocorrelation, add = sqrt(1 - keep * keep);
  for (int64_t i = 0; i < n; i++) state[i] = keep * state[i] + add * fresh[i];
}

chi_film chi_film_begin(uint64_t seed, const char *dataset, double autocorrelation)
{
  return (chi_film){.key = chi_random_make_key(seed, dataset), .autocorrelation = autocorrelation};
}

void chi_film_step(chi_film *film, int64_t event, bool start)
{
  double *const processes[] = {
      [CHI_PURPOSE_VISION] = film->vision, [CHI_PURPOSE_LANGUAGE] = film->language};
  for (int i = 0; i < 2; i++) {
    double fresh[CHI_LATENT_DIMS];
    chi_random_normals(film->key, (uint64_t)event, (uint64_t)i, 0, CHI_LATENT_DIMS, fresh);
    chi_film_ar_step(film->autocorrelation, start, CHI_LATENT_DIMS, fresh, processes[i]);
  }
  for (int k = 0; k < CHI_LATENT_DIMS; k++)
    film->product[k] = film->vision[k] * film->language[(k + 1) % CHI_LATENT_DIMS];
}

int64_t chi_film_session_length(const chi_simulate_options *options)
{
  return (options->events + options->sessions - 1) / options->sessions;
}

chi_status chi_film_write(const chi_simulate_options *options, const char *dataset, int64_t width,
                          chi_film_row *make, void *context, chi_writer *writer)
{
  const int64_t fit = options->block_bytes / (width * (int64_t)sizeof(float));
  const int64_t n_rows = fit < 1 ? 1 : fit < options->events ? fit : options->events;
  chi_film film = chi_film_begin(options->seed, dataset, options->autocorrelation);
  float *rows = NULL;
  CHI_TRY(chi_alloc(n_rows * width, sizeof *rows, "rows of events", &rows));
  chi_status s = CHI_OK;
  for (int64_t event = 0, n = 0; event < options->events && s == CHI_OK; event++) {
    const bool start = event % chi_film_session_length(options) == 0;
    chi_film_step(&film, event, start);
    make(context, &film, event, start, rows + n++ * width);
    if (n < n_rows && event + 1 < options->events) continue;
    s = chi_writer_append(writer, n, rows);
    n = 0;
  }
  chi_free(rows);
  return s;
}
