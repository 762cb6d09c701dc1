#include "import/raw.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "import/output.h"
#include "study/catalog.h"

static chi_status check_treatment(const chi_treatment *t, double rate)
{
  const double half = rate / 2, envelope_end = half - t->low / 4;
  if (t->notch >= half)
    return chi_fail(CHI_ERR_USAGE, "--notch %g: not below half the rate, %g Hz", t->notch, half);
  if (t->high_pass >= half)
    return chi_fail(CHI_ERR_USAGE, "--high-pass %g: not below half the rate, %g Hz", t->high_pass,
                    half);
  if (t->high > 0 && !(t->low > 0 && t->low < t->high && t->high < half))
    return chi_fail(CHI_ERR_USAGE, "--band %g,%g: expected 0 < low < high < half the rate, %g Hz",
                    t->low, t->high, half);
  if (t->envelope && t->high == 0)
    return chi_fail(CHI_ERR_USAGE, "--envelope needs --band LOW,HIGH: it is that band's amplitude");
  if (t->envelope && t->high > envelope_end)
    return chi_fail(CHI_ERR_USAGE,
                    "--envelope: the band must end by %g Hz (half the rate less a quarter of its "
                    "low edge), not %g",
                    envelope_end, t->high);
  return CHI_OK;
}

chi_status chi_raw_create(const chi_import_options *options, const char *subject, double rate,
                          int64_t n_sessions, chi_raw **out)
{
  const chi_treatment *t = &options->treatment;
  *out = NULL;
  CHI_TRY(chi_output_check_name("subject", subject, false));
  CHI_TRY(chi_output_check_name("alignment", options->alignment, false));
  CHI_TRY(check_treatment(t, rate));
  CHI_TRY(chi_alloc(1, sizeof **out, "recordings", out));
  chi_raw *r = *out;
  r->rate = rate;
  r->layout = options->layout;
  r->treatment = *t;
  r->n_sessions = n_sessions;
  chi_status s = chi_alloc(n_sessions, sizeof *r->session, "recordings", &r->session);
  if (s == CHI_OK) s = chi_strdup(subject, &r->subject);
  if (s == CHI_OK) s = chi_strdup(options->alignment, &r->alignment);
  if (s == CHI_OK)
    s = chi_bins_form_make(t->window_start, t->window_end, t->bin, t->step, rate, &r->bins);
  if (s != CHI_OK) chi_raw_destroy(out);
  return s;
}

void chi_raw_destroy(chi_raw **raw)
{
  chi_raw *r = *raw;
  if (r == NULL) return;
  for (int64_t i = 0; r->session != NULL && i < r->n_sessions; i++) chi_free(r->session[i].path);
  for (int64_t i = 0; i < r->n_channels; i++) {
    chi_free(r->channel[i].name);
    chi_free(r->channel[i].region);
  }
  void *const owned[] = {r->session,    r->subject,   r->alignment, r->source, r->object,
                         r->electrode,  r->name,      r->region,    r->xyz,    r->onset,
                         r->session_of, r->table_row, r->event,     r->channel};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) chi_free(owned[i]);
  chi_bins_form_free(&r->bins);
  chi_text_free(&r->notes);
  chi_free(r);
  *raw = NULL;
}

void chi_raw_note(chi_raw *raw, const char *format, ...)
{
  char line[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  chi_text_add_line(&raw->notes, "%s", line);
}

chi_channel *chi_raw_find_channel(const chi_raw *r, const char *name)
{
  for (int64_t i = 0; i < r->n_channels; i++)
    if (strcmp(r->channel[i].name, name) == 0) return &r->channel[i];
  return NULL;
}

chi_status chi_raw_add_channel(chi_raw *r, const char *where, const char *name, bool left_out)
{
  char what[32];
  const chi_channel *same = chi_raw_find_channel(r, name);
  snprintf(what, sizeof what, "name %lld", (long long)r->n_channels);
  CHI_TRY(chi_name_check(name, where, what));
  if (same != NULL)
    return chi_fail(CHI_ERR_INPUT, "%s: names %lld and %lld are both `%s`, expected unique names",
                    where, (long long)(same - r->channel), (long long)r->n_channels, name);
  CHI_TRY(
      chi_grow(&r->channel, &r->channels_room, r->n_channels + 1, sizeof *r->channel, "channels"));
  chi_channel *c = &r->channel[r->n_channels];
  *c = (chi_channel){.left_out = left_out, .xyz = {NAN, NAN, NAN}};
  CHI_TRY(chi_strdup(name, &c->name));
  r->n_channels++;
  return chi_strdup("", &c->region);
}

/* Part a name into its shaft (how many bytes) and its number on it; false if it has none. */
static bool split(const char *name, size_t *stem, int64_t *number)
{
  size_t n = strlen(name);
  while (n > 0 && !isalpha((unsigned char)name[n - 1])) n--;
  *stem = n;
  *number = 0;
  const char *digits = name + n;
  const size_t n_digits = strlen(digits);
  if (n_digits == 0 || n_digits > 9 || strspn(digits, "0123456789") != n_digits) return false;
  for (; *digits != '\0'; digits++) *number = 10 * *number + (*digits - '0');
  return true;
}

/* The good channel with this number on the shaft of `name`, or -1. */
static int64_t find_on_shaft(const chi_raw *r, const char *name, size_t stem, int64_t number)
{
  size_t other_stem;
  int64_t other;
  for (int64_t i = 0; i < r->n_channels; i++)
    if (split(r->channel[i].name, &other_stem, &other) && other_stem == stem && other == number &&
        strncmp(r->channel[i].name, name, stem) == 0)
      return r->channel[i].left_out ? -1 : i;
  return -1;
}

static bool find_neighbours(const chi_raw *r, chi_electrode *e)
{
  size_t stem;
  int64_t number;
  const char *name = r->channel[e->channel].name;
  if (!split(name, &stem, &number)) return false;
  e->before = find_on_shaft(r, name, stem, number - 1);
  e->after = find_on_shaft(r, name, stem, number + 1);
  return e->before >= 0 && e->after >= 0;
}

static chi_status choose_electrodes(chi_raw *r, const char *where)
{
  const bool laplacian = r->treatment.reference == CHI_REFERENCE_LAPLACIAN;
  CHI_TRY(chi_alloc(r->n_channels, sizeof *r->electrode, "electrodes", &r->electrode));
  for (int64_t i = 0; i < r->n_channels; i++) {
    chi_electrode e = {i, -1, -1};
    if (r->channel[i].left_out || (laplacian && !find_neighbours(r, &e))) continue;
    r->electrode[r->n_electrodes++] = e;
  }
  if (r->n_electrodes > 0) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: of %lld channels no electrode is left to import%s", where,
                  (long long)r->n_channels,
                  laplacian ? " that has both its neighbours on the shaft" : "");
}

