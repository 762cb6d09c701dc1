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

double chi_normal_tail(double x, double sd) { return 0.5 * erfc(x / (sd * sqrt(2.0))); }

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
