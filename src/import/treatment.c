#include "import/treatment.h"

#include <complex.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"

static const double notch_quality = 30;
enum { NOTCHES = 6, ORDER = 4 }; /* the Butterworth prototype has ORDER / 2 pairs of poles */
enum { LANES = CHI_FILTER_LANES, BLOCK = 256 }; /* BLOCK: samples that stay in the nearest cache */

static void add_notches(chi_filter *filter, double line, double rate)
{
  for (int k = 1; k <= NOTCHES && k * line < rate / 2; k++) {
    const double w = 2 * M_PI * k * line / rate;
    const double gain = 1 / (1 + tan(w / notch_quality / 2));
    filter->section[filter->n++] = (chi_section){.b0 = gain,
                                                 .b1 = -2 * gain * cos(w),
                                                 .b2 = gain,
                                                 .a1 = -2 * gain * cos(w),
                                                 .a2 = 2 * gain - 1};
  }
}

/* Pole i of the analog Butterworth prototype that lies above the real axis. */
static double complex prototype_pole(int i)
{
  const double angle = M_PI * (2 * i + 1) / (2 * ORDER);
  return -sin(angle) + I * cos(angle);
}

/* The bilinear transform of an analog pole, in units of twice the rate. */
static double complex to_digital(double complex s) { return (1 + s) / (1 - s); }

/* A section with the pole pair p, conj(p) and this numerator. */
static void add_section(chi_filter *filter, double complex p, double b1, double b2)
{
  filter->section[filter->n++] =
      (chi_section){.b0 = 1, .b1 = b1, .b2 = b2, .a1 = -2 * creal(p), .a2 = creal(p * conj(p))};
}

/* Give the sections from `first` on a gain of 1 at the point z of the unit circle. */
static void set_gain(chi_filter *filter, int first, double complex z)
{
  double complex gain = 1;
  for (int i = first; i < filter->n; i++) {
    const chi_section *c = &filter->section[i];
    gain *= (c->b0 + c->b1 / z + c->b2 / (z * z)) / (1 + c->a1 / z + c->a2 / (z * z));
  }
  chi_section *c = &filter->section[first];
  c->b0 /= cabs(gain);
  c->b1 /= cabs(gain);
  c->b2 /= cabs(gain);
}

static void add_high_pass(chi_filter *filter, double edge, double rate)
{
  const int first = filter->n;
  const double w = tan(M_PI * edge / rate);
  for (int i = 0; i < ORDER / 2; i++) add_section(filter, to_digital(w / prototype_pole(i)), -2, 1);
  set_gain(filter, first, -1);
}

static void add_band(chi_filter *filter, double low, double high, double rate)
{
  const int first = filter->n;
  const double w1 = tan(M_PI * low / rate), w2 = tan(M_PI * high / rate);
  for (int i = 0; i < ORDER / 2; i++) {
    /* s -> (s^2 + w1 w2) / (s (w2 - w1)) makes two poles of each */
    const double complex half = prototype_pole(i) * (w2 - w1) / 2;
    const double complex root = csqrt(half * half - w1 * w2);
    add_section(filter, to_digital(half + root), 0, -1);
    add_section(filter, to_digital(half - root), 0, -1);
  }
  set_gain(filter, first, cexp(2 * I * atan(sqrt(w1 * w2))));
}

chi_filter chi_filter_make(double line, double high_pass, double low, double high, double rate)
{
  chi_filter filter = {0};
  if (line > 0) add_notches(&filter, line, rate);
  if (high_pass > 0) add_high_pass(&filter, high_pass, rate);
  if (high > 0) add_band(&filter, low, high, rate);
  return filter;
}

/* Two lanes, or neighbouring samples, as every processor has them; from any address. */
typedef double pair __attribute__((vector_size(2 * sizeof(double)), aligned(8), may_alias));

/* All lanes through a section in transposed direct form II, as scipy has it. Each waits for its
 * last sample, and the others fill the time. */
static void run_section(const chi_section *section, double *s1, double *s2, int64_t n, double *x)
{
  const chi_section c = *section;
  pair one[LANES / 2], two[LANES / 2];
  memcpy(one, s1, sizeof one);
  memcpy(two, s2, sizeof two);
  for (int64_t i = 0; i < n; i++, x += LANES) {
#pragma GCC unroll 4
    for (int l = 0; l < LANES / 2; l++) {
      pair *at = (pair *)x + l;
      const pair in = *at, out = c.b0 * in + one[l];
      one[l] = c.b1 * in - c.a1 * out + two[l];
      two[l] = c.b2 * in - c.a2 * out;
      *at = out;
    }
  }
  memcpy(s1, one, sizeof one);
  memcpy(s2, two, sizeof two);
}

