/* The tables for the terminal. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sites/internal.h"

enum { SITES_SHOWN = 20 };

static int widest(int width, const char *text)
{
  const int n = (int)strlen(text);
  return n > width ? n : width;
}

static const char *or_dash(const char *text) { return text[0] == '\0' ? "-" : text; }

static void add_percent(chi_text *text, int64_t part, int64_t of)
{
  if (of > 0)
    chi_text_add(text, "  %10.1f %%", 100.0 * (double)part / (double)of);
  else
    chi_text_add(text, "  %12s", "-");
}

static const chi_sites_row *first_row(const chi_sites_run *run, const chi_sites_block *block)
{
  return &run->row[block->first];
}

static void add_counts(const chi_sites_run *run, chi_text *text)
{
  int name = 10, alignment = 9;
  for (int32_t c = 0; c < run->n_comparisons; c++) name = widest(name, run->comparison[c].name);
  for (int32_t a = 0; a < run->n_alignments; a++)
    alignment = widest(alignment, run->data[a].fit->alignment);
  chi_text_add(text, "\n%-*s  %-*s  %7s  %7s  %11s  %10s  %12s  %12s\n", name, "comparison",
               alignment, "alignment", "sites", "tested", "significant", "by default", "of tested",
               "of all");
  for (int32_t c = 0; c < run->n_comparisons; c++)
    for (int32_t a = 0; a < run->n_alignments; a++) {
      const chi_sites_block *block = chi_sites_block_of(run, c, a);
      if (block->n == 0) continue;
      const chi_sites_count n = chi_sites_count_block(run, block, NULL);
      chi_text_add(text, "%-*s  %-*s  %7lld  %7lld  %11lld  %10lld", name, run->comparison[c].name,
                   alignment, chi_sites_alignment_name(run, first_row(run, block)),
                   (long long)n.sites, (long long)n.tested, (long long)n.significant,
                   (long long)n.by_default);
      add_percent(text, n.significant, n.tested);
      add_percent(text, n.significant, n.sites);
      chi_text_add(text, "\n");
    }
}

static chi_status add_region_block(const chi_sites_run *run, const chi_sites_block *block,
                                   int alignment, int region, chi_text *text)
{
  const char **names = NULL;
  int64_t n = 0;
  const chi_status s = chi_sites_regions(run, block, &names, &n);
  for (int64_t i = 0; i < n && s == CHI_OK; i++) {
    const chi_sites_count count = chi_sites_count_block(run, block, names[i]);
    chi_text_add(text, "%-*s  %-*s  %7lld  %7lld  %11lld", alignment,
                 chi_sites_alignment_name(run, first_row(run, block)), region, or_dash(names[i]),
                 (long long)count.sites, (long long)count.tested, (long long)count.significant);
    add_percent(text, count.significant, count.tested);
    chi_text_add(text, "\n");
  }
  chi_free(names);
  return s;
}

static chi_status add_regions(const chi_sites_run *run, chi_text *text)
{
  const int32_t c = chi_sites_find(run, "integration");
  int alignment = 9, region = 6;
  int64_t n = 0;
  for (int32_t a = 0; a < run->n_alignments; a++) {
    const chi_sites_block *block = chi_sites_block_of(run, c, a);
    alignment = widest(alignment, run->data[a].fit->alignment);
    for (int64_t i = 0; i < run->data[a].n_sites; i++)
      region = widest(region, run->data[a].fit->region[i]);
    n += block->n;
  }
  if (n == 0) return CHI_OK;
  chi_text_add(text, "\nintegration by region (the other comparisons' are in regions.csv)\n");
  chi_text_add(text, "%-*s  %-*s  %7s  %7s  %11s  %12s\n", alignment, "alignment", region, "region",
               "sites", "tested", "significant", "of tested");
  for (int32_t a = 0; a < run->n_alignments; a++)
    if (chi_sites_block_of(run, c, a)->n > 0)
      CHI_TRY(add_region_block(run, chi_sites_block_of(run, c, a), alignment, region, text));
  return CHI_OK;
}

static int compare_rows(const void *a, const void *b)
{
  const chi_sites_row *x = *(const chi_sites_row *const *)a, *y = *(const chi_sites_row *const *)b;
  if (x->p != y->p) return x->p < y->p ? -1 : 1;
  return (x > y) - (x < y);
}

static void add_site_lines(const chi_sites_run *run, const chi_sites_row **list, int64_t n,
                           chi_text *text)
{
  const int64_t shown = n < SITES_SHOWN ? n : SITES_SHOWN;
  int widths[5] = {9, 4, 6, 6, 4};
  const char *const heads[5] = {"alignment", "site", "region", "better", "than"};
  for (int head = 1; head >= 0; head--)
    for (int64_t i = 0; i < shown; i++) {
      const chi_fit_table *t = run->data[list[i]->alignment].fit;
      const char *const cells[5] = {chi_sites_alignment_name(run, list[i]), t->site[list[i]->site],
                                    or_dash(t->region[list[i]->site]), list[i]->better,
                                    list[i]->than};
      if (head == 0 && i == 0) {
        for (int c = 0; c < 5; c++) chi_text_add(text, "%-*s  ", widths[c], heads[c]);
        chi_text_add(text, "%10s  %9s  %9s\n", "difference", "p", "adjusted");
      }
      for (int c = 0; c < 5; c++) {
        if (head == 1)
          widths[c] = widest(widths[c], cells[c]);
        else
          chi_text_add(text, "%-*s  ", widths[c], cells[c]);
      }
      if (head == 0)
        chi_text_add(text, "%10.4f  %9.2g  %9.2g\n", list[i]->difference, list[i]->p,
                     list[i]->p_adjusted);
    }
  if (n > shown)
    chi_text_add(text, "and %lld more, in %s/sites.csv\n", (long long)(n - shown),
                 run->options->run);
}

static chi_status add_sites(const chi_sites_run *run, chi_text *text)
{
  const int32_t c = chi_sites_find(run, "integration");
  const chi_sites_row **list = NULL;
  int64_t n = 0, rows = 0;
  CHI_TRY(chi_alloc(run->n_rows, sizeof *list, "rows", &list));
  for (int64_t i = 0; i < run->n_rows; i++) {
    rows += run->row[i].comparison == c;
    if (run->row[i].comparison == c && run->row[i].significant) list[n++] = &run->row[i];
  }
  if (n > 0) qsort(list, (size_t)n, sizeof *list, compare_rows);
  if (rows > 0) chi_text_add(text, "\nintegration sites: %lld\n", (long long)n);
  if (n > 0) add_site_lines(run, list, n, text);
  chi_free(list);
  return CHI_OK;
}

/* Rows in which something took part and that have no p all the same. */
static void add_notes(const chi_sites_run *run, chi_text *text)
{
  int64_t one_sided = 0, unknown_spread = 0;
  for (int64_t i = 0; i < run->n_rows; i++) {
    const chi_sites_row *row = &run->row[i];
    const chi_sites_kind kind = run->comparison[row->comparison].kind;
    if ((kind != CHI_COMPARE_TWINS && kind != CHI_COMPARE_SIDES) || row->bins == 0 ||
        row->by_default || !isnan(row->p))
      continue;
    *(isnan(row->difference) ? &one_sided : &unknown_spread) += 1;
  }
  if (run->notes.n > 0 || one_sided > 0 || unknown_spread > 0) chi_text_add(text, "\n");
  if (run->notes.n > 0) chi_text_add(text, "%s", run->notes.s);
  if (one_sided > 0)
    chi_text_add(text,
                 "No p in %lld rows: there the models of one side are missing, or their r is "
                 "undefined.\n",
                 (long long)one_sided);
  if (unknown_spread > 0)
    chi_text_add(text,
                 "No p in %lld rows: over 5 %% of their replicates are undefined, or all are "
                 "equal.\n",
                 (long long)unknown_spread);
}

chi_status chi_sites_report(const chi_sites_run *run, chi_text *text)
{
  const chi_sites_options *o = run->options;
  int64_t with_bins = 0;
  for (int64_t i = 0; i < run->n_rows; i++) with_bins += run->row[i].bins > 0;
  chi_text_add(text,
               "\ntest: %s; a model takes part at a site where it keeps %lld bins or more; "
               "false discovery rate: %g\n",
               chi_sites_test_names[o->test], (long long)o->min_bins, o->fdr);
  add_counts(run, text);
  if (run->n_rows > 0 && with_bins == 0)
    chi_text_add(text, "No model keeps %lld bins at any site: nothing is tested.\n",
                 (long long)o->min_bins);
  CHI_TRY(add_regions(run, text));
  CHI_TRY(add_sites(run, text));
  CHI_TRY(chi_sites_report_truth(run, text));
  add_notes(run, text);
  chi_text_add(text, "\nsites %s/sites.csv and sites.h5, by region %s/regions.csv\n", o->run,
               o->run);
  if (text->failed) return chi_fail(CHI_ERR_MEMORY, "no memory for the tables");
  return CHI_OK;
}
