#include "import/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

static chi_status check_treatment(const chi_treatment *t, double rate)
{
  const double half = rate / 2;
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
  if (t->envelope && t->high > half - t->low / 4)
    return chi_fail(CHI_ERR_USAGE,
                    "--envelope: the band must end by %g Hz (half the rate less a "
                    "quarter of its low edge), not %g",
                    half - t->low / 4, t->high);
  return CHI_OK;
}

static chi_status check_names(const char *subject, const char *alignment)
{
  const struct {
    const char *option, *name;
  } names[] = {{"subject", subject}, {"alignment", alignment}};
  for (int i = 0; i < 2; i++) {
    if (names[i].name == NULL) return chi_fail(CHI_ERR_USAGE, "--%s is missing", names[i].option);
    if (!chi_name_ok(names[i].name, false))
      return chi_fail(CHI_ERR_USAGE, "--%s: `%.80s` is no name; expected letters, digits, _ and -",
                      names[i].option, names[i].name);
  }
  return CHI_OK;
}

chi_status chi_plan_create(const chi_import_options *options, const char *subject, double rate,
                           int64_t n_sessions, chi_plan **out)
{
  const chi_treatment *t = &options->treatment;
  *out = NULL;
  CHI_TRY(check_names(subject, options->alignment));
  CHI_TRY(check_treatment(t, rate));
  CHI_TRY(chi_alloc(1, sizeof **out, "a plan", out));
  chi_plan *p = *out;
  p->rate = rate;
  p->layout = options->layout;
  p->treatment = *t;
  p->n_sessions = n_sessions;
  chi_status s = chi_alloc(n_sessions, sizeof *p->session, "recordings", &p->session);
  if (s == CHI_OK) s = chi_strdup(subject, &p->subject);
  if (s == CHI_OK) s = chi_strdup(options->alignment, &p->alignment);
  if (s == CHI_OK)
    s = chi_bins_form_make(t->window_start, t->window_end, t->bin, t->step, rate, &p->bins);
  if (s != CHI_OK) chi_plan_destroy(out);
  return s;
}

void chi_plan_destroy(chi_plan **plan)
{
  chi_plan *p = *plan;
  if (p == NULL) return;
  for (int64_t i = 0; p->session != NULL && i < p->n_sessions; i++) chi_free(p->session[i].path);
  chi_free(p->session);
  chi_free(p->subject);
  chi_free(p->alignment);
  chi_free(p->source);
  chi_free(p->object);
  chi_bins_form_free(&p->bins);
  chi_channels_free(&p->channels);
  chi_free(p->electrode);
  chi_free(p->sample);
  chi_free(p->row);
  chi_free(p->onset);
  chi_free(p->session_of);
  chi_text_free(&p->notes);
  chi_free(p);
  *plan = NULL;
}

void chi_plan_note(chi_plan *plan, const char *format, ...)
{
  char line[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  chi_text_add(&plan->notes, "%s\n", line);
}

chi_status chi_plan_choose(chi_plan *p, const char *where)
{
  int64_t *channel = NULL, n = 0;
  CHI_TRY(chi_channels_choose(&p->channels, p->treatment.reference == CHI_REFERENCE_LAPLACIAN,
                              where, &p->n_electrodes, &p->electrode));
  CHI_TRY(chi_alloc(p->channels.n, sizeof *channel, "channels", &channel));
  for (int64_t i = 0; i < p->channels.n; i++)
    if (!p->channels.item[i].left_out) channel[n++] = i;
  chi_status s = CHI_OK;
  for (int64_t i = 0; i < p->n_sessions && s == CHI_OK; i++) {
    chi_signals *signals = NULL;
    s = chi_signals_open(p->session[i].path, p->object, p->layout, &signals);
    if (s == CHI_OK) s = chi_signals_choose(signals, n, channel, 1, &p->session[i].n_samples);
    chi_signals_close(&signals);
  }
  chi_free(channel);
  return s;
}
