#include "run/scores.h"

#include <math.h>

double chi_scores_mean(const float *r, int64_t n)
{
  double sum = 0;
  int64_t finite = 0;
  for (int64_t i = 0; i < n; i++) {
    if (!isfinite(r[i])) continue;
    sum += (double)r[i];
    finite++;
  }
  return finite > 0 ? sum / (double)finite : NAN;
}
