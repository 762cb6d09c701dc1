#include "stage/fit_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/statistics.h"
#include "base/table.h"
#include "chiasm/run.h"

static const double edge_warning = 0.05;
/* Without a trace of the response any alpha is as good: these do not ask for others. */
static const double traced = 0.05;

enum { SPACES_NAMED = 5 };

/* One row of the table. */
typedef struct group {
  const char *alignment, *modality, *training; /* borrowed from the run's tables */
  const char *last_model, *best_layer;
  int64_t n_models, n_layers;
  int64_t n_without; /* targets that were fitted and have no score */
  double best;       /* mean test r; NaN: no layer has one */
} group;

typedef struct groups {
  int64_t n, room;
  group *item;
} groups;

/* What is counted over all targets: those with and without scores; those whose validation r shows a
 * trace, and how many of these chose the ends of the grid. */
typedef struct counts {
  float low, high; /* the ends */
  int64_t with, without, traced, lowest, highest;
  int64_t n_empty; /* feature spaces that were fitted and have no score at all */
  chi_text empty;  /* the names of the first of them */
} counts;

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

/* Count the targets of a space with and without a test r; those never fitted are neither. */
static void count_scores(const chi_fit_table *t, int64_t f, const float *test_r, group *g,
                         counts *count)
{
  int64_t with = 0, without = 0;
  for (int64_t s = 0; s < t->n_sites; s++) {
    if (t->done[f * t->n_sites + s] != CHI_DONE_WRITTEN) continue;
    for (int64_t b = 0; b < t->n_times; b++) {
      const bool has = isfinite(test_r[s * t->n_times + b]);
      with += has;
      without += !has;
    }
  }
  g->n_without += without;
  count->with += with;
  count->without += without;
  if (with == 0 && without > 0 && count->n_empty++ < SPACES_NAMED)
    chi_text_add(&count->empty, "%s%s", count->n_empty == 1 ? "" : ", ", t->space[f]);
}

/* \param[in] val_r, alpha  of n targets */
static void count_edges(int64_t n, const float *val_r, const float *alpha, counts *count)
{
  for (int64_t i = 0; i < n; i++) {
    if (!(val_r[i] > traced)) continue;
    count->traced++;
    count->lowest += alpha[i] <= count->low;
    count->highest += alpha[i] >= count->high;
  }
}

/* Take one feature space into its row and the counts. */
static chi_status add_space(const char *run, const chi_fit_table *t, int64_t f, float *values,
                            groups *list, counts *count)
{
  const int64_t n = t->n_sites * t->n_times;
  float *const scores[] = {values, values + n, values + 2 * n};
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
  count_scores(t, f, scores[CHI_TEST_R], g, count);
  count_edges(n, scores[CHI_VAL_R], scores[CHI_ALPHA], count);
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
                  "alignment\tmodality\ttraining\t>models\t>layers\t>without score\tbest layer\t"
                  ">mean test r");
  for (int64_t i = 0; i < list->n; i++) {
    const group *g = &list->item[i];
    chi_table_row(&table, "%s\t%s\t%s\t%lld\t%lld\t%lld\t%s\t%s", g->alignment, g->modality,
                  g->training, (long long)g->n_models, (long long)g->n_layers,
                  (long long)g->n_without, g->best_layer, chi_cell(best, "%.4f", g->best));
  }
  chi_table_end(&table, out);
}

static void log_edges(const counts *count, double low, double high)
{
  if (count->traced == 0) return;
  const double lowest = (double)count->lowest / (double)count->traced;
  const double highest = (double)count->highest / (double)count->traced;
  const char *others = lowest > edge_warning && highest > edge_warning ? "lower and higher"
                       : lowest > edge_warning                         ? "lower"
                       : highest > edge_warning                        ? "higher"
                                                                       : NULL;
  char advice[80] = "";
  if (others != NULL)
    snprintf(advice, sizeof advice, ": %s ones in --alphas may fit them better", others);
  chi_log(
      others == NULL ? CHI_LOG_INFO : CHI_LOG_WARNING,
      "fit: of %lld targets whose validation r is above %g, %.1f %% chose the lowest alpha, %g, "
      "and %.1f %% the highest, %g%s",
      (long long)count->traced, traced, 100 * lowest, low, 100 * highest, high, advice);
}

/* \param[in] study  folder; where what has no score is named */
static void log_counts(const counts *count, const char *study)
{
  if (count->without == 0)
    chi_log(CHI_LOG_INFO, "fit: all %lld targets have scores", (long long)count->with);
  else
    chi_log(CHI_LOG_WARNING,
            "fit: %lld targets have scores, %lld have none (NaN): their response or prediction is "
            "constant within half a fold, or the response holds a NaN; chiasm check %s names the "
            "electrodes",
            (long long)count->with, (long long)count->without, study);
  if (count->n_empty > 0 && count->empty.s != NULL)
    chi_log(
        CHI_LOG_WARNING,
        "fit: feature spaces without any score: %lld (%s%s); are they constant over the events?",
        (long long)count->n_empty, count->empty.s, count->n_empty > SPACES_NAMED ? ", ..." : "");
}

chi_status chi_fit_report_table(const char *run, const double *alphas, int32_t n_alphas,
                                const char *study, chi_text *out)
{
  chi_fit_table *tables = NULL;
  int32_t n = 0;
  groups list = {0};
  float *values = NULL;
  const double low = alphas[0], high = alphas[n_alphas - 1];
  counts count = {.low = (float)low, .high = (float)high};
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
    log_counts(&count, study);
    if (n_alphas > 1) log_edges(&count, low, high);
  }
  chi_text_free(&count.empty);
  chi_free(list.item);
  chi_fit_tables_free(&tables, n);
  return s;
}
