#include "simulate/responses.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "study/write.h"

/* The paper's windows: 200 ms wide, the first from -2 s, the last from +2 s, 25 ms apart if there
 * are 161 of them. A single one lies where responses are strongest. */
static const double bin_width = 0.2, first_bin = -1.9, span = 4, single_bin = 0.3;
static const double noise_memory = 0.5; /* s; over the bins noise decays as exp(-lag / this) */

static int64_t session_length(const chi_simulate_options *options)
{
  return (options->events + options->sessions - 1) / options->sessions;
}

bool chi_simulate_starts(const chi_simulate_options *options, int64_t event)
{
  return event % session_length(options) == 0;
}

int32_t chi_simulate_session(const chi_simulate_options *options, int64_t event)
{
  return (int32_t)(event / session_length(options));
}

int64_t chi_simulate_block(const chi_simulate_options *options, int64_t width)
{
  const int64_t rows = options->block_bytes / (width * (int64_t)sizeof(float));
  if (rows < 1) return 1;
  return rows < options->events ? rows : options->events;
}

/* Everything needed along the way. */
typedef struct response_state {
  int64_t n_electrodes, n_times;
  double step;           /* s between bins */
  double *signal_gain;   /* electrode x time: of the signal; the noise makes up the rest */
  double *noise, *fresh; /* electrode x time */
  const char **name, **region;
  float *x, *y, *z;
  double *time, *onset;
  int32_t *session;
  float *rows;
} response_state;

static void free_state(response_state *state)
{
  void *const all[] = {state->signal_gain, state->noise, state->fresh,   state->name,
                       state->region,      state->x,     state->y,       state->z,
                       state->time,        state->onset, state->session, state->rows};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) chi_free(all[i]);
}

static chi_status alloc_state(const chi_simulate_options *options, response_state *state)
{
  const int64_t e = options->electrodes, b = options->bins, n = options->events;
  const int64_t targets = e * b, rows = chi_simulate_block(options, targets);
  *state = (response_state){.n_electrodes = e, .n_times = b};
  CHI_TRY(chi_alloc(targets, sizeof(double), "responses", &state->signal_gain));
  CHI_TRY(chi_alloc(targets, sizeof(double), "responses", &state->noise));
  CHI_TRY(chi_alloc(targets, sizeof(double), "responses", &state->fresh));
  CHI_TRY(chi_alloc(rows * targets, sizeof(float), "responses", &state->rows));
  CHI_TRY(chi_alloc(e, sizeof(char *), "electrodes", &state->name));
  CHI_TRY(chi_alloc(e, sizeof(char *), "electrodes", &state->region));
  CHI_TRY(chi_alloc(e, sizeof(float), "electrodes", &state->x));
  CHI_TRY(chi_alloc(e, sizeof(float), "electrodes", &state->y));
  CHI_TRY(chi_alloc(e, sizeof(float), "electrodes", &state->z));
  CHI_TRY(chi_alloc(b, sizeof(double), "times", &state->time));
  CHI_TRY(chi_alloc(n, sizeof(double), "onsets", &state->onset));
  return chi_alloc(n, sizeof(int32_t), "sessions", &state->session);
}

/* Scene cuts come every 3.5 s on average and no sooner than after 1 s, words every 0.45 s and no
 * sooner than after 0.15 s. */
static void set_onsets(const chi_simulate_options *options, chi_random_key key, bool scenes,
                       response_state *state)
{
  const double least = scenes ? 1 : 0.15, mean = scenes ? 2.5 : 0.3;
  double at = 0;
  for (int64_t i = 0; i < options->events; i++) {
    uint64_t bits[4];
    chi_random_bits(key, 0, (uint64_t)i, CHI_PURPOSE_ONSET, 0, bits);
    if (chi_simulate_starts(options, i)) at = 5;
    at += least - mean * log(chi_random_unit(bits[0]));
    state->onset[i] = round(at * 1e3) / 1e3;
    state->session[i] = chi_simulate_session(options, i);
  }
}

