#include "base/statistics.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

double chi_mean(int64_t n, const float *x)
{
  double sum = 0;
  int64_t finite = 0;
  for (int64_t i = 0; i < n; i++) {
    if (!isfinite(x[i])) continue;
    sum += (double)x[i];
    finite++;
  }
  return finite > 0 ? sum / (double)finite : NAN;
}

double chi_percentile(int64_t n, const double *sorted, double share)
{
  const double at = share * (double)(n - 1);
  const int64_t below = (int64_t)floor(at), above = below + 1 < n ? below + 1 : below;
  const double part = at - (double)below, step = sorted[above] - sorted[below];
  return part < 0.5 ? sorted[below] + step * part : sorted[above] - step * (1 - part);
}

double chi_normal_tail(double z) { return 0.5 * erfc(z / sqrt(2.0)); }

/* The continued fraction of the incomplete beta function I_x(a, b), by Lentz's method; quick for x
 * below (a + 1) / (a + b + 2). */
static double beta_fraction(double x, double a, double b)
{
  static const double tiny = 1e-300, enough = 1e-16;
  double c = 1, d = 1 - (a + b) * x / (a + 1), change = 0;
  if (fabs(d) < tiny) d = tiny;
  d = 1 / d;
  double value = d;
  for (int m = 1; m < 100000 && fabs(change - 1) > enough; m++) {
    for (int odd = 0; odd < 2; odd++) {
      const double term = odd ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
                              : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
      d = 1 + term * d;
      c = 1 + term / c;
      if (fabs(d) < tiny) d = tiny;
      if (fabs(c) < tiny) c = tiny;
      d = 1 / d;
      change = c * d;
      value *= change;
    }
  }
  return value;
}

/* I_x(a, b), where y is 1 - x, given apart since it may be tiny. */
static double incomplete_beta(double x, double y, double a, double b)
{
  if (x <= 0) return 0;
  if (y <= 0) return 1;
  int sign;
  const double front = exp(lgamma_r(a + b, &sign) - lgamma_r(a, &sign) - lgamma_r(b, &sign) +
                           a * log(x) + b * log(y));
  return x < (a + 1) / (a + b + 2) ? front * beta_fraction(x, a, b) / a
                                   : 1 - front * beta_fraction(y, b, a) / b;
}

double chi_student_tail(double t, double df)
{
  if (!(df > 0) || isnan(t)) return NAN;
  if (isinf(df)) return chi_normal_tail(t);
  if (isinf(t)) return t > 0 ? 0 : 1;
  const double all = df + t * t;
  const double half = 0.5 * incomplete_beta(df / all, t * t / all, 0.5 * df, 0.5);
  return t > 0 ? half : 1 - half;
}

/* For qsort, which passes no context: p-values to be sorted by size, then by place. */
typedef struct ranked {
  double p;
  int64_t at;
} ranked;

static int compare_ranked(const void *a, const void *b)
{
  const ranked *x = a, *y = b;
  if (x->p != y->p) return x->p < y->p ? -1 : 1;
  return (x->at > y->at) - (x->at < y->at);
}

chi_status chi_benjamini_hochberg(int64_t n, const double *p, double *adjusted)
{
  ranked *list = NULL;
  int64_t tested = 0;
  CHI_TRY(chi_alloc(n, sizeof *list, "p-values", &list));
  for (int64_t i = 0; i < n; i++) {
    adjusted[i] = NAN;
    if (isfinite(p[i])) list[tested++] = (ranked){p[i], i};
  }
  if (tested > 0) qsort(list, (size_t)tested, sizeof *list, compare_ranked);
  double least = 1;
  for (int64_t k = tested; k > 0; k--) {
    least = fmin(least, list[k - 1].p * (double)tested / (double)k);
    adjusted[list[k - 1].at] = least;
  }
  chi_free(list);
  return CHI_OK;
}
