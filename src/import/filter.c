#include "import/filter.h"

#include <complex.h>
#include <math.h>
#include <string.h>

static const double notch_quality = 30;
enum { NOTCHES = 6, ORDER = 4 }; /* the Butterworth prototype has ORDER / 2 pairs of poles */

void chi_filter_add_notches(chi_filter *filter, double line, double rate)
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

void chi_filter_add_high_pass(chi_filter *filter, double edge, double rate)
{
  const int first = filter->n;
  const double w = tan(M_PI * edge / rate);
  for (int i = 0; i < ORDER / 2; i++) add_section(filter, to_digital(w / prototype_pole(i)), -2, 1);
  set_gain(filter, first, -1);
}

void chi_filter_add_band(chi_filter *filter, double low, double high, double rate)
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

/* Two lanes of one sample, as every processor has them. */
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

void chi_filter_run(const chi_filter *filter, chi_filter_state *state, int64_t n, double *x)
{
  const int64_t block = 256; /* samples that stay in the nearest cache through all sections */
  for (int64_t at = 0; at < n; at += block)
    for (int k = 0; k < filter->n; k++)
      run_section(&filter->section[k], state->s1[k], state->s2[k], n - at < block ? n - at : block,
                  x + at * CHI_FILTER_LANES);
}
