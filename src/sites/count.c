/* Sites counted: by comparison and alignment, and by region. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sites/internal.h"

static bool same_site(const chi_sites_line *a, const chi_sites_line *b)
{
  return strcmp(a->electrode, b->electrode) == 0 && strcmp(a->subject, b->subject) == 0;
}

/* Count the site whose results, one per network, begin at *i; *i goes on to the next one. */
static chi_sites_count count_site(const chi_sites_result *results, int64_t n, int64_t *i)
{
  const chi_sites_line *site = &results[*i].line;
  chi_sites_count count = {.region = site->region, .sites = 1};
  for (; *i < n && same_site(site, &results[*i].line); ++*i) {
    const chi_sites_line *line = &results[*i].line;
    count.tested |= !isnan(line->p);
    count.significant |= line->significant;
    count.by_default |= line->by_default && results[*i].model[CHI_BETTER] >= 0;
  }
  return count;
}

static void add(const chi_sites_count *one, chi_sites_count *sum)
{
  sum->sites += one->sites;
  sum->tested += one->tested;
  sum->significant += one->significant;
  sum->by_default += one->by_default;
}

chi_sites_count chi_sites_count_block(const chi_sites_run *run, const chi_sites_block *block)
{
  chi_sites_count sum = {0};
  for (int64_t i = 0; i < block->n;) {
    const chi_sites_count one = count_site(run->result + block->first, block->n, &i);
    add(&one, &sum);
  }
  return sum;
}

static int compare_regions(const void *a, const void *b)
{
  return strcmp(((const chi_sites_count *)a)->region, ((const chi_sites_count *)b)->region);
}

chi_status chi_sites_count_regions(const chi_sites_run *run, const chi_sites_block *block,
                                   chi_sites_count **regions, int64_t *n)
{
  int64_t n_sites = 0;
  *n = 0;
  CHI_TRY(chi_alloc(block->n, sizeof **regions, "regions", regions));
  chi_sites_count *list = *regions;
  for (int64_t i = 0; i < block->n;)
    list[n_sites++] = count_site(run->result + block->first, block->n, &i);
  if (n_sites > 0) qsort(list, (size_t)n_sites, sizeof *list, compare_regions);
  for (int64_t i = 0; i < n_sites; i++) {
    if (*n > 0 && compare_regions(&list[*n - 1], &list[i]) == 0)
      add(&list[i], &list[*n - 1]);
    else
      list[(*n)++] = list[i];
  }
  return CHI_OK;
}

double chi_sites_percent(int64_t part, int64_t of)
{
  return of > 0 ? 100.0 * (double)part / (double)of : NAN;
}
