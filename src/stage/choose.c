#include "stage/choose.h"

#include <math.h>
#include <string.h>

#include "base/agree.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/statistics.h"
#include "base/text.h"

chi_status chi_choose_rows(const chi_alignment *al, chi_layer_selection selection,
                           const char *models, chi_bootstrap_rows *rows)
{
  CHI_TRY(chi_alloc(al->n_spaces, sizeof *rows->label, "models", &rows->label));
  for (int64_t f = 0; f < al->n_spaces; f++) {
    if (!chi_name_fits(models, al->space[f].model)) continue;
    const bool same_model =
        rows->n_rows > 0 &&
        strcmp(al->space[rows->label[rows->n_rows - 1]].model, al->space[f].model) == 0;
    if (selection == CHI_LAYERS_ALL || !same_model) rows->label[rows->n_rows++] = f;
  }
  return chi_alloc(rows->n_rows * al->n_sites, sizeof *rows->space, "layers", &rows->space);
}

/* What one row's sites have of feature space f, the spaces coming in order of depth. */
static void look_at_space(const chi_fit_table *t, chi_layer_selection selection, int64_t f,
                          const float *val_r, double *best, int64_t *space)
{
  for (int64_t i = 0; i < t->n_sites; i++) {
    if (t->done[f * t->n_sites + i] != CHI_DONE_WRITTEN || t->present[f * t->n_sites + i] == 0)
      continue;
    const double mean = chi_mean(t->n_times, val_r + i * t->n_times);
    const bool better = selection == CHI_LAYERS_SITE ? mean > best[i] : isfinite(mean);
    if (!better) continue;
    best[i] = mean;
    space[i] = f;
  }
}

static chi_status choose_row(const char *run, const chi_fit_table *t, chi_layer_selection selection,
                             const chi_alignment *al, int64_t label, float *val_r, double *best,
                             int64_t *space)
{
  for (int64_t i = 0; i < t->n_sites; i++) {
    space[i] = -1;
    best[i] = -INFINITY;
  }
  for (int64_t f = label; f < t->n_spaces; f++) {
    if (strcmp(al->space[f].model, al->space[label].model) != 0) break;
    CHI_TRY(chi_run_read_score(run, t, "val_r", f, val_r));
    look_at_space(t, selection, f, val_r, best, space);
    if (selection == CHI_LAYERS_ALL) break;
  }
  return CHI_OK;
}

static chi_status check_complete(const char *run, const chi_fit_table *t)
{
  int64_t left = 0, failed = 0;
  for (int64_t i = 0; i < t->n_spaces * t->n_sites; i++) {
    left += t->present[i] != 0 && t->done[i] == CHI_DONE_NOT_YET;
    failed += t->present[i] != 0 && t->done[i] == CHI_DONE_FAILED;
  }
  if (left > 0)
    return chi_fail(
        CHI_ERR_USAGE,
        "%s: /%s is not fitted yet at %lld of %lld layers and sites; chiasm fit --resume "
        "comes first",
        run, t->alignment, (long long)left, (long long)(t->n_spaces * t->n_sites));
  if (failed > 0)
    chi_log(CHI_LOG_WARNING, "%s: /%s: %lld fits failed; their layers are left out there", run,
            t->alignment, (long long)failed);
  return CHI_OK;
}

static chi_status choose_alignment(const char *run, const chi_fit_table *t, const chi_alignment *al,
                                   chi_layer_selection selection, const char *models,
                                   chi_bootstrap_rows *rows)
{
  float *val_r = NULL;
  double *best = NULL;
  CHI_TRY(check_complete(run, t));
  CHI_TRY(chi_choose_rows(al, selection, models, rows));
  chi_status s = chi_alloc(t->n_sites * t->n_times, sizeof *val_r, "scores", &val_r);
  if (s == CHI_OK) s = chi_alloc(t->n_sites, sizeof *best, "scores", &best);
  for (int64_t i = 0; i < rows->n_rows && s == CHI_OK; i++)
    s = choose_row(run, t, selection, al, rows->label[i], val_r, best,
                   rows->space + i * al->n_sites);
  chi_free(val_r);
  chi_free(best);
  return s;
}

static chi_status choose_all(const char *run, const chi_study *study, chi_layer_selection selection,
                             const char *models, chi_bootstrap_rows *rows)
{
  chi_fit_table *tables = NULL;
  int32_t n = 0;
  int64_t n_rows = 0;
  CHI_TRY(chi_run_read_tables(run, &tables, &n));
  chi_status s = CHI_OK;
  for (int32_t a = 0; a < study->n_alignments && s == CHI_OK; a++) {
    s = choose_alignment(run, &tables[a], &study->alignments[a], selection, models, &rows[a]);
    n_rows += rows[a].n_rows;
  }
  if (s == CHI_OK && n_rows == 0)
    s = chi_fail(CHI_ERR_USAGE, "%s: no model fits --models %s", run, models);
  chi_fit_tables_free(&tables, n);
  return s;
}

/* Give every rank what rank 0 chose. */
static chi_status share(MPI_Comm comm, const chi_study *study, chi_bootstrap_rows *rows)
{
  for (int32_t a = 0; a < study->n_alignments; a++) {
    void *label = rows[a].label, *space = rows[a].space;
    MPI_Bcast(&rows[a].n_rows, 1, MPI_INT64_T, 0, comm);
    int64_t label_bytes = rows[a].n_rows * (int64_t)sizeof *rows[a].label;
    int64_t space_bytes =
        rows[a].n_rows * study->alignments[a].n_sites * (int64_t)sizeof *rows[a].space;
    CHI_TRY(chi_bcast_bytes(comm, 0, &label, &label_bytes));
    rows[a].label = label;
    CHI_TRY(chi_bcast_bytes(comm, 0, &space, &space_bytes));
    rows[a].space = space;
  }
  return CHI_OK;
}

chi_status chi_choose_layers(MPI_Comm comm, const char *run, const chi_study *study,
                             chi_layer_selection selection, const char *models,
                             chi_bootstrap_rows **rows)
{
  int rank;
  MPI_Comm_rank(comm, &rank);
  chi_status s = chi_alloc(study->n_alignments, sizeof **rows, "models", rows);
  if (s == CHI_OK && rank == 0) s = choose_all(run, study, selection, models, *rows);
  s = chi_agree(comm, s);
  if (s == CHI_OK) s = share(comm, study, *rows);
  if (s != CHI_OK) chi_choose_free(study, rows);
  return s;
}

void chi_choose_free(const chi_study *study, chi_bootstrap_rows **rows)
{
  for (int32_t a = 0; *rows != NULL && a < study->n_alignments; a++) {
    chi_free((*rows)[a].label);
    chi_free((*rows)[a].space);
    chi_free((*rows)[a].block_length);
  }
  chi_free(*rows);
  *rows = NULL;
}
