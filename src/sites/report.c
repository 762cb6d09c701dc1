/* The tables for the terminal. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/table.h"
#include "sites/internal.h"

enum { SITES_SHOWN = 20 };

static const char *or_dash(const char *text) { return text[0] == '\0' ? "-" : text; }

static void add_counts(const chi_sites_run *run, chi_text *text)
{
  chi_table table;
  chi_table_begin(&table,
                  "comparison\talignment\t>sites\t>tested\t>significant\t>by default\t"
                  ">of tested\t>of all");
  for (int32_t i = 0; i < run->n_comparisons * run->n_alignments; i++) {
    char of_tested[CHI_CELL], of_all[CHI_CELL];
    const chi_sites_block *block = &run->block[i];
    if (block->n == 0) continue;
    const chi_sites_line *line = &run->result[block->first].line;
    const chi_sites_count n = chi_sites_count_block(run, block);
    chi_table_row(&table, "%s\t%s\t%lld\t%lld\t%lld\t%lld\t%s\t%s", line->comparison,
                  line->alignment, (long long)n.sites, (long long)n.tested,
                  (long long)n.significant, (long long)n.by_default,
                  chi_cell(of_tested, "%.1f %%", chi_sites_percent(n.significant, n.tested)),
                  chi_cell(of_all, "%.1f %%", chi_sites_percent(n.significant, n.sites)));
  }
  chi_text_add(text, "\n");
  chi_table_end(&table, text);
}

static chi_status add_region_rows(const chi_sites_run *run, int32_t a, chi_table *table)
{
  const chi_sites_block *block = chi_sites_block_of(run, run->integration, a);
  chi_sites_count *regions = NULL;
  int64_t n = 0;
  CHI_TRY(chi_sites_count_regions(run, block, &regions, &n));
  for (int64_t i = 0; i < n; i++) {
    char percent[CHI_CELL];
    const chi_sites_count *count = &regions[i];
    chi_table_row(
        table, "%s\t%s\t%lld\t%lld\t%lld\t%s", run->data[a].fit->alignment, or_dash(count->region),
        (long long)count->sites, (long long)count->tested, (long long)count->significant,
        chi_cell(percent, "%.1f %%", chi_sites_percent(count->significant, count->tested)));
  }
  chi_free(regions);
  return CHI_OK;
}

static chi_status add_regions(const chi_sites_run *run, chi_text *text)
{
  chi_table table;
  chi_status s = CHI_OK;
  chi_table_begin(&table, "alignment\tregion\t>sites\t>tested\t>significant\t>of tested");
  for (int32_t a = 0; a < run->n_alignments && s == CHI_OK; a++)
    s = add_region_rows(run, a, &table);
  chi_text_add(text, "\nintegration by region (the other comparisons' are in regions.csv)\n");
  chi_table_end(&table, text);
  return s;
}

static int compare_results(const void *a, const void *b)
{
  const chi_sites_line *x = *(const chi_sites_line *const *)a,
                       *y = *(const chi_sites_line *const *)b;
  if (x->p != y->p) return x->p < y->p ? -1 : 1;
  return (x > y) - (x < y);
}

/* The significant ones, sorted by p. */
static void add_sites(const chi_sites_run *run, const chi_sites_line **list, int64_t n,
                      chi_text *text)
{
  chi_table table;
  if (n > 0) qsort(list, (size_t)n, sizeof *list, compare_results);
  chi_text_add(text, "\nintegration sites: %lld\n", (long long)n);
  if (n == 0) return;
  chi_table_begin(&table, "alignment\tsite\tregion\tbetter\tthan\t>difference\t>p\t>adjusted");
  for (int64_t i = 0; i < n && i < SITES_SHOWN; i++)
    chi_table_row(&table, "%s\t%s/%s\t%s\t%s\t%s\t%.4f\t%.2g\t%.2g", list[i]->alignment,
                  list[i]->subject, list[i]->electrode, or_dash(list[i]->region),
                  list[i]->model[CHI_BETTER], list[i]->model[CHI_THAN], list[i]->difference,
                  list[i]->p, list[i]->p_adjusted);
  chi_table_end(&table, text);
  if (n > SITES_SHOWN)
    chi_text_add_line(text, "and %lld more, in %s/sites.csv", (long long)(n - SITES_SHOWN),
                      run->options->run);
}

/* Integration in each alignment: by region, and where it is significant. */
static chi_status add_integration(const chi_sites_run *run, chi_text *text)
{
  const chi_sites_line **list = NULL;
  int64_t n = 0, n_results = 0;
  CHI_TRY(chi_alloc(run->n_results, sizeof *list, "results", &list));
  for (int32_t a = 0; a < run->n_alignments; a++) {
    const chi_sites_block *block = chi_sites_block_of(run, run->integration, a);
    n_results += block->n;
    for (int64_t i = block->first; i < block->first + block->n; i++)
      if (run->result[i].line.significant) list[n++] = &run->result[i].line;
  }
  const chi_status s = n_results > 0 ? add_regions(run, text) : CHI_OK;
  if (n_results > 0) add_sites(run, list, n, text);
  chi_free(list);
  return s;
}

