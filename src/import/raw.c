#include "import/raw.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "import/output.h"

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
  void *const owned[] = {r->session, r->subject,   r->alignment, r->source,
                         r->object,  r->electrode, r->event};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) chi_free(owned[i]);
  chi_bins_form_free(&r->bins);
  chi_channels_free(&r->channels);
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
  chi_text_add(&raw->notes, "%s\n", line);
}

chi_status chi_raw_choose(chi_raw *r, const char *where)
{
  int64_t *channel = NULL, n = 0;
  CHI_TRY(chi_channels_choose(&r->channels, r->treatment.reference == CHI_REFERENCE_LAPLACIAN,
                              where, &r->n_electrodes, &r->electrode));
  CHI_TRY(chi_alloc(r->channels.n, sizeof *channel, "channels", &channel));
  for (int64_t i = 0; i < r->channels.n; i++)
    if (!r->channels.item[i].left_out) channel[n++] = i;
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
