/* The rows of the comparisons over all alignments. */
#include <string.h>

#include "base/memory.h"
#include "sites/internal.h"

/* A site of the first alignment in another one, or -1. */
static int64_t find_site(const chi_sites_run *run, int64_t site, int32_t alignment)
{
  const chi_fit_table *first = run->data[0].fit, *other = run->data[alignment].fit;
  for (int64_t i = 0; i < other->n_sites; i++)
    if (strcmp(first->subject[site], other->subject[i]) == 0 &&
        strcmp(first->electrode[site], other->electrode[i]) == 0)
      return i;
  return -1;
}

/* Where each site of the first alignment is in every one: n_sites x n_alignments. */
static chi_status map_sites(const chi_sites_run *run, int64_t **out)
{
  const int64_t n = run->data[0].n_sites;
  CHI_TRY(chi_alloc(n * run->n_alignments, sizeof **out, "sites", out));
  for (int64_t i = 0; i < n; i++)
    for (int32_t a = 0; a < run->n_alignments; a++)
      (*out)[i * run->n_alignments + a] = a == 0 ? i : find_site(run, i, a);
  return CHI_OK;
}

static int32_t find_pair(const chi_sites_block *block, const char *network)
{
  if (block->pair == NULL) return block->n_pairs > 0 ? 0 : -1; /* integration */
  for (int32_t p = 0; p < block->n_pairs; p++)
    if (strcmp(block->pair[p].network, network) == 0) return p;
  return -1;
}

/* The rows of the single alignments that belong to a row of the first one; false if an alignment
 * has none. */
static bool find_parts(const chi_sites_run *run, const chi_sites_row *row, const int64_t *sites,
                       int64_t *part)
{
  for (int32_t a = 0; a < run->n_alignments; a++) {
    const chi_sites_block *block = chi_sites_block_of(run, row->comparison, a);
    const int64_t site = sites[row->site * run->n_alignments + a];
    const int32_t pair = find_pair(block, row->network);
    if (site < 0 || pair < 0) return false;
    part[a] = block->first + site * block->n_pairs + pair;
  }
  return true;
}

static chi_status list_one(chi_sites_run *run, int32_t c, const int64_t *sites)
{
  const int32_t of = run->comparison[c].of;
  const chi_sites_block *single = chi_sites_block_of(run, of, 0);
  chi_sites_block *block = &run->block[(int64_t)c * run->n_alignments];
  *block = (chi_sites_block){.first = run->n_rows, .n_pairs = single->n_pairs};
  CHI_TRY(chi_alloc(single->n * run->n_alignments, sizeof *block->part, "rows", &block->part));
  for (int64_t i = single->first; i < single->first + single->n; i++) {
    const chi_sites_row *row = &run->row[i];
    if (!find_parts(run, row, sites, block->part + block->n * run->n_alignments)) continue;
    run->row[run->n_rows++] = chi_sites_empty_row(c, 0, row->site, row->network);
    block->n++;
  }
  bool some = false;
  for (int32_t a = 0; a < run->n_alignments; a++)
    some = some || chi_sites_block_of(run, of, a)->n > 0;
  if (block->n == 0 && some)
    chi_text_add(&run->notes, "%s is missing: no site has %s in every alignment.\n",
                 run->comparison[c].name, run->comparison[of].name);
  return CHI_OK;
}

chi_status chi_sites_list_both(chi_sites_run *run)
{
  int64_t *sites = NULL;
  if (run->n_alignments < 2) return CHI_OK;
  chi_status s = map_sites(run, &sites);
  for (int32_t c = 0; c < run->n_comparisons && s == CHI_OK; c++)
    if (run->comparison[c].kind == CHI_COMPARE_BOTH) s = list_one(run, c, sites);
  chi_free(sites);
  return s;
}