static void set_gains(const chi_site *sites, const bool *responds, response_state *state)
{
  const int64_t b = state->n_times;
  state->step = b > 1 ? span / (double)(b - 1) : span;
  for (int64_t k = 0; k < b; k++)
    state->time[k] = b > 1 ? first_bin + state->step * (double)k : single_bin;
  for (int64_t e = 0; e < state->n_electrodes; e++) {
    const chi_site *site = &sites[e];
    state->name[e] = site->name;
    state->region[e] = site->region;
    state->x[e] = site->x;
    state->y[e] = site->y;
    state->z[e] = site->z;
    for (int64_t k = 0; k < b; k++) {
      const double off = (state->time[k] - site->peak) / site->width;
      state->signal_gain[e * b + k] = responds[e] ? site->effect * exp(-0.5 * off * off) : 0;
    }
  }
}

static double site_signal(const chi_site *site, const chi_latents *film)
{
  double sum = 0;
  for (int k = 0; k < CHI_LATENT_DIMS; k++)
    sum += site->vision[k] * film->vision[k] + site->language[k] * film->language[k] +
           site->product[k] * film->product[k];
  return sum;
}

/* The responses of one event. */
static void make_row(const chi_site *sites, const chi_latents *film, chi_random_key key,
                     int64_t event, bool start, response_state *state, float *row)
{
  const int64_t b = state->n_times, targets = state->n_electrodes * b;
  const double along = exp(-state->step / noise_memory), add = sqrt(1 - along * along);
  chi_random_normals(key, (uint64_t)event, CHI_PURPOSE_NOISE, 0, targets, state->fresh);
  for (int64_t e = 0; e < state->n_electrodes; e++) {
    const chi_site *site = &sites[e];
    const double signal = site_signal(site, film), *gain = state->signal_gain + e * b;
    double *fresh = state->fresh + e * b, *noise = state->noise + e * b;
    for (int64_t k = 1; k < b; k++) fresh[k] = along * fresh[k - 1] + add * fresh[k];
    chi_latents_ar_step(site->noise, start, b, fresh, noise);
    for (int64_t k = 0; k < b; k++) {
      const double z = gain[k] * signal + sqrt(1 - gain[k] * gain[k]) * noise[k];
      row[e * b + k] = (float)(site->offset + site->scale * z);
    }
  }
}

static chi_status write_rows(const chi_simulate_options *options, const char *dataset,
                             const chi_site *sites, response_state *state, chi_writer *writer)
{
  const int64_t targets = state->n_electrodes * state->n_times;
  const int64_t n_rows = chi_simulate_block(options, targets);
  chi_latents film = chi_latents_begin(options->seed, dataset, options->autocorrelation);
  for (int64_t event0 = 0; event0 < options->events; event0 += n_rows) {
    const int64_t left = options->events - event0, n = left < n_rows ? left : n_rows;
    for (int64_t i = 0; i < n; i++) {
      const bool start = chi_simulate_starts(options, event0 + i);
      chi_latents_step(&film, event0 + i, start);
      make_row(sites, &film, film.key, event0 + i, start, state, state->rows + i * targets);
    }
    CHI_TRY(chi_writer_append(writer, n, state->rows));
  }
  return CHI_OK;
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
                               const chi_site *sites, int32_t alignment, const char *name,
                               const char *path)
{
  char dataset[512];
  snprintf(dataset, sizeof dataset, "%s.%s", subject, name);
  const chi_random_key key = chi_random_make_key(options->seed, dataset);
  response_state state;
  chi_writer *writer = NULL;
  bool *responds = NULL;
  chi_status s = alloc_state(options, &state);
  if (s == CHI_OK) s = chi_alloc(options->electrodes, sizeof *responds, "electrodes", &responds);
  if (s != CHI_OK) goto cleanup;
  for (int64_t e = 0; e < options->electrodes; e++)
    responds[e] = chi_site_kind(options, subject, sites, e, alignment) != CHI_KIND_NONE;
  set_onsets(options, key, strstr(name, "vision") != NULL, &state);
  set_gains(sites, responds, &state);
  const chi_response_header header = make_header(options, subject, name, &state);
  s = chi_writer_create_responses(path, &header, &writer);
  if (s == CHI_OK) s = write_rows(options, dataset, sites, &state, writer);
  s = chi_writer_finish(&writer, s);
cleanup:
  chi_free(responds);
  free_state(&state);
  return s;
}
