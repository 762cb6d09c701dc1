#include "stage/fit_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/statistics.h"
#include "base/table.h"
#include "chiasm/run.h"

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
  float low, high; /* the ends */
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
  CHI_TRY(chi_grow(&list->item, &list->room, list->n + 1, sizeof **out, "table"));
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
static chi_status add_space(const char *run, const chi_fit_table *t, int64_t f, float *values,
                            groups *list, edges *count)
{
  const int64_t n = t->n_sites * t->n_times;
  float *const scores[] = {values, values + n, values + 2 * n};
  const float *alpha = scores[CHI_ALPHA];
  group *g;
  CHI_TRY(find_group(list, t, f, &g));
  CHI_TRY(chi_run_read_scores(run, t, f, scores));
  const double mean = chi_mean(n, scores[CHI_TEST_R]);
  if (mean > g->best || (isnan(g->best) && !isnan(mean))) {
    g->best = mean;
    g->best_layer = t->space[f];
  }
  g->n_layers++;
  g->n_models += strcmp(g->last_model, t->model[f]) != 0; /* spaces are sorted by model */
  g->last_model = t->model[f];
  for (int64_t i = 0; i < n; i++) {
    if (!isfinite(alpha[i])) continue;
    count->fitted++;
    count->lowest += alpha[i] <= count->low;
    count->highest += alpha[i] >= count->high;
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

static void write_table(const groups *list, chi_text *out)
{
  chi_table table;
  char best[CHI_CELL];
  chi_table_begin(&table,
                  "alignment\tmodality\ttraining\t>models\t>layers\tbest layer\t>mean test r");
  for (int64_t i = 0; i < list->n; i++) {
    const group *g = &list->item[i];
    chi_table_row(&table, "%s\t%s\t%s\t%lld\t%lld\t%s\t%s", g->alignment, g->modality, g->training,
                  (long long)g->n_models, (long long)g->n_layers, g->best_layer,
                  chi_cell(best, "%.4f", g->best));
  }
  chi_table_end(&table, out);
}

static void warn_edge(double share, const char *edge, const char *others, double alpha)
{
  if (share > edge_warning)
    chi_log(CHI_LOG_WARNING,
            "%.1f %% of the targets chose the %s alpha, %g: %s ones in --alphas may fit them "
            "better",
            100 * share, edge, alpha, others);
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
  warn_edge(lowest, "lowest", "lower", low);
  warn_edge(highest, "highest", "higher", high);
}

chi_status chi_fit_report_table(const char *run, const double *alphas, int32_t n_alphas,
                                chi_text *out)
{
  chi_fit_table *tables = NULL;
  int32_t n = 0;
  groups list = {0};
  float *values = NULL;
  const double low = alphas[0], high = alphas[n_alphas - 1];
  edges count = {.low = (float)low, .high = (float)high};
  chi_status s = chi_run_read_tables(run, &tables, &n);
  for (int32_t a = 0; a < n && s == CHI_OK; a++) {
    const chi_fit_table *t = &tables[a];
    s = chi_alloc(CHI_N_SCORES * t->n_sites * t->n_times, sizeof *values, "scores", &values);
    for (int64_t f = 0; f < t->n_spaces && s == CHI_OK; f++)
      s = add_space(run, t, f, values, &list, &count);
    chi_free(values);
  }
  if (s == CHI_OK) {
    if (list.n > 0) qsort(list.item, (size_t)list.n, sizeof *list.item, compare_groups);
    write_table(&list, out);
    if (n_alphas > 1) log_edges(&count, low, high);
  }
  chi_free(list.item);
  chi_fit_tables_free(&tables, n);
  return s;
}
