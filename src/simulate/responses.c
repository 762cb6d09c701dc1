#include "simulate/responses.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* The paper's windows: 200 ms wide, the first from -2 s, the last from +2 s, 25 ms apart if there
 * are 161 of them. A single one lies where responses are strongest. */
static const double bin_width = 0.2, first_bin = -1.9, span = 4, single_bin = 0.3;
static const double noise_memory = 0.5; /* s; over the bins noise decays as exp(-lag / this) */

/* Everything needed along the way; each line's arrays are one. */
typedef struct response_state {
  const chi_simulate_options *options;
  const chi_electrode *electrode;
  double step; /* s between bins */
  /* electrode x time: the signal's gain (the noise makes up the rest); then by bin and by event */
  double *gain, *noise, *fresh, *time, *onset;
  const char **name, **region;
  float *x, *y, *z;
  int32_t *session;
} response_state;

static chi_status alloc_state(response_state *state)
{
  const int64_t e = state->options->electrodes, b = state->options->bins;
  const int64_t n = state->options->events;
  CHI_TRY(chi_alloc(3 * e * b + b + n, sizeof(double), "responses", &state->gain));
  state->noise = state->gain + e * b;
  state->fresh = state->noise + e * b;
  state->time = state->fresh + e * b;
  state->onset = state->time + b;
  CHI_TRY(chi_alloc(2 * e, sizeof(char *), "electrodes", &state->name));
  state->region = state->name + e;
  CHI_TRY(chi_alloc(3 * e, sizeof(float), "electrodes", &state->x));
  state->y = state->x + e;
  state->z = state->y + e;
  return chi_alloc(n, sizeof(int32_t), "sessions", &state->session);
}

/* Scene cuts come every 3.5 s on average and no sooner than after 1 s, words every 0.45 s and no
 * sooner than after 0.15 s. */
static void set_onsets(const chi_simulate_options *options, const char *dataset, bool scenes,
                       response_state *state)
{
  const chi_random_key key = chi_random_make_key(options->seed, dataset);
  const int64_t length = chi_film_session_length(options);
  const double least = scenes ? 1 : 0.15, mean = scenes ? 2.5 : 0.3;
  double at = 0;
  for (int64_t i = 0; i < options->events; i++) {
    uint64_t bits[4];
    chi_random_bits(key, 0, (uint64_t)i, CHI_PURPOSE_ONSET, 0, bits);
    if (i % length == 0) at = 5;
    at += least - mean * log(chi_random_unit(bits[0]));
    state->onset[i] = round(at * 1e3) / 1e3;
    state->session[i] = (int32_t)(i / length);
  }
}

static void set_bins(int64_t n, response_state *state)
{
  state->step = n > 1 ? span / (double)(n - 1) : span;
  for (int64_t k = 0; k < n; k++)
    state->time[k] = n > 1 ? first_bin + state->step * (double)k : single_bin;
}

static void set_electrode(int64_t e, bool responds, response_state *state)
{
  const chi_electrode *electrode = &state->electrode[e];
  const int64_t b = state->options->bins;
  state->name[e] = electrode->name;
  state->region[e] = electrode->region;
  state->x[e] = electrode->x;
  state->y[e] = electrode->y;
  state->z[e] = electrode->z;
  for (int64_t k = 0; k < b; k++) {
    const double off = (state->time[k] - electrode->peak) / electrode->width;
    state->gain[e * b + k] = responds ? electrode->effect * exp(-0.5 * off * off) : 0;
  }
}

static double signal_of(const chi_electrode *electrode, const chi_film *film)
{
  double sum = 0;
  for (int k = 0; k < CHI_LATENT_DIMS; k++)
    sum += electrode->vision[k] * film->vision[k] + electrode->language[k] * film->language[k] +
           electrode->product[k] * film->product[k];
  return sum;
}

/* The responses of one event. */
static void make_row(void *context, const chi_film *film, int64_t event, bool start, float *row)
{
  response_state *state = context;
  const int64_t n = state->options->electrodes, b = state->options->bins;
  const double along = exp(-state->step / noise_memory), add = sqrt(1 - along * along);
  chi_random_normals(film->key, (uint64_t)event, CHI_PURPOSE_NOISE, 0, n * b, state->fresh);
  for (int64_t e = 0; e < n; e++) {
    const chi_electrode *electrode = &state->electrode[e];
    const double signal = signal_of(electrode, film), *gain = state->gain + e * b;
    double *fresh = state->fresh + e * b, *noise = state->noise + e * b;
    for (int64_t k = 1; k < b; k++) fresh[k] = along * fresh[k - 1] + add * fresh[k];
    chi_film_ar_step(electrode->noise, start, b, fresh, noise);
    for (int64_t k = 0; k < b; k++) {
      const double z = gain[k] * signal + sqrt(1 - gain[k] * gain[k]) * noise[k];
      row[e * b + k] = (float)(electrode->offset + electrode->scale * z);
    }
  }
}

static chi_response_header make_header(const chi_simulate_options *options, const char *subject,
                                       const char *alignment, const response_state *state)
{
  /* Independent events may be drawn one by one, as from a stimulus experiment. */
  const bool independent = options->autocorrelation == 0 && options->noise_max == 0;
  return (chi_response_header){.subject = subject,
                               .alignment = alignment,
                               .units = "uV",
                               .n_events = options->events,
                               .n_electrodes = options->electrodes,
                               .n_times = options->bins,
                               .electrode = state->name,
                               .region = state->region,
                               .x = state->x,
                               .y = state->y,
                               .z = state->z,
                               .space = "MNI152",
                               .time = state->time,
                               .bin_width = bin_width,
                               .onset = state->onset,
                               .session = state->session,
                               .sampling_rate = 2048,
                               .source = "chiasm simulate",
                               .exchangeable = independent};
}

chi_status chi_responses_write(const chi_simulate_options *options, const char *subject,
                               const chi_electrode *electrodes, int32_t alignment, const char *name,
                               const char *path)
{
  char dataset[512];
  snprintf(dataset, sizeof dataset, "%s.%s", subject, name);
  response_state state = {.options = options, .electrode = electrodes};
  chi_writer *writer = NULL;
  chi_status s = alloc_state(&state);
  if (s != CHI_OK) goto cleanup;
  set_onsets(options, dataset, strstr(name, "vision") != NULL, &state);
  set_bins(options->bins, &state);
  for (int64_t e = 0; e < options->electrodes; e++)
    set_electrode(
        e, chi_electrode_kind(options, subject, electrodes, e, alignment) != CHI_KIND_NONE, &state);
  const chi_response_header header = make_header(options, subject, name, &state);
  s = chi_writer_create_responses(path, &header, &writer);
  if (s == CHI_OK)
    s = chi_film_write(options, dataset, options->electrodes * options->bins, make_row, &state,
                       writer);
  s = chi_writer_finish(&writer, s);
cleanup:
  chi_free(state.gain);
  chi_free(state.name);
  chi_free(state.x);
  chi_free(state.session);
  return s;
}
