#include "import/filter.h"

#include <complex.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"

static const double notch_quality = 30;
enum { NOTCHES = 6, ORDER = 4 }; /* the Butterworth prototype has ORDER / 2 pairs of poles */
enum { BLOCK = 256, WIDE = 8 };  /* BLOCK: samples that stay in the nearest cache */

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

/* Two lanes or neighbouring numbers, as every processor has them. */
typedef double pair __attribute__((vector_size(2 * sizeof(double))));

static pair load(const double *x)
{
  pair p;
  memcpy(&p, x, sizeof p);
  return p;
}

/* One sample of two lanes through a section, in transposed direct form II, as scipy has it. */
static void step(const chi_section *c, pair *s1, pair *s2, double *x)
{
  const pair in = load(x), out = c->b0 * in + *s1;
  *s1 = c->b1 * in - c->a1 * out + *s2;
  *s2 = c->b2 * in - c->a2 * out;
  memcpy(x, &out, sizeof out);
}

/* Eight lanes at once: each waits for its last sample, and the others fill the time. */
static void run_section(const chi_section *section, double *s1, double *s2, int64_t n, double *x)
{
  const chi_section c = *section;
  pair p1 = load(s1), q1 = load(s1 + 2), r1 = load(s1 + 4), t1 = load(s1 + 6);
  pair p2 = load(s2), q2 = load(s2 + 2), r2 = load(s2 + 4), t2 = load(s2 + 6);
  for (int64_t i = 0; i < n; i++, x += CHI_FILTER_LANES) {
    step(&c, &p1, &p2, x);
    step(&c, &q1, &q2, x + 2);
    step(&c, &r1, &r2, x + 4);
    step(&c, &t1, &t2, x + 6);
  }
  const pair all1[] = {p1, q1, r1, t1}, all2[] = {p2, q2, r2, t2};
  memcpy(s1, all1, sizeof all1);
  memcpy(s2, all2, sizeof all2);
}

void chi_filter_run(const chi_filter *filter, chi_filter_state *state, int64_t n, int64_t stride,
                    double *x)
{
  double side[BLOCK * CHI_FILTER_LANES]; /* the signals side by side */
  for (int64_t at = 0; at < n && filter->n > 0; at += BLOCK, x += BLOCK) {
    const int64_t m = n - at < BLOCK ? n - at : BLOCK;
    for (int64_t t = 0; t < m; t++)
      for (int l = 0; l < CHI_FILTER_LANES; l++) side[t * CHI_FILTER_LANES + l] = x[l * stride + t];
    for (int k = 0; k < filter->n; k++)
      run_section(&filter->section[k], state->s1[k], state->s2[k], m, side);
    for (int l = 0; l < CHI_FILTER_LANES; l++)
      for (int64_t t = 0; t < m; t++) x[l * stride + t] = side[t * CHI_FILTER_LANES + l];
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

/* The transformer at WIDE neighbouring samples, whose sums stay in registers. */
static void transform_wide(const chi_envelope *e, const double *x, double *out)
{
  pair s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
  for (int64_t k = 0; 2 * k + 1 <= e->reach; k++) {
    const double tap = e->tap[k], *before = x - (2 * k + 1), *after = x + (2 * k + 1);
    s0 += tap * (load(before) - load(after));
    s1 += tap * (load(before + 2) - load(after + 2));
    s2 += tap * (load(before + 4) - load(after + 4));
    s3 += tap * (load(before + 6) - load(after + 6));
  }
  const pair sums[] = {s0, s1, s2, s3};
  memcpy(out, sums, sizeof sums);
}

/* n values of the transformer at x, which has `reach` samples on both sides. The sums are taken in
 * the same order for each sample, wherever a piece begins. */
static void transform(const chi_envelope *e, const double *x, int64_t n, double *out)
{
  int64_t i = 0;
  for (; i + WIDE <= n; i += WIDE) transform_wide(e, x + i, out + i);
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
