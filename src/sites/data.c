/* The numbers of one alignment: which models there are, which layer of each stands for it at a
 * site, and their scores. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "sites/data.h"
#include "store/choose.h"

int64_t chi_sites_at(const chi_sites_data *data, int32_t model, int64_t site)
{
  return (model * data->n_sites + site) * data->n_times;
}

static chi_status misfit(const chi_sites_data *d, const char *what)
{
  const chi_schema *schema = d->draws->schema;
  return chi_fail(CHI_ERR_INPUT,
                  "%s/%s: /%s: its %s are not those of fit.h5; chiasm %s %s --overwrite makes it "
                  "again",
                  d->run, schema->file, d->fit->alignment, what, schema->stage, d->run);
}

static bool has_model(const chi_sites_table *draws, const char *name)
{
  for (int64_t r = 0; r < draws->n_rows; r++)
    if (strcmp(draws->model[r], name) == 0) return true;
  return false;
}

/* The fit's spaces are sorted by model. */
static chi_status list_models(chi_sites_data *d)
{
  const chi_fit_table *fit = d->fit;
  CHI_TRY(chi_alloc(fit->n_spaces, sizeof *d->model, "models", &d->model));
  for (int64_t f = 0; f < fit->n_spaces;) {
    const int64_t space0 = f;
    while (f < fit->n_spaces && strcmp(fit->model[f], fit->model[space0]) == 0) f++;
    if (!has_model(d->draws, fit->model[space0])) continue;
    d->model[d->n_models++] =
        (chi_sites_model){.name = fit->model[space0],
                          .network = fit->network[space0],
                          .modality = fit->modality[space0],
                          .trained = strcmp(fit->training[space0], "trained") == 0,
                          .space0 = space0,
                          .n_spaces = f - space0};
  }
  return CHI_OK;
}

static int32_t find_model(const chi_sites_data *d, const char *name)
{
  for (int32_t m = 0; m < d->n_models; m++)
    if (strcmp(d->model[m].name, name) == 0) return m;
  return -1;
}

/* The feature space of a model's layer; `guess` is looked at first. */
static int64_t find_space(const chi_sites_data *d, int32_t model, const char *layer, int64_t guess)
{
  const chi_sites_model *m = &d->model[model];
  if (guess >= 0 && strcmp(d->fit->layer[guess], layer) == 0) return guess;
  for (int64_t f = m->space0; f < m->space0 + m->n_spaces; f++)
    if (strcmp(d->fit->layer[f], layer) == 0) return f;
  return -1;
}

/* Take the layers of a row that stand for its model. \param[in] best  by model and site: the
 * model's best layer, where rows are feature spaces; else NULL: every one stands */
static chi_status take_row(chi_sites_data *d, const int64_t *best, int64_t row)
{
  const int32_t model = find_model(d, d->draws->model[row]);
  if (model < 0) return misfit(d, "models");
  int64_t space = -1;
  for (int64_t site = 0; site < d->n_sites; site++) {
    const char *layer = d->draws->layer[row * d->n_sites + site];
    const int64_t at = model * d->n_sites + site;
    if (layer[0] == '\0') continue;
    space = find_space(d, model, layer, space);
    if (space < 0) return misfit(d, "layers");
    if (best != NULL && space != best[at]) continue;
    if (d->row[at] >= 0) return misfit(d, "layers");
    d->row[at] = row;
    d->space[at] = space;
  }
  return CHI_OK;
}

static chi_status choose_layers(chi_sites_data *d)
{
  const int64_t n = d->n_models * d->n_sites;
  int64_t *best = NULL;
  CHI_TRY(chi_alloc(n, sizeof *d->row, "rows", &d->row));
  CHI_TRY(chi_alloc(n, sizeof *d->space, "feature spaces", &d->space));
  for (int64_t i = 0; i < n; i++) d->row[i] = d->space[i] = -1;
  chi_status s = CHI_OK;
  if (d->draws->by_space) s = chi_alloc(n, sizeof *best, "feature spaces", &best);
  for (int32_t m = 0; m < d->n_models && d->draws->by_space && s == CHI_OK; m++)
    s = chi_run_choose_layer(d->run, d->fit, CHI_LAYERS_SITE, d->model[m].space0,
                             d->model[m].space0 + d->model[m].n_spaces, best + m * d->n_sites);
  for (int64_t row = 0; row < d->draws->n_rows && s == CHI_OK; row++) s = take_row(d, best, row);
  for (int64_t i = 0; i < n && best != NULL && s == CHI_OK; i++)
    if (best[i] >= 0 && d->row[i] < 0) s = misfit(d, "layers"); /* fitted later */
  chi_free(best);
  return s;
}

chi_status chi_sites_data_open(const char *run, const chi_fit_table *fit,
                               const chi_sites_table *draws, int32_t table, chi_sites_data *data)
{
  chi_sites_data *d = data;
  *d = (chi_sites_data){.run = run,
                        .fit = fit,
                        .draws = draws,
                        .table = table,
                        .n_sites = fit->n_sites,
                        .n_times = fit->n_times};
  if (draws->n_sites != d->n_sites) return misfit(d, "sites");
  for (int64_t i = 0; i < d->n_sites; i++)
    if (strcmp(draws->site[i], fit->site[i]) != 0) return misfit(d, "sites");
  if (draws->n_times != d->n_times) return misfit(d, "time bins");
  CHI_TRY(list_models(d));
  return choose_layers(d);
}