chi_status chi_raw_choose(chi_raw *r, const char *where)
{
  int64_t *channel = NULL, n = 0;
  CHI_TRY(choose_electrodes(r, where));
  CHI_TRY(chi_alloc(r->n_channels, sizeof *channel, "channels", &channel));
  for (int64_t i = 0; i < r->n_channels; i++)
    if (!r->channel[i].left_out) channel[n++] = i;
  chi_status s = CHI_OK;
  for (int64_t i = 0; i < r->n_sessions && s == CHI_OK; i++) {
    chi_signals *signals = NULL;
    s = chi_signals_open(r->session[i].path, r->object, r->layout, &signals);
    if (s == CHI_OK) s = chi_signals_choose(signals, n, channel, 1, &r->session[i].n_samples);
    chi_signals_close(&signals);
  }
  chi_free(channel);
  return s;
}

static chi_status describe_electrodes(chi_raw *r)
{
  const int64_t n = r->n_electrodes;
  CHI_TRY(chi_alloc(n, sizeof *r->name, "electrodes", &r->name));
  CHI_TRY(chi_alloc(n, sizeof *r->region, "regions", &r->region));
  CHI_TRY(chi_alloc(3 * n, sizeof *r->xyz, "coordinates", &r->xyz));
  for (int64_t i = 0; i < n; i++) {
    const chi_channel *c = &r->channel[r->electrode[i].channel];
    r->name[i] = c->name;
    r->region[i] = c->region;
    for (int k = 0; k < 3; k++) r->xyz[k * n + i] = c->xyz[k];
  }
  return CHI_OK;
}

static chi_status describe_events(chi_raw *r)
{
  CHI_TRY(chi_alloc(r->n_events, sizeof *r->onset, "events", &r->onset));
  CHI_TRY(chi_alloc(r->n_events, sizeof *r->session_of, "events", &r->session_of));
  CHI_TRY(chi_alloc(r->n_events, sizeof *r->table_row, "events", &r->table_row));
  for (int64_t i = 0; i < r->n_events; i++) {
    r->onset[i] = (double)r->event[i].sample / r->rate;
    r->session_of[i] = r->event[i].session;
    r->table_row[i] = r->event[i].table_row;
  }
  return CHI_OK;
}

chi_status chi_raw_describe(chi_raw *r, chi_response_header *out)
{
  const chi_treatment *t = &r->treatment;
  const int64_t n = r->n_electrodes;
  const char *units = t->zscore ? "z" : "uV";
  CHI_TRY(describe_electrodes(r));
  CHI_TRY(describe_events(r));
  *out = (chi_response_header){.subject = r->subject,
                               .alignment = r->alignment,
                               .units = t->units != NULL ? t->units : units,
                               .n_events = r->n_events,
                               .n_electrodes = n,
                               .n_times = r->bins.n,
                               .electrode = r->name,
                               .region = r->has_regions ? r->region : NULL,
                               .x = r->has_places ? r->xyz : NULL,
                               .y = r->xyz + n,
                               .z = r->xyz + 2 * n,
                               .space = "elec_coords_full.csv",
                               .time = r->bins.time,
                               .bin_width = r->bins.width,
                               .onset = r->onset,
                               .session = r->session_of,
                               .row = r->table_row,
                               .sampling_rate = r->rate,
                               .source = r->source};
  return CHI_OK;
}
