/* The results' places, and what follows from the tests: integration, the comparisons over all
 * alignments, adjusted p. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/statistics.h"
#include "sites/internal.h"

static chi_sites_result empty_result(const chi_sites_run *run, int32_t c, int32_t a, int64_t site)
{
  const chi_fit_table *fit = run->data[a].fit;
  chi_sites_result result = {.model = {-1, -1}};
  chi_sites_line *line = &result.line;
  line->comparison = run->comparison[c].name;
  line->alignment = fit->alignment;
  line->subject = fit->subject[site];
  line->electrode = fit->electrode[site];
  line->region = fit->region[site];
  line->x = fit->x[site];
  line->y = fit->y[site];
  line->z = fit->z[site];
  line->model[0] = line->model[1] = line->layer[0] = line->layer[1] = "";
  line->r[0] = line->r[1] = line->difference = NAN;
  line->se = line->p = line->p_adjusted = NAN;
  return result;
}

/* A site of the first alignment in another one, where it is mostly at the same place; or -1. */
static int64_t find_site(const chi_sites_run *run, int64_t site, int32_t alignment)
{
  const chi_fit_table *first = run->data[0].fit, *other = run->data[alignment].fit;
  for (int64_t i = 0; i < other->n_sites; i++) {
    const int64_t at = (site + i) % other->n_sites;
    if (strcmp(first->subject[site], other->subject[at]) == 0 &&
        strcmp(first->electrode[site], other->electrode[at]) == 0)
      return at;
  }
  return -1;
}

static int32_t find_pair(const chi_sites_block *block, const char *network)
{
  for (int32_t p = 0; p < block->n_pairs; p++)
    if (strcmp(block->pair[p].network, network) == 0) return p;
  return -1;
}

/* The results of a comparison in each alignment that belong to the i-th of the first one; false if
 * an alignment has none. */
static bool find_parts(const chi_sites_run *run, int32_t comparison, int64_t i, int64_t *part)
{
  const chi_sites_block *first = chi_sites_block_of(run, comparison, 0);
  for (int32_t a = 0; a < run->n_alignments; a++) {
    const chi_sites_block *block = chi_sites_block_of(run, comparison, a);
    const int64_t site = find_site(run, i / first->n_pairs, a);
    const int32_t pair = find_pair(block, first->pair[i % first->n_pairs].network);
    if (site < 0 || pair < 0) return false;
    part[a] = block->first + site * block->n_pairs + pair;
  }
  return true;
}

static void join_comparisons(const chi_sites_run *run, int32_t a, chi_sites_block *block)
{
  for (int64_t i = 0; i < block->n; i++) {
    block->part[2 * i] = chi_sites_block_of(run, CHI_SITES_UNIMODAL, a)->first + i;
    block->part[2 * i + 1] = chi_sites_block_of(run, CHI_SITES_LINEAR, a)->first + i;
  }
}

static void join_alignments(chi_sites_run *run, int32_t c, chi_sites_block *block)
{
  const int32_t of = run->comparison[c].of;
  const int64_t most = block->n;
  bool some = false;
  block->n = 0;
  for (int64_t i = 0; i < most; i++)
    block->n += find_parts(run, of, i, block->part + block->n * run->n_alignments);
  for (int32_t a = 0; a < run->n_alignments; a++)
    some = some || chi_sites_block_of(run, of, a)->n > 0;
  if (block->n == 0 && some)
    chi_text_add(&run->notes, "%s is missing: no site has %s in every alignment.\n",
                 run->comparison[c].name, run->comparison[of].name);
}

/* How many results a block has, of CHI_COMPARE_BOTH at most, and of how many parts each. */
static void count_results(chi_sites_run *run, int32_t c, int32_t a)
{
  const chi_sites_kind kind = run->comparison[c].kind;
  chi_sites_block *block = chi_sites_block_of(run, c, a);
  block->n = run->data[a].n_sites * block->n_pairs;
  block->n_parts = kind == CHI_COMPARE_INTEGRATION ? 2 : 0;
  if (kind != CHI_COMPARE_BOTH || a > 0) return;
  block->n = chi_sites_block_of(run, run->comparison[c].of, 0)->n;
  block->n_parts = run->n_alignments;
}