/* Tests in which something took part and that have no p all the same, or one that is less sure. */
static void add_notes(const chi_sites_run *run, chi_text *text)
{
  int64_t one_sided = 0, unknown_spread = 0, few_blocks = 0, at_edge = 0;
  for (int64_t i = 0; i < chi_sites_block_of(run, run->integration, 0)->first; i++) {
    const chi_sites_line *line = &run->result[i].line;
    if (line->bins > 0 && !line->by_default && isnan(line->p))
      *(isnan(line->difference) ? &one_sided : &unknown_spread) += 1;
    few_blocks += !isnan(line->p) && run->result[i].few_blocks;
    at_edge += !isnan(line->p) && run->result[i].at_edge;
  }
  if (run->notes.n > 0 || one_sided + unknown_spread + few_blocks + at_edge > 0)
    chi_text_add(text, "\n");
  if (run->notes.n > 0) chi_text_add(text, "%s", run->notes.s);
  if (one_sided > 0)
    chi_text_add(text,
                 "No p in %lld rows: there the models of one side are missing, or their r is "
                 "undefined.\n",
                 (long long)one_sided);
  if (unknown_spread > 0 && run->draws.influences != NULL)
    chi_text_add(text,
                 "No p in %lld rows: their recording has fewer than %d blocks of events, or an "
                 "influence is undefined.\n",
                 (long long)unknown_spread, CHI_FEW_BLOCKS);
  else if (unknown_spread > 0)
    chi_text_add(text,
                 "No p in %lld rows: over 5 %% of their replicates are undefined, or all are "
                 "equal.\n",
                 (long long)unknown_spread);
  if (few_blocks > 0)
    chi_text_add(text,
                 "Less sure is p in %lld rows: their recording has fewer than %d blocks of events, "
                 "too few to tell a spread well.\n",
                 (long long)few_blocks, CHI_SCARCE_BLOCKS);
  if (at_edge > 0)
    chi_text_add(
        text,
        "Less sure is p in %lld rows: in most of their bins the better model chose the lowest or "
        "the highest of --alphas; a fit with a wider range tells more.\n",
        (long long)at_edge);
}

/* The bins that a model needs: "10", or of alignments that differ "6 to 10". */
static void bins_text(const chi_sites_run *run, char *text, size_t n)
{
  int64_t least = run->data[0].min_bins, most = least;
  for (int32_t a = 1; a < run->n_alignments; a++) {
    const int64_t one = run->data[a].min_bins;
    least = one < least ? one : least;
    most = one > most ? one : most;
  }
  if (least == most)
    snprintf(text, n, "%lld", (long long)least);
  else
    snprintf(text, n, "%lld to %lld", (long long)least, (long long)most);
}

/* Why there is no p at all. */
static void warn_untested(const chi_sites_run *run, const char *bins)
{
  bool tested = false, with_bins = false;
  for (int64_t i = 0; i < run->n_results; i++) {
    tested = tested || !isnan(run->result[i].line.p);
    with_bins = with_bins || run->result[i].line.bins > 0;
  }
  if (!tested && !with_bins)
    chi_log(
        CHI_LOG_WARNING,
        "sites: nothing is tested: no model keeps %s bins at any site, that is, has a validation r "
        "there whose interval lies above 0",
        bins);
  else if (!tested)
    chi_log(CHI_LOG_WARNING,
            "sites: nothing is tested: where models keep bins, the other side has none, or its "
            "scores' spread is unknown");
}

chi_status chi_sites_report(const chi_sites_run *run, chi_text *text)
{
  const chi_sites_options *o = run->options;
  char bins[80];
  bins_text(run, bins, sizeof bins);
  chi_text_add(text,
               "\ntest: %s; a model takes part at a site where it keeps %s bins or more; "
               "false discovery rate: %g\n",
               chi_sites_test_names[o->test], bins, o->fdr);
  add_counts(run, text);
  if (run->n_results > 0) warn_untested(run, bins);
  CHI_TRY(add_integration(run, text));
  CHI_TRY(chi_sites_report_truth(run, text));
  add_notes(run, text);
  chi_text_add(text, "\n");
  chi_text_add_line(text, "sites %s/sites.csv and sites.h5, by region %s/regions.csv", o->run,
                    o->run);
  if (text->failed) return chi_fail(CHI_ERR_MEMORY, "no memory for the tables");
  return CHI_OK;
}