/* Whether `chosen` (by model and site) wants something of this row at any site. */
static bool is_wanted(const chi_sites_data *d, int32_t model, const int64_t *chosen, int64_t row)
{
  for (int64_t site = 0; site < d->n_sites; site++)
    if (chosen[model * d->n_sites + site] == row) return true;
  return false;
}

/* Copy a row's scores to the sites where `chosen` wants them. */
static void copy_wanted(const chi_sites_data *d, int32_t model, const int64_t *chosen, int64_t row,
                        const float *scores, float *out)
{
  for (int64_t site = 0; site < d->n_sites; site++)
    if (chosen[model * d->n_sites + site] == row)
      memcpy(out + chi_sites_at(d, model, site), scores + site * d->n_times,
             (size_t)d->n_times * sizeof *out);
}

/* \param[out] low   the lower ends of val_r's intervals, as d->mean
 * \param      room  for one row's summaries */
static chi_status read_summaries(chi_bootstrap_file *file, chi_sites_data *d, float *low,
                                 float *const room[CHI_N_SUMMARIES])
{
  for (int64_t row = 0; row < d->draws->n_rows; row++) {
    const int32_t m = find_model(d, d->draws->model[row]);
    if (!is_wanted(d, m, d->row, row)) continue;
    CHI_TRY(chi_bootstrap_read_summaries(file, d->table, row, room));
    copy_wanted(d, m, d->row, row, room[CHI_VAL_R_MEAN], d->mean[0]);
    copy_wanted(d, m, d->row, row, room[CHI_TEST_R_MEAN], d->mean[1]);
    copy_wanted(d, m, d->row, row, room[CHI_VAL_R_LOWER], low);
  }
  return CHI_OK;
}

static chi_status read_scores(chi_sites_data *d, float *const room[CHI_N_SCORES])
{
  for (int32_t m = 0; m < d->n_models; m++)
    for (int64_t f = d->model[m].space0; f < d->model[m].space0 + d->model[m].n_spaces; f++) {
      if (!is_wanted(d, m, d->space, f)) continue;
      CHI_TRY(chi_run_read_scores(d->run, d->fit, f, room));
      copy_wanted(d, m, d->space, f, room[CHI_VAL_R], d->r[0]);
      copy_wanted(d, m, d->space, f, room[CHI_TEST_R], d->r[1]);
      copy_wanted(d, m, d->space, f, room[CHI_ALPHA], d->alpha);
    }
  return CHI_OK;
}

chi_status chi_sites_data_read(chi_sites_draws *draws, chi_sites_data *d)
{
  const int64_t n = d->n_models * d->n_sites, n_scores = n * d->n_times;
  const int64_t n_bins = d->n_sites * d->n_times;
  float *low = NULL, *numbers = NULL, *room[CHI_N_SUMMARIES];
  float **tables[] = {&d->mean[0], &d->mean[1], &d->r[0], &d->r[1], &d->alpha, &low};
  chi_status s = CHI_OK;
  for (int half = 0; half < 2 && s == CHI_OK; half++)
    s = chi_alloc(n_scores, sizeof *d->kept[half], "bins", &d->kept[half]);
  if (s == CHI_OK) s = chi_alloc(n, sizeof *d->n_kept, "counts", &d->n_kept);
  if (s == CHI_OK) s = chi_alloc(CHI_N_SUMMARIES * n_bins, sizeof *numbers, "scores", &numbers);
  for (int k = 0; k < CHI_N_SUMMARIES; k++) room[k] = numbers + k * n_bins;
  for (int t = 0; t < 6 && s == CHI_OK; t++) {
    s = chi_alloc(n_scores, sizeof **tables[t], "scores", tables[t]);
    for (int64_t i = 0; i < n_scores && s == CHI_OK; i++) (*tables[t])[i] = NAN;
  }
  if (s == CHI_OK && draws->bootstrap != NULL) s = read_summaries(draws->bootstrap, d, low, room);
  if (s == CHI_OK) s = read_scores(d, room);
  for (int half = 0; half < 2 && s == CHI_OK && draws->influences != NULL; half++)
    memcpy(d->mean[half], d->r[half], (size_t)n_scores * sizeof *d->r[half]);
  for (int64_t i = 0; i < n_scores && s == CHI_OK; i++) {
    d->kept[0][i] = d->kept[1][i] = low[i] > 0;
    d->n_kept[i / d->n_times] += low[i] > 0;
  }
  chi_free(low);
  chi_free(numbers);
  return s;
}

void chi_sites_data_drop(chi_sites_data *d)
{
  void *const all[] = {d->mean[0], d->mean[1], d->r[0],    d->r[1],
                       d->alpha,   d->kept[0], d->kept[1], d->n_kept};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) chi_free(all[i]);
  d->mean[0] = d->mean[1] = d->r[0] = d->r[1] = d->alpha = NULL;
  d->kept[0] = d->kept[1] = NULL;
  d->n_kept = NULL;
}

void chi_sites_data_free(chi_sites_data *d)
{
  chi_sites_data_drop(d);
  chi_free(d->model);
  chi_free(d->row);
  chi_free(d->space);
  *d = (chi_sites_data){0};
}
