#include "stage/fit_units.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "chiasm/run.h"
#include "stage/fit_cut.h"
#include "study/layers.h"

/* A growing list of pieces. */
typedef struct pieces {
  int64_t n, room;
  chi_fit_piece *item;
} pieces;

static chi_status add_piece(pieces *list, const chi_fit_piece *piece)
{
  if (list->n == list->room) {
    const int64_t room = 2 * list->room + 64;
    chi_fit_piece *more;
    CHI_TRY(chi_alloc(room, sizeof *more, "list of units", &more));
    if (list->n > 0) memcpy(more, list->item, (size_t)list->n * sizeof *more);
    chi_free(list->item);
    list->item = more;
    list->room = room;
  }
  list->item[list->n++] = *piece;
  return CHI_OK;
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* Whether any site of [from, to) is not written. */
static bool has_work(const uint8_t *done, int64_t from, int64_t to)
{
  for (int64_t i = from; i < to; i++)
    if (done[i] != CHI_DONE_WRITTEN) return true;
  return false;
}

/* Add the runs of unfinished blocks of one layer, none longer than `longest` electrodes.
 * \param[in] done  of the layer's electrodes */
static chi_status add_layer(pieces *list, chi_fit_piece piece, int64_t n_electrodes,
                            int64_t longest, const uint8_t *done)
{
  const int64_t block = piece.block;
  for (int64_t from = 0; from < n_electrodes; from += longest) {
    const int64_t end = least(from + longest, n_electrodes);
    for (int64_t e = from; e < end;) {
      int64_t stop = e;
      while (stop < end && has_work(done, stop, least(stop + block, end)))
        stop = least(stop + block, end);
      if (stop > e) {
        piece.what.electrode0 = e;
        piece.what.electrode1 = stop;
        CHI_TRY(add_piece(list, &piece));
      }
      e = stop + block;
    }
  }
  return CHI_OK;
}

static chi_status add_dataset(pieces *list, const chi_study *study,
                              const chi_encode_options *encode, int64_t electrode_block,
                              const uint8_t *done, int32_t dataset)
{
  const chi_dataset *d = &study->datasets[dataset];
  const chi_alignment *a = &study->alignments[d->alignment];
  const int64_t block = chi_block_electrodes(a->n_times);
  int64_t longest = (d->n_electrodes + block - 1) / block * block;
  if (electrode_block > 0 && electrode_block < longest)
    longest = (electrode_block + block - 1) / block * block;
  for (int64_t f = 0; f < a->n_spaces; f++) {
    const int64_t p = a->space[f].n_features[d->subject_index];
    if (p == 0) continue;
    const chi_encode_plan cost =
        chi_encode_make_plan(encode, d->n_events, p, d->n_electrodes, a->n_times);
    const chi_fit_piece piece = {
        .what = {.alignment = d->alignment, .dataset = dataset, .space = f},
        .block = block,
        .shared = cost.flops_shared,
        .electrode = cost.flops_target * (double)a->n_times};
    CHI_TRY(
        add_layer(list, piece, d->n_electrodes, longest, done + f * a->n_sites + d->first_site));
  }
  return CHI_OK;
}

/* Turn pieces, piece i in part[i] parts, into the plan's units. */
static chi_status make_units(const chi_study *study, const pieces *list, const int64_t *part,
                             chi_fit_plan *plan)
{
  int64_t n = 0;
  for (int64_t i = 0; i < list->n; i++) n += part[i];
  CHI_TRY(chi_alloc(n, sizeof *plan->what, "units", &plan->what));
  CHI_TRY(chi_alloc(n, sizeof *plan->unit, "units", &plan->unit));
  for (int64_t i = 0; i < list->n; i++) {
    const chi_fit_piece *piece = &list->item[i];
    const int64_t n_times = study->alignments[piece->what.alignment].n_times;
    const int32_t subject = study->datasets[piece->what.dataset].subject_index;
    const int64_t layer =
        chi_layer_number(study, piece->what.alignment, piece->what.space, subject);
    if (part[i] > 1) plan->parts += part[i];
    for (int64_t j = 0; j < part[i]; j++) {
      const chi_fit_unit what = chi_fit_part(piece, j, part[i]);
      const int64_t targets = (what.electrode1 - what.electrode0) * n_times;
      plan->what[plan->n] = what;
      plan->unit[plan->n++] = (chi_unit){.group = what.dataset,
                                         .layer = (int32_t)layer,
                                         .cost = chi_fit_cost(piece, &what),
                                         .models = targets};
      plan->models += targets;
      if (targets > plan->largest) plan->largest = targets;
    }
  }
  return CHI_OK;
}

chi_status chi_fit_plan_make(const chi_study *study, const chi_encode_options *encode,
                             int64_t electrode_block, const uint8_t *const *done, int32_t n_ranks,
                             chi_fit_plan *plan)
{
  *plan = (chi_fit_plan){0};
  pieces list = {0};
  int64_t *part = NULL;
  chi_status s = CHI_OK;
  if (chi_layer_count(study) > INT32_MAX) {
    s = chi_fail(CHI_ERR_USAGE,
                 "the study has %lld layers, chiasm can fit %d in one run: choose "
                 "some with --models or --layers",
                 (long long)chi_layer_count(study), INT32_MAX);
    goto cleanup;
  }
  for (int32_t d = 0; d < study->n_datasets && s == CHI_OK; d++)
    s = add_dataset(&list, study, encode, electrode_block, done[study->datasets[d].alignment], d);
  if (s != CHI_OK) goto cleanup;
  if ((s = chi_alloc(list.n, sizeof *part, "parts of units", &part)) != CHI_OK) goto cleanup;
  for (int64_t i = 0; i < list.n; i++) part[i] = 1;
  if (electrode_block == 0 && n_ranks > 1) s = chi_fit_cut(list.item, list.n, n_ranks, part);
  if (s == CHI_OK) s = make_units(study, &list, part, plan);
cleanup:
  chi_free(part);
  chi_free(list.item);
  if (s != CHI_OK) chi_fit_plan_free(plan);
  return s;
}

void chi_fit_plan_free(chi_fit_plan *plan)
{
  chi_free(plan->what);
  chi_free(plan->unit);
  *plan = (chi_fit_plan){0};
}
