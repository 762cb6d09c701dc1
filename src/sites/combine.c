/* What follows from the tests: integration, the comparisons over all alignments, adjusted p. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sites/internal.h"

/* Take over the results of the part with the largest p, the first on a tie. A p that is missing is
 * larger than any: the whole is then missing for its sake. */
static void take_worst(const chi_sites_run *run, const int64_t *part, int32_t n, chi_sites_row *row)
{
  const chi_sites_row *worst = &run->row[part[0]];
  for (int32_t i = 1; i < n; i++) {
    const chi_sites_row *other = &run->row[part[i]];
    if (!isnan(worst->p) && !(other->p <= worst->p)) worst = other;
  }
  const int32_t comparison = row->comparison;
  *row = *worst;
  row->comparison = comparison;
}

static void integrate(chi_sites_run *run, int32_t c)
{
  const int32_t parts[] = {chi_sites_find(run, "multi-beats-unimodal"),
                           chi_sites_find(run, "multi-beats-linear")};
  for (int32_t a = 0; a < run->n_alignments; a++) {
    const chi_sites_block *block = chi_sites_block_of(run, c, a);
    for (int64_t i = 0; i < block->n; i++) {
      const int64_t part[] = {chi_sites_block_of(run, parts[0], a)->first + i,
                              chi_sites_block_of(run, parts[1], a)->first + i};
      take_worst(run, part, 2, &run->row[block->first + i]);
    }
  }
}

static void join_alignments(chi_sites_run *run, int32_t c)
{
  const chi_sites_block *block = chi_sites_block_of(run, c, 0);
  for (int64_t i = 0; i < block->n; i++)
    take_worst(run, block->part + i * run->n_alignments, run->n_alignments,
               &run->row[block->first + i]);
}

/* For qsort, which passes no context: rows to be sorted by p, then by place. */
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

chi_status chi_sites_adjust(int64_t n, const double *p, double *adjusted)
{
  ranked *list = NULL;
  int64_t tested = 0;
  CHI_TRY(chi_alloc(n, sizeof *list, "p-values", &list));
  for (int64_t i = 0; i < n; i++) {
    adjusted[i] = NAN;
    if (!isnan(p[i])) list[tested++] = (ranked){p[i], i};
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

static chi_status adjust_comparison(chi_sites_run *run, int32_t c, int64_t *at, double *p,
                                    double *adjusted)
{
  int64_t n = 0;
  for (int64_t i = 0; i < run->n_rows; i++) {
    if (run->row[i].comparison != c) continue;
    p[n] = run->row[i].p;
    at[n++] = i;
  }
  CHI_TRY(chi_sites_adjust(n, p, adjusted));
  for (int64_t i = 0; i < n; i++) {
    chi_sites_row *row = &run->row[at[i]];
    row->p_adjusted = adjusted[i];
    row->significant = adjusted[i] <= run->options->fdr; /* false for NaN */
  }
  return CHI_OK;
}

chi_status chi_sites_combine(chi_sites_run *run)
{
  int64_t *at = NULL;
  double *p = NULL, *adjusted = NULL;
  const int32_t integration = chi_sites_find(run, "integration");
  integrate(run, integration);
  for (int32_t c = 0; c < run->n_comparisons; c++)
    if (run->comparison[c].kind == CHI_COMPARE_BOTH) join_alignments(run, c);
  chi_status s = chi_alloc(run->n_rows, sizeof *at, "rows", &at);
  if (s == CHI_OK) s = chi_alloc(run->n_rows, sizeof *p, "p-values", &p);
  if (s == CHI_OK) s = chi_alloc(run->n_rows, sizeof *adjusted, "p-values", &adjusted);
  for (int32_t c = 0; c < run->n_comparisons && s == CHI_OK; c++)
    s = adjust_comparison(run, c, at, p, adjusted);
  chi_free(at);
  chi_free(p);
  chi_free(adjusted);
  return s;
}
