/* Sites counted: by comparison and alignment, and by region. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sites/internal.h"

static const chi_fit_table *table_of(const chi_sites_run *run, const chi_sites_row *row)
{
  return run->data[row->alignment].fit;
}

static const char *region_of(const chi_sites_run *run, const chi_sites_row *row)
{
  return table_of(run, row)->region[row->site];
}

/* A site's rows, one per network, stand together. */
static bool same_site(const chi_sites_run *run, const chi_sites_row *a, const chi_sites_row *b)
{
  const chi_fit_table *x = table_of(run, a), *y = table_of(run, b);
  return strcmp(x->site[a->site], y->site[b->site]) == 0;
}

chi_sites_count chi_sites_count_block(const chi_sites_run *run, const chi_sites_block *block,
                                      const char *region)
{
  chi_sites_count n = {0};
  const chi_sites_row *row = run->row + block->first;
  for (int64_t i = 0, next; i < block->n; i = next) {
    bool tested = false, significant = false, by_default = false;
    for (next = i; next < block->n && same_site(run, &row[i], &row[next]); next++) {
      tested = tested || !isnan(row[next].p);
      significant = significant || row[next].significant;
      by_default = by_default || (row[next].by_default && row[next].model_better >= 0);
    }
    if (region != NULL && strcmp(region_of(run, &row[i]), region) != 0) continue;
    n.sites++;
    n.tested += tested;
    n.significant += significant;
    n.by_default += by_default;
  }
  return n;
}

static int compare_names(const void *a, const void *b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

chi_status chi_sites_regions(const chi_sites_run *run, const chi_sites_block *block,
                             const char ***names, int64_t *n)
{
  *n = 0;
  CHI_TRY(chi_alloc(block->n, sizeof **names, "regions", names));
  for (int64_t i = 0; i < block->n; i++) (*names)[i] = region_of(run, &run->row[block->first + i]);
  if (block->n == 0) return CHI_OK;
  qsort(*names, (size_t)block->n, sizeof **names, compare_names);
  for (int64_t i = 0; i < block->n; i++)
    if (*n == 0 || strcmp((*names)[i], (*names)[*n - 1]) != 0) (*names)[(*n)++] = (*names)[i];
  return CHI_OK;
}
