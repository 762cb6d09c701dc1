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

chi_status chi_sites_place_results(chi_sites_run *run)
{
  int64_t n = 0, n_both = 0; /* at most */
  for (int32_t c = 0; c <= run->integration; c++)
    for (int32_t a = 0; a < run->n_alignments; a++) {
      chi_sites_block *block = chi_sites_block_of(run, c, a);
      block->first = n;
      block->n = run->data[a].n_sites * block->n_pairs;
      n += block->n;
      if (a == 0) n_both += block->n;
    }
  CHI_TRY(chi_alloc(n + n_both, sizeof *run->result, "results", &run->result));
  run->n_results = n;
  for (int32_t c = 0; c < run->integration; c++)
    for (int32_t a = 0; a < run->n_alignments; a++) {
      const chi_sites_block *block = chi_sites_block_of(run, c, a);
      for (int64_t i = 0; i < block->n; i++)
        run->result[block->first + i] = empty_result(run, c, a, i / block->n_pairs);
    }
  return CHI_OK;
}

/* Of two results (the first may be NULL) that with the larger p, the first on a tie. A p that is
 * missing is larger than any: what follows is then missing for its sake. */
static const chi_sites_result *worse(const chi_sites_result *a, const chi_sites_result *b)
{
  return a == NULL || (!isnan(a->line.p) && !(b->line.p <= a->line.p)) ? b : a;
}

static void integrate(chi_sites_run *run, int32_t a)
{
  const chi_sites_block *block = chi_sites_block_of(run, run->integration, a);
  const chi_sites_result *unimodal =
      run->result + chi_sites_block_of(run, CHI_SITES_UNIMODAL, a)->first;
  const chi_sites_result *linear =
      run->result + chi_sites_block_of(run, CHI_SITES_LINEAR, a)->first;
  for (int64_t i = 0; i < block->n; i++) {
    chi_sites_result *result = &run->result[block->first + i];
    *result = *worse(&unimodal[i], &linear[i]);
    result->line.comparison = run->comparison[run->integration].name;
  }
}

/* The worst of a comparison's results that belong to the i-th of the first alignment; NULL if an
 * alignment has none. */
static const chi_sites_result *worst_of(const chi_sites_run *run, int32_t comparison, int64_t i)
{
  const chi_sites_block *first = chi_sites_block_of(run, comparison, 0);
  const chi_sites_result *worst = NULL;
  for (int32_t a = 0; a < run->n_alignments; a++) {
    const chi_sites_block *block = chi_sites_block_of(run, comparison, a);
    const int64_t site = find_site(run, i / first->n_pairs, a);
    const int32_t pair = find_pair(block, first->pair[i % first->n_pairs].network);
    if (site < 0 || pair < 0) return NULL;
    worst = worse(worst, &run->result[block->first + site * block->n_pairs + pair]);
  }
  return worst;
}

static void join_alignments(chi_sites_run *run, int32_t c)
{
  const int32_t of = run->comparison[c].of;
  chi_sites_block *block = chi_sites_block_of(run, c, 0);
  int64_t n_single = 0;
  block->first = run->n_results;
  for (int64_t i = 0; i < chi_sites_block_of(run, of, 0)->n; i++) {
    const chi_sites_result *worst = worst_of(run, of, i);
    if (worst == NULL) continue;
    chi_sites_result *result = &run->result[block->first + block->n++];
    *result = *worst;
    result->line.comparison = run->comparison[c].name;
    result->line.alignment = "both";
  }
  run->n_results += block->n;
  for (int32_t a = 0; a < run->n_alignments; a++) n_single += chi_sites_block_of(run, of, a)->n;
  if (block->n == 0 && n_single > 0)
    chi_text_add_line(&run->notes, "%s is missing: no site has %s in every alignment.",
                      run->comparison[c].name, run->comparison[of].name);
}

/* `p` and `adjusted` hold as many numbers as there are results. */
static chi_status adjust(chi_sites_run *run, double *p, double *adjusted)
{
  for (int64_t i = 0; i < run->n_results; i++) p[i] = run->result[i].line.p;
  for (int32_t c = 0; c < run->n_comparisons; c++) {
    const int64_t first = chi_sites_block_of(run, c, 0)->first;
    int64_t n = 0;
    for (int32_t a = 0; a < run->n_alignments; a++) n += chi_sites_block_of(run, c, a)->n;
    CHI_TRY(chi_benjamini_hochberg(n, p + first, adjusted + first));
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
  for (int32_t a = 0; a < run->n_alignments; a++) integrate(run, a);
  for (int32_t c = run->integration + 1; c < run->n_comparisons; c++) join_alignments(run, c);
  CHI_TRY(chi_alloc(2 * run->n_results, sizeof *p, "p-values", &p));
  const chi_status s = adjust(run, p, p + run->n_results);
  chi_free(p);
  return s;
}
