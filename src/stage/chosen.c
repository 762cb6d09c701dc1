#include "stage/chosen.h"

#include <string.h>

#include "base/agree.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

/* The feature space after those of a row, which begin at its label. */
static int64_t row_end(const chi_alignment *alignment, chi_layer_selection selection, int64_t label)
{
  int64_t end = label + 1;
  while (selection != CHI_LAYERS_ALL && end < alignment->n_spaces &&
         strcmp(alignment->space[end].model, alignment->space[label].model) == 0)
    end++;
  return end;
}

static chi_status list_rows(const chi_alignment *al, chi_layer_selection selection,
                            const char *models, chi_chosen *rows)
{
  CHI_TRY(chi_alloc(al->n_spaces, sizeof *rows->label, "models", &rows->label));
  for (int64_t f = 0; f < al->n_spaces; f = row_end(al, selection, f))
    if (chi_name_fits(models, al->space[f].model)) rows->label[rows->n_rows++] = f;
  return chi_alloc(rows->n_rows * al->n_sites, sizeof *rows->space, "layers", &rows->space);
}

chi_status chi_chosen_list(const chi_study *study, chi_layer_selection selection,
                           const char *models, chi_chosen **rows)
{
  CHI_TRY(chi_alloc(study->n_alignments, sizeof **rows, "models", rows));
  for (int32_t a = 0; a < study->n_alignments; a++)
    CHI_TRY(list_rows(&study->alignments[a], selection, models, &(*rows)[a]));
  return CHI_OK;
}

void chi_chosen_free(const chi_study *study, chi_chosen **rows)
{
  for (int32_t a = 0; *rows != NULL && a < study->n_alignments; a++) {
    chi_free((*rows)[a].label);
    chi_free((*rows)[a].space);
  }
  chi_free(*rows);
  *rows = NULL;
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
                                   chi_layer_selection selection, chi_chosen *rows)
{
  CHI_TRY(check_complete(run, t));
  for (int64_t i = 0; i < rows->n_rows; i++)
    CHI_TRY(chi_run_choose_layer(run, t, selection, rows->label[i],
                                 row_end(al, selection, rows->label[i]),
                                 rows->space + i * al->n_sites));
  return CHI_OK;
}

/* Rank 0. */
static chi_status choose_all(const char *run, const chi_study *study, chi_layer_selection selection,
                             const char *models, chi_chosen *rows)
{
  chi_fit_table *tables = NULL;
  int32_t n = 0;
  int64_t n_rows = 0;
  CHI_TRY(chi_run_read_tables(run, &tables, &n));
  chi_status s = CHI_OK;
  for (int32_t a = 0; a < study->n_alignments && s == CHI_OK; a++) {
    s = choose_alignment(run, &tables[a], &study->alignments[a], selection, &rows[a]);
    n_rows += rows[a].n_rows;
  }
  if (s == CHI_OK && n_rows == 0)
    s = chi_fail(CHI_ERR_USAGE, "%s: no model fits --models %s", run, models);
  chi_fit_tables_free(&tables, n);
  return s;
}

chi_status chi_chosen_find(MPI_Comm comm, const char *run, const chi_study *study,
                           chi_layer_selection selection, const char *models, chi_chosen **rows)
{
  int rank;
  MPI_Comm_rank(comm, &rank);
  chi_status s = chi_chosen_list(study, selection, models, rows);
  if (s == CHI_OK && rank == 0) s = choose_all(run, study, selection, models, *rows);
  CHI_TRY(chi_agree(comm, s));
  for (int32_t a = 0; a < study->n_alignments && s == CHI_OK; a++) {
    chi_chosen *r = &(*rows)[a];
    int64_t bytes = r->n_rows * study->alignments[a].n_sites * (int64_t)sizeof *r->space;
    void *space = r->space;
    if (rank != 0) chi_free(space);
    s = chi_bcast_bytes(comm, 0, &space, &bytes);
    r->space = space;
  }
  return s;
}
