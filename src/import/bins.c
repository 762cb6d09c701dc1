#include "import/bins.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

chi_status chi_bins_form_make(double start, double end, double width, double step, double rate,
                              chi_bins_form *out)
{
  *out = (chi_bins_form){.width = width};
  const double n = floor((end - start - width) / step + 1e-9) + 1;
  if (!(n >= 1))
    return chi_fail(CHI_ERR_USAGE, "--window %g,%g holds no bin of %g s", start, end, width);
  if (n > 1e6) return chi_fail(CHI_ERR_USAGE, "--window and --step ask for %.0f bins", n);
  out->n = (int64_t)n;
  chi_status s = chi_alloc(out->n, sizeof *out->from, "bins", &out->from);
  if (s == CHI_OK) s = chi_alloc(out->n, sizeof *out->to, "bins", &out->to);
  if (s == CHI_OK) s = chi_alloc(out->n, sizeof *out->time, "bins", &out->time);
  for (int64_t k = 0; k < out->n && s == CHI_OK; k++) {
    const double a = (start + (double)k * step) * rate;
    out->from[k] = llround(a);
    out->to[k] = llround(a + width * rate);
    out->time[k] = start + (double)k * step + width / 2;
    if (out->from[k] >= out->to[k])
      s = chi_fail(CHI_ERR_USAGE, "--bin %g s is shorter than a sample at %g Hz", width, rate);
  }
  if (s == CHI_OK) {
    out->first = out->from[0];
    out->last = out->to[out->n - 1];
  } else {
    chi_bins_form_free(out);
  }
  return s;
}

void chi_bins_form_free(chi_bins_form *form)
{
  chi_free(form->from);
  chi_free(form->to);
  chi_free(form->time);
  *form = (chi_bins_form){0};
}

struct chi_bins {
  const chi_bins_form *form;
  int64_t n_events, next; /* events before `next` are done */
  const chi_placed_event *event;
  bool zscore;
  float *out;
  int64_t stride;
  int64_t n;            /* samples taken so far */
  int64_t held;         /* the last of them, kept in `past` */
  double *past;         /* as many as an event needs, less `shift` */
  double offset, shift; /* near the mean, to lose no digits; shift: 0 without zscore */
  double sum, squares;  /* of x - offset */
};

static int64_t reach(const chi_bins_form *form) { return form->last - form->first; }

chi_status chi_bins_create(const chi_bins_form *form, int64_t n_events,
                           const chi_placed_event *event, bool zscore, float *out, int64_t stride,
                           chi_bins **bins)
{
  CHI_TRY(chi_alloc(1, sizeof **bins, "bins", bins));
  **bins = (chi_bins){.form = form,
                      .n_events = n_events,
                      .event = event,
                      .zscore = zscore,
                      .out = out,
                      .stride = stride};
  const chi_status s = chi_alloc(reach(form), sizeof(double), "a piece of signal", &(*bins)->past);
  if (s != CHI_OK) chi_bins_destroy(bins);
  return s;
}

void chi_bins_destroy(chi_bins **bins)
{
  if (*bins == NULL) return;
  chi_free((*bins)->past);
  chi_free(*bins);
  *bins = NULL;
}

int64_t chi_bins_room(const chi_bins_form *form, int64_t n) { return reach(form) + n + 1; }

/* Sum up for the mean and the deviation. */
static void add_moments(chi_bins *b, int64_t n, const double *x)
{
  if (b->n == 0) {
    for (int64_t i = 0; i < n; i++) b->offset += x[i] / (double)n;
    b->shift = b->zscore ? b->offset : 0;
  }
  for (int64_t i = 0; i < n; i++) {
    const double d = x[i] - b->offset;
    b->sum += d;
    b->squares += d * d;
  }
}

/* The means of one event, from running sums that begin at sample `begin`. */
static void write_means(const chi_bins *b, const double *sums, int64_t begin)
{
  const chi_bins_form *f = b->form;
  const int64_t at = b->event[b->next].sample - begin;
  float *out = b->out + b->next * b->stride;
  for (int64_t k = 0; k < f->n; k++)
    out[k] =
        (float)((sums[at + f->to[k]] - sums[at + f->from[k]]) / (double)(f->to[k] - f->from[k]));
}

void chi_bins_push(chi_bins *b, int64_t n, const double *x, double *room)
{
  if (n == 0) return;
  add_moments(b, n, x);
  const int64_t begin = b->n - b->held; /* sample of the first running sum */
  b->n += n;
  if (b->next < b->n_events && b->event[b->next].sample + b->form->last <= b->n) {
    room[0] = 0;
    for (int64_t i = 0; i < b->held; i++) room[i + 1] = room[i] + b->past[i];
    double *sums = room + b->held;
    for (int64_t i = 0; i < n; i++) sums[i + 1] = sums[i] + (x[i] - b->shift);
    for (; b->next < b->n_events && b->event[b->next].sample + b->form->last <= b->n; b->next++)
      write_means(b, room, begin);
  }
  const int64_t keep = b->n < reach(b->form) ? b->n : reach(b->form);
  const int64_t of_past = keep > n ? keep - n : 0;
  memmove(b->past, b->past + b->held - of_past, (size_t)of_past * sizeof *b->past);
  for (int64_t i = of_past; i < keep; i++) b->past[i] = x[n - keep + i] - b->shift;
  b->held = keep;
}

void chi_bins_finish(chi_bins *b, double *mean, double *deviation)
{
  const double n = b->n > 0 ? (double)b->n : 1, centre = b->sum / n;
  const double variance = b->squares / n - centre * centre;
  *mean = b->offset + centre;
  *deviation = variance > 0 ? sqrt(variance) : 0;
  if (*deviation < 1e-13 * fabs(*mean)) *deviation = 0; /* rounding alone */
  if (!b->zscore) return;
  for (int64_t e = 0; e < b->n_events; e++)
    for (int64_t k = 0; k < b->form->n; k++) {
      float *out = &b->out[e * b->stride + k];
      *out = *deviation > 0 ? (float)((*out - centre) / *deviation) : 0;
    }
}
