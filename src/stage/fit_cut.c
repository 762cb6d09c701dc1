#include "stage/fit_cut.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static int64_t n_blocks(const chi_fit_piece *piece)
{
  return (piece->what.end - piece->what.begin + piece->block - 1) / piece->block;
}

chi_stage_unit chi_fit_part(const chi_fit_piece *piece, int64_t j, int64_t n)
{
  chi_stage_unit part = piece->what;
  const int64_t blocks = n_blocks(piece);
  part.begin += blocks * j / n * piece->block;
  if (j + 1 < n) part.end = piece->what.begin + blocks * (j + 1) / n * piece->block;
  return part;
}

double chi_fit_cost(const chi_fit_piece *piece, const chi_stage_unit *part)
{
  return piece->shared + piece->electrode * (double)(part->end - part->begin);
}

/* Into how many parts a piece goes if none should cost more than `cap`. */
static int64_t parts_below(const chi_fit_piece *piece, double cap)
{
  const double total = chi_fit_cost(piece, &piece->what);
  if (total <= cap) return 1;
  const double own = total - piece->shared;
  double parts = fmin(ceil(total / cap), (double)n_blocks(piece));
  if (piece->shared > 0) parts = fmin(parts, floor(4 * own / piece->shared));
  return parts < 1 ? 1 : (int64_t)parts;
}

static int compare_costs(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x < y) - (x > y);
}

/* Add `cost` to the least loaded rank; `load` is a heap with the least on top. */
static void give(double *load, int64_t n, double cost)
{
  const double value = load[0] + cost;
  int64_t at = 0;
  for (int64_t child = 1; child < n; child = 2 * at + 1) {
    if (child + 1 < n && load[child + 1] < load[child]) child++;
    if (load[child] >= value) break;
    load[at] = load[child];
    at = child;
  }
  load[at] = value;
}

/* When the last of n_ranks ranks is done, if each takes the dearest unit that is left. */
static chi_status finish_time(const chi_fit_piece *pieces, int64_t n, const int64_t *part,
                              int32_t n_ranks, double *time)
{
  int64_t n_units = 0, at = 0;
  for (int64_t i = 0; i < n; i++) n_units += part[i];
  double *cost = NULL, *load = NULL;
  chi_status s = chi_alloc(n_units, sizeof *cost, "costs of units", &cost);
  if (s == CHI_OK) s = chi_alloc(n_ranks, sizeof *load, "loads of ranks", &load);
  if (s != CHI_OK) goto cleanup;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < part[i]; j++) {
      const chi_stage_unit unit = chi_fit_part(&pieces[i], j, part[i]);
      cost[at++] = chi_fit_cost(&pieces[i], &unit);
    }
  qsort(cost, (size_t)n_units, sizeof *cost, compare_costs);
  for (int64_t i = 0; i < n_units; i++) give(load, n_ranks, cost[i]);
  *time = 0;
  for (int32_t r = 0; r < n_ranks; r++) *time = fmax(*time, load[r]);
cleanup:
  chi_free(cost);
  chi_free(load);
  return s;
}

chi_status chi_fit_cut(const chi_fit_piece *pieces, int64_t n, int32_t n_ranks, int64_t *part)
{
  static const double shares[] = {1, 2, 4, 8}; /* the dearest part: a rank's work over this */
  double total = 0, best;
  for (int64_t i = 0; i < n; i++) {
    total += chi_fit_cost(&pieces[i], &pieces[i].what);
    part[i] = 1;
  }
  CHI_TRY(finish_time(pieces, n, part, n_ranks, &best));
  int64_t *trial;
  CHI_TRY(chi_alloc(n, sizeof *trial, "parts of units", &trial));
  chi_status s = CHI_OK;
  for (size_t k = 0; k < sizeof shares / sizeof shares[0]; k++) {
    double time;
    const double cap = total / (shares[k] * n_ranks);
    for (int64_t i = 0; i < n; i++) trial[i] = parts_below(&pieces[i], cap);
    if ((s = finish_time(pieces, n, trial, n_ranks, &time)) != CHI_OK) break;
    if (time >= 0.97 * best) continue; /* not worth reading features more than once */
    best = time;
    memcpy(part, trial, (size_t)n * sizeof *part);
  }
  chi_free(trial);
  return s;
}