static chi_status place_block(chi_sites_run *run, int32_t c, int32_t a)
{
  chi_sites_block *block = chi_sites_block_of(run, c, a);
  block->first = run->n_results;
  if (block->n_parts > 0)
    CHI_TRY(chi_alloc(block->n * block->n_parts, sizeof *block->part, "results", &block->part));
  for (int64_t i = 0; i < block->n && block->part == NULL; i++)
    run->result[block->first + i] = empty_result(run, c, a, i / block->n_pairs);
  if (block->part != NULL && run->comparison[c].kind == CHI_COMPARE_BOTH)
    join_alignments(run, c, block);
  else if (block->part != NULL)
    join_comparisons(run, a, block);
  run->n_results += block->n;
  return CHI_OK;
}

chi_status chi_sites_place_results(chi_sites_run *run)
{
  int64_t n = 0;
  for (int32_t c = 0; c < run->n_comparisons; c++)
    for (int32_t a = 0; a < run->n_alignments; a++) {
      count_results(run, c, a);
      n += chi_sites_block_of(run, c, a)->n;
    }
  CHI_TRY(chi_alloc(n, sizeof *run->result, "results", &run->result));
  for (int32_t c = 0; c < run->n_comparisons; c++)
    for (int32_t a = 0; a < run->n_alignments; a++) CHI_TRY(place_block(run, c, a));
  return CHI_OK;
}

/* The part with the largest p, the first on a tie. A p that is missing is larger than any: the
 * whole is then missing for its sake. */
static const chi_sites_result *worst_of(const chi_sites_run *run, const int64_t *part, int32_t n)
{
  const chi_sites_result *worst = &run->result[part[0]];
  for (int32_t i = 1; i < n; i++) {
    const chi_sites_result *other = &run->result[part[i]];
    if (!isnan(worst->line.p) && !(other->line.p <= worst->line.p)) worst = other;
  }
  return worst;
}

static void follow(chi_sites_run *run, int32_t c, int32_t a)
{
  const chi_sites_block *block = chi_sites_block_of(run, c, a);
  if (block->part == NULL) return;
  for (int64_t i = 0; i < block->n; i++) {
    chi_sites_result *result = &run->result[block->first + i];
    *result = *worst_of(run, block->part + i * block->n_parts, block->n_parts);
    result->line.comparison = run->comparison[c].name;
    if (run->comparison[c].kind == CHI_COMPARE_BOTH) result->line.alignment = "both";
  }
}

/* `p` and `adjusted` hold as many numbers as there are results. */
static chi_status adjust(chi_sites_run *run, double *p, double *adjusted)
{
  for (int64_t i = 0; i < run->n_results; i++) p[i] = run->result[i].line.p;
  for (int32_t c = 0; c < run->n_comparisons; c++) {
    const chi_sites_block *last = chi_sites_block_of(run, c, run->n_alignments - 1);
    const int64_t first = chi_sites_block_of(run, c, 0)->first, end = last->first + last->n;
    CHI_TRY(chi_benjamini_hochberg(end - first, p + first, adjusted + first));
  }
  for (int64_t i = 0; i < run->n_results; i++) {
    run->result[i].line.p_adjusted = adjusted[i];
    run->result[i].line.significant = adjusted[i] <= run->options->fdr; /* false for NaN */
  }
  return CHI_OK;
}

chi_status chi_sites_combine(chi_sites_run *run)
{
  double *p = NULL;
  for (int32_t c = 0; c < run->n_comparisons; c++)
    for (int32_t a = 0; a < run->n_alignments; a++) follow(run, c, a);
  CHI_TRY(chi_alloc(2 * run->n_results, sizeof *p, "p-values", &p));
  const chi_status s = adjust(run, p, p + run->n_results);
  chi_free(p);
  return s;
}