void chi_filter_run(const chi_filter *filter, chi_filter_state *state, int64_t n, int64_t stride,
                    double *x)
{
  double side[BLOCK * LANES]; /* the signals side by side */
  for (int64_t at = 0; at < n && filter->n > 0; at += BLOCK, x += BLOCK) {
    const int64_t m = n - at < BLOCK ? n - at : BLOCK;
    for (int64_t t = 0; t < m; t++)
      for (int l = 0; l < LANES; l++) side[t * LANES + l] = x[l * stride + t];
    for (int k = 0; k < filter->n; k++)
      run_section(&filter->section[k], state->s1[k], state->s2[k], m, side);
    for (int l = 0; l < LANES; l++)
      for (int64_t t = 0; t < m; t++) x[l * stride + t] = side[t * LANES + l];
  }
}

struct chi_envelope {
  int64_t reach, room; /* room: samples of x that fit */
  int64_t held;        /* samples of x there are */
  double *tap;         /* of distances 1, 3, 5, ... */
  double *x;
};

static const double kaiser_beta = 8;

int64_t chi_envelope_reach(double low, double rate) { return (int64_t)ceil(5 * rate / low); }

/* The modified Bessel function of order 0. */
static double bessel_i0(double x)
{
  double sum = 1, term = 1;
  for (int k = 1; term > 1e-17 * sum; k++) {
    term *= x / (2 * k) * (x / (2 * k));
    sum += term;
  }
  return sum;
}

chi_status chi_envelope_create(double low, double rate, int64_t piece_max, chi_envelope **out)
{
  CHI_TRY(chi_alloc(1, sizeof **out, "an envelope", out));
  chi_envelope *e = *out;
  e->reach = chi_envelope_reach(low, rate);
  e->room = 2 * e->reach + piece_max;
  e->held = e->reach; /* zeros before the recording */
  const int64_t n_taps = (e->reach + 1) / 2;
  chi_status s = chi_alloc(n_taps, sizeof *e->tap, "a Hilbert transformer", &e->tap);
  if (s == CHI_OK) s = chi_alloc(e->room, sizeof *e->x, "a piece of signal", &e->x);
  for (int64_t i = 0; i < n_taps && s == CHI_OK; i++) {
    const double m = (double)(2 * i + 1), share = m / (double)e->reach;
    const double window = bessel_i0(kaiser_beta * sqrt(1 - share * share)) / bessel_i0(kaiser_beta);
    e->tap[i] = 2 / (M_PI * m) * window;
  }
  if (s != CHI_OK) chi_envelope_destroy(out);
  return s;
}

void chi_envelope_destroy(chi_envelope **envelope)
{
  if (*envelope == NULL) return;
  chi_free((*envelope)->tap);
  chi_free((*envelope)->x);
  chi_free(*envelope);
  *envelope = NULL;
}

/* The transformer at LANES neighbouring samples, whose sums stay in registers. */
static void transform_lanes(const chi_envelope *e, const double *x, double *out)
{
  pair sum[LANES / 2] = {{0}};
  for (int64_t k = 1; k <= e->reach; k += 2) {
    const pair *before = (const pair *)(x - k), *after = (const pair *)(x + k);
#pragma GCC unroll 4
    for (int l = 0; l < LANES / 2; l++) sum[l] += e->tap[k / 2] * (before[l] - after[l]);
  }
  memcpy(out, sum, sizeof sum);
}

/* n values of the transformer at x, which has `reach` samples on both sides. The sums are taken in
 * the same order for each sample, wherever a piece begins. */
static void transform(const chi_envelope *e, const double *x, int64_t n, double *out)
{
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) transform_lanes(e, x + i, out + i);
  for (; i < n; i++) {
    out[i] = 0;
    for (int64_t k = 0; 2 * k + 1 <= e->reach; k++)
      out[i] += e->tap[k] * (x[i - (2 * k + 1)] - x[i + 2 * k + 1]);
  }
}

int64_t chi_envelope_push(chi_envelope *e, int64_t n, const double *x, double *out)
{
  if (x != NULL)
    memcpy(e->x + e->held, x, (size_t)n * sizeof *x);
  else
    memset(e->x + e->held, 0, (size_t)n * sizeof *e->x);
  e->held += n;
  const int64_t ready = e->held - 2 * e->reach;
  if (ready <= 0) return 0;
  const double *centre = e->x + e->reach;
  transform(e, centre, ready, out);
  for (int64_t i = 0; i < ready; i++) out[i] = sqrt(centre[i] * centre[i] + out[i] * out[i]);
  e->held -= ready;
  memmove(e->x, e->x + ready, (size_t)e->held * sizeof *e->x);
  return ready;
}

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
