#include "base/folds.h"

int64_t chi_folds_border(int32_t folds, int64_t n, int32_t half)
{
  const int64_t fold = half / 2, larger = n % folds, size = n / folds + (fold < larger);
  const int64_t first = n / folds * fold + (fold < larger ? fold : larger);
  return first + (half % 2 == 0 ? 0 : size / 2);
}
