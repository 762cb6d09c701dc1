#include "stage/fit_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "chiasm/run.h"
#include "run/scores.h"

static const double edge_warning = 0.05;

/* One row of the table. */
typedef struct group {
  const char *alignment, *modality, *training; /* borrowed from the run's tables */
  const char *last_model, *best_layer;
  int64_t n_models, n_layers;
  double best; /* mean test r; NaN: no layer has one */
} group;

typedef struct groups {
  int64_t n, room;
  group *item;
} groups;

/* How many targets were fitted, and how many of them chose the ends of the grid. */
typedef struct edges {
  int64_t fitted, lowest, highest;
} edges;

static chi_status find_group(groups *list, const chi_fit_table *t, int64_t f, group **out)
{
  for (int64_t i = 0; i < list->n; i++) {
    *out = &list->item[i];
    if (strcmp((*out)->alignment, t->alignment) == 0 &&
        strcmp((*out)->modality, t->modality[f]) == 0 &&
        strcmp((*out)->training, t->training[f]) == 0)
      return CHI_OK;
  }
  if (list->n == list->room) {
    group *more;
    CHI_TRY(chi_alloc(2 * list->room + 16, sizeof *more, "table", &more));
    if (list->n > 0) memcpy(more, list->item, (size_t)list->n * sizeof *more);
    chi_free(list->item);
    list->item = more;
    list->room = 2 * list->room + 16;
  }
  *out = &list->item[list->n++];
  **out = (group){.alignment = t->alignment,
                  .modality = t->modality[f],
                  .training = t->training[f],
                  .last_model = "",
                  .best_layer = "-",
                  .best = NAN};
  return CHI_OK;
}

/* Take one feature space into its row and the count of edges. */
static chi_status add_space(const char *run, const chi_fit_table *t, int64_t f, float low,
                            float high, float *values, groups *list, edges *count)
{
  const int64_t n = t->n_sites * t->n_times;
  group *g;
  CHI_TRY(find_group(list, t, f, &g));
  CHI_TRY(chi_run_read_score(run, t, "test_r", f, values));
  const double mean = chi_scores_mean(values, n);
  if (mean > g->best || (isnan(g->best) && !isnan(mean))) {
    g->best = mean;
    g->best_layer = t->space[f];
  }
  g->n_layers++;
  g->n_models += strcmp(g->last_model, t->model[f]) != 0; /* spaces are sorted by model */
  g->last_model = t->model[f];
  CHI_TRY(chi_run_read_score(run, t, "alpha", f, values));
  for (int64_t i = 0; i < n; i++) {
    if (!isfinite(values[i])) continue;
    count->fitted++;
    count->lowest += values[i] <= low;
    count->highest += values[i] >= high;
  }
  return CHI_OK;
}

/* By alignment and modality, trained before random. */
static int compare_groups(const void *a, const void *b)
{
  const group *x = a, *y = b;
  int order = strcmp(x->alignment, y->alignment);
  if (order == 0) order = strcmp(x->modality, y->modality);
  return order != 0 ? order : -strcmp(x->training, y->training);
}

static int widest(int width, const char *text)
{
  const int n = (int)strlen(text);
  return n > width ? n : width;
}

static void write_table(const groups *list, chi_text *table)
{
  int a = 9, m = 8, t = 8, b = 10; /* the widths of the headings */
  for (int64_t i = 0; i < list->n; i++) {
    const group *g = &list->item[i];
    a = widest(a, g->alignment);
    m = widest(m, g->modality);
    t = widest(t, g->training);
    b = widest(b, g->best_layer);
  }
  chi_text_add(table, "%-*s  %-*s  %-*s  models  layers  %-*s  mean test r\n", a, "alignment", m,
               "modality", t, "training", b, "best layer");
  for (int64_t i = 0; i < list->n; i++) {
    const group *g = &list->item[i];
    chi_text_add(table, "%-*s  %-*s  %-*s  %6lld  %6lld  %-*s  ", a, g->alignment, m, g->modality,
                 t, g->training, (long long)g->n_models, (long long)g->n_layers, b, g->best_layer);
    if (isnan(g->best))
      chi_text_add(table, "%11s\n", "-");
    else
      chi_text_add(table, "%11.4f\n", g->best);
  }
}

static void log_edges(const edges *count, double low, double high)
{
  if (count->fitted == 0) return;
  const double n = (double)count->fitted;
  const double lowest = (double)count->lowest / n, highest = (double)count->highest / n;
  chi_log(CHI_LOG_INFO,
          "fit: %lld targets have scores; the alpha of %.1f %% is the lowest (%g), of %.1f %% the "
          "highest (%g)",
          (long long)count->fitted, 100 * lowest, low, 100 * highest, high);
  if (lowest > edge_warning)
    chi_log(CHI_LOG_WARNING,
            "%.1f %% of the targets chose the lowest alpha, %g: lower ones in --alphas may fit "
            "them better",
            100 * lowest, low);
  if (highest > edge_warning)
    chi_log(CHI_LOG_WARNING,
            "%.1f %% of the targets chose the highest alpha, %g: higher ones in --alphas may fit "
            "them better",
            100 * highest, high);
}

chi_status chi_fit_report_table(const char *run, const double *alphas, int32_t n_alphas,
                                chi_text *table)
{
  chi_fit_table *tables = NULL;
  int32_t n = 0;
  groups list = {0};
  edges count = {0};
  float *values = NULL;
  const double low = alphas[0], high = alphas[n_alphas - 1];
  chi_status s = chi_run_read_tables(run, &tables, &n);
  for (int32_t a = 0; a < n && s == CHI_OK; a++) {
    const chi_fit_table *t = &tables[a];
    s = chi_alloc(t->n_sites * t->n_times, sizeof *values, "scores", &values);
    for (int64_t f = 0; f < t->n_spaces && s == CHI_OK; f++)
      s = add_space(run, t, f, (float)low, (float)high, values, &list, &count);
    chi_free(values);
  }
  if (s == CHI_OK) {
    if (list.n > 0) qsort(list.item, (size_t)list.n, sizeof *list.item, compare_groups);
    write_table(&list, table);
    if (n_alphas > 1) log_edges(&count, low, high);
  }
  chi_free(list.item);
  chi_fit_tables_free(&tables, n);
  return s;
}
