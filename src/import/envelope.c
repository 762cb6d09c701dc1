#include "import/envelope.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

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

enum { WIDE = 8 };

/* Two neighbouring numbers, as every processor has them. */
typedef double pair __attribute__((vector_size(2 * sizeof(double))));

static pair load(const double *x)
{
  pair p;
  memcpy(&p, x, sizeof p);
  return p;
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
