#include "base/statistics.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

int chi_compare_reals(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

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

/* The regularised incomplete beta function I_x(a, b), x left of its bulk, by its continued fraction
 * (DLMF 8.17.22, by Lentz's method); y = 1 - x. */
static double beta_left(double x, double y, double a, double b)
{
  const double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(y)) / a;
  double c = 1, d = 1 / (1 - (a + b) * x / (a + 1)), f = d;
  for (int m = 1; m < 1000; m++) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / (1 + even * d);
    c = 1 + even / c;
    f *= c * d;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + odd * d);
    c = 1 + odd / c;
    f *= c * d;
    if (fabs(c * d - 1) < 1e-15) break;
  }
  return front * f;
}

double chi_student_tail(double t, double df)
{
  if (isnan(t) || t == 0) return isnan(t) ? NAN : 0.5;
  if (isinf(t)) return t > 0 ? 0 : 1;
  /* by fractions that neither overflow nor cancel */
  const double ratio = t / sqrt(df), square = ratio * ratio;
  const double x = 1 / (1 + square), y = square / (1 + square), a = df / 2, b = 0.5;
  const double both = x < (a + 1) / (a + b + 2) ? beta_left(x, y, a, b) : 1 - beta_left(y, x, b, a);
  return t > 0 ? both / 2 : 1 - both / 2;
}

/* By Newton's method from the left: the tail is convex, so that no step goes too far. */
double chi_student_quantile(double tail, double df)
{
  const double front = exp(lgamma((df + 1) / 2) - lgamma(df / 2)) / sqrt(df * M_PI);
  double t = 0, step = 1;
  while (step > 1e-14 * t) {
    const double density = front * exp(-(df + 1) / 2 * log1p(t * t / df));
    step = (chi_student_tail(t, df) - tail) / density;
    t += step;
  }
  return t;
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
