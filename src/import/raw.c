#include "import/raw.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "import/output.h"
#include "study/catalog.h"

static chi_status check_treatment(const chi_import_options *o, double rate)
{
  const chi_treatment *t = &o->treatment;
  const double half = rate / 2, envelope_end = half - t->low / 4;
  if (t->notch >= half)
    return chi_fail(CHI_ERR_USAGE, "--notch %g: not below half the rate, %g Hz", t->notch, half);
  if (t->high_pass >= half)
    return chi_fail(CHI_ERR_USAGE, "--high-pass %g: not below half the rate, %g Hz", t->high_pass,
                    half);
  if (t->high > 0 && !(t->low > 0 && t->low < t->high && t->high < half))
    return chi_fail(CHI_ERR_USAGE, "--band %g,%g: expected 0 < low < high < half the rate, %g Hz",
                    t->low, t->high, half);
  if (o->shaft_pattern != NULL && t->reference != CHI_REFERENCE_LAPLACIAN)
    return chi_fail(CHI_ERR_USAGE,
                    "--shaft-pattern needs --reference laplacian: it tells which channels are "
                    "neighbours");
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
  CHI_TRY(check_treatment(options, rate));
  CHI_TRY(chi_alloc(1, sizeof **out, "recordings", out));
  chi_raw *r = *out;
  r->rate = rate;
  r->layout = options->layout;
  r->treatment = *t;
  r->n_sessions = n_sessions;
  chi_status s = chi_alloc(n_sessions, sizeof *r->session, "recordings", &r->session);
  if (s == CHI_OK) s = chi_shafts_create(options->shaft_pattern, &r->shafts);
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
  chi_shafts_destroy(&r->shafts);
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

chi_status chi_raw_add_channel(chi_raw *r, const char *where, const char *name,
                               const char *left_out)
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

/* The good channel `step` further on a contact's shaft, or -1. */
static int64_t find_on_shaft(const chi_raw *r, const chi_contact *at, int64_t step)
{
  chi_contact other;
  for (int64_t i = 0; i < r->n_channels; i++)
    if (chi_shafts_part(r->shafts, r->channel[i].name, &other) &&
        chi_contact_next(at, &other, step))
      return r->channel[i].left_out != NULL ? -1 : i;
  return -1;
}

/* Why a channel has no Laplacian; NULL: it has. */
static const char *find_neighbours(const chi_raw *r, chi_electrode *e)
{
  chi_contact at;
  if (!chi_shafts_part(r->shafts, r->channel[e->channel].name, &at))
    return "by their names on no shaft (see --shaft-pattern)";
  e->before = find_on_shaft(r, &at, -1);
  e->after = find_on_shaft(r, &at, 1);
  return e->before >= 0 && e->after >= 0 ? NULL : "without two good neighbours on their shaft";
}

/* Name the channels that are left out for the reasons in `why` (by channel; NULL: none): a line or
 * more a reason. */
static void note_left_out(chi_raw *r, const char *where, const char **why)
{
  enum { LINE = 600 };
  for (int64_t i = 0; i < r->n_channels; i++) {
    chi_text line = {0};
    int64_t n = 0;
    if (why[i] == NULL) continue;
    for (int64_t k = i; k < r->n_channels; k++) n += why[k] == why[i];
    const char *reason = why[i];
    for (int64_t k = i; k < r->n_channels; k++) {
      if (why[k] != reason) continue;
      why[k] = NULL;
      if (line.n > LINE) {
        chi_text_add_line(&r->notes, "%s,", line.s);
        chi_text_free(&line);
      }
      if (line.n == 0)
        chi_text_add(&line, "%s: left out, %lld channels %s: %s", where, (long long)n, reason,
                     r->channel[k].name);
      else
        chi_text_add(&line, ", %s", r->channel[k].name);
    }
    if (line.s != NULL) chi_text_add_line(&r->notes, "%s", line.s);
    chi_text_free(&line);
  }
}

static chi_status choose_electrodes(chi_raw *r, const char *where)
{
  const bool laplacian = r->treatment.reference == CHI_REFERENCE_LAPLACIAN;
  const char **why = NULL;
  CHI_TRY(chi_alloc(r->n_channels, sizeof *r->electrode, "electrodes", &r->electrode));
  CHI_TRY(chi_alloc(r->n_channels, sizeof *why, "electrodes", &why));
  for (int64_t i = 0; i < r->n_channels; i++) {
    chi_electrode e = {i, -1, -1};
    why[i] = r->channel[i].left_out;
    if (why[i] == NULL && laplacian) why[i] = find_neighbours(r, &e);
    if (why[i] == NULL) r->electrode[r->n_electrodes++] = e;
  }
  note_left_out(r, where, why);
  chi_free(why);
  if (r->n_electrodes > 0) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: of %lld channels no electrode is left to import%s", where,
                  (long long)r->n_channels,
                  laplacian ? " that has both its neighbours on the shaft; where the names are "
                              "unusual, --shaft-pattern tells the shafts"
                            : "");
}

chi_status chi_raw_choose(chi_raw *r, const char *where)
{
  int64_t *channel = NULL, n = 0;
  CHI_TRY(choose_electrodes(r, where));
  CHI_TRY(chi_alloc(r->n_channels, sizeof *channel, "channels", &channel));
  for (int64_t i = 0; i < r->n_channels; i++)
    if (r->channel[i].left_out == NULL) channel[n++] = i;
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
