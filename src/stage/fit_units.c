#include "stage/fit_units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "chiasm/run.h"

chi_status chi_fit_rows(const chi_study *study, const chi_encode_options *encode, chi_rows **rows)
{
  CHI_TRY(chi_alloc(study->n_datasets, sizeof **rows, "folds", rows));
  for (int32_t i = 0; i < study->n_datasets; i++) {
    const chi_dataset *d = &study->datasets[i];
    const chi_status s = chi_rows_plain(encode, d->n_events, d->onset, d->session, &(*rows)[i]);
    char why[CHI_MESSAGE_MAX];
    snprintf(why, sizeof why, "%s", chi_message());
    if (s != CHI_OK) return chi_fail(s, "%s: %s", d->path, why);
  }
  return CHI_OK;
}

void chi_fit_rows_free(const chi_study *study, chi_rows **rows)
{
  for (int32_t i = 0; *rows != NULL && i < study->n_datasets; i++) chi_rows_free(&(*rows)[i]);
  chi_free(*rows);
  *rows = NULL;
}

/* ---- cutting ---- */

static int64_t n_blocks(const chi_fit_piece *piece)
{
  return (piece->what.end - piece->what.begin + piece->block - 1) / piece->block;
}

chi_stage_unit chi_fit_part(const chi_fit_piece *piece, int64_t j, int64_t n)
{
  chi_stage_unit part = piece->what;
  const int64_t blocks = n_blocks(piece);
  part.begin += blocks * j / n * piece->block;
  if (j + 1 < n) part.end = piece->what.begin + blocks * (j + 1) / n * piece->block;
  return part;
}

double chi_fit_cost(const chi_fit_piece *piece, const chi_stage_unit *part)
{
  return piece->shared + piece->electrode * (double)(part->end - part->begin);
}

/* Into how many parts a piece goes if none should cost more than `cap`. */
static int64_t parts_below(const chi_fit_piece *piece, double cap)
{
  const double total = chi_fit_cost(piece, &piece->what);
  if (total <= cap) return 1;
  const double own = total - piece->shared;
  double parts = fmin(ceil(total / cap), (double)n_blocks(piece));
  if (piece->shared > 0) parts = fmin(parts, floor(4 * own / piece->shared));
  return parts < 1 ? 1 : (int64_t)parts;
}

static int compare_costs(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x < y) - (x > y);
}

/* Add `cost` to the least loaded rank; `load` is a heap with the least on top. */
static void give(double *load, int64_t n, double cost)
{
  const double value = load[0] + cost;
  int64_t at = 0;
  for (int64_t child = 1; child < n; child = 2 * at + 1) {
    if (child + 1 < n && load[child + 1] < load[child]) child++;
    if (load[child] >= value) break;
    load[at] = load[child];
    at = child;
  }
  load[at] = value;
}

/* When the last of n_ranks ranks is done, if each takes the dearest unit that is left. */
static chi_status finish_time(const chi_fit_piece *pieces, int64_t n, const int64_t *part,
                              int32_t n_ranks, double *time)
{
  int64_t n_units = 0, at = 0;
  for (int64_t i = 0; i < n; i++) n_units += part[i];
  double *cost = NULL, *load = NULL;
  chi_status s = chi_alloc(n_units, sizeof *cost, "costs of units", &cost);
  if (s == CHI_OK) s = chi_alloc(n_ranks, sizeof *load, "loads of ranks", &load);
  if (s != CHI_OK) goto cleanup;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < part[i]; j++) {
      const chi_stage_unit unit = chi_fit_part(&pieces[i], j, part[i]);
      cost[at++] = chi_fit_cost(&pieces[i], &unit);
    }
  qsort(cost, (size_t)n_units, sizeof *cost, compare_costs);
  for (int64_t i = 0; i < n_units; i++) give(load, n_ranks, cost[i]);
  *time = 0;
  for (int32_t r = 0; r < n_ranks; r++) *time = fmax(*time, load[r]);
cleanup:
  chi_free(cost);
  chi_free(load);
  return s;
}

chi_status chi_fit_cut(const chi_fit_piece *pieces, int64_t n, int32_t n_ranks, int64_t *part)
{
  static const double shares[] = {1, 2, 4, 8}; /* the dearest part: a rank's work over this */
  double total = 0, best;
  for (int64_t i = 0; i < n; i++) {
    total += chi_fit_cost(&pieces[i], &pieces[i].what);
    part[i] = 1;
  }
  CHI_TRY(finish_time(pieces, n, part, n_ranks, &best));
  int64_t *trial;
  CHI_TRY(chi_alloc(n, sizeof *trial, "parts of units", &trial));
  chi_status s = CHI_OK;
  for (size_t k = 0; k < sizeof shares / sizeof shares[0]; k++) {
    double time;
    const double cap = total / (shares[k] * n_ranks);
    for (int64_t i = 0; i < n; i++) trial[i] = parts_below(&pieces[i], cap);
    if ((s = finish_time(pieces, n, trial, n_ranks, &time)) != CHI_OK) break;
    if (time >= 0.97 * best) continue; /* not worth reading features more than once */
    best = time;
    memcpy(part, trial, (size_t)n * sizeof *part);
  }
  chi_free(trial);
  return s;
}

/* ---- listing ---- */

typedef struct pieces {
  int64_t n, room;
  chi_fit_piece *item;
} pieces;

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* Whether any site of [from, to) is not written. */
static bool has_work(const uint8_t *done, int64_t from, int64_t to)
{
  if (done == NULL) return true;
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
        CHI_TRY(chi_grow(&list->item, &list->room, list->n + 1, sizeof piece, "list of units"));
        piece.what.begin = e;
        piece.what.end = stop;
        list->item[list->n++] = piece;
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
    const chi_layer layer = chi_layer_of(study, dataset, f);
    if (layer.n_features == 0) continue;
    const chi_encode_plan cost =
        chi_encode_make_plan(encode, d->n_events, layer.n_features, d->n_electrodes, a->n_times);
    const chi_fit_piece piece = {.what = {.layer = layer},
                                 .block = block,
                                 .shared = cost.flops_shared,
                                 .electrode = cost.flops_target * (double)a->n_times};
    const uint8_t *of_layer = done == NULL ? NULL : done + f * a->n_sites + d->first_site;
    CHI_TRY(add_layer(list, piece, d->n_electrodes, longest, of_layer));
  }
  return CHI_OK;
}

/* Turn pieces, piece i in part[i] parts, into units. */
static chi_status make_units(const chi_study *study, const pieces *cut, const int64_t *part,
                             chi_unit_list *list, int64_t *parts)
{
  int64_t n = 0;
  *parts = 0;
  for (int64_t i = 0; i < cut->n; i++) {
    n += part[i];
    if (part[i] > 1) *parts += part[i];
  }
  CHI_TRY(chi_unit_list_create(study, n, list));
  for (int64_t i = 0; i < cut->n; i++)
    for (int64_t j = 0; j < part[i]; j++) {
      const chi_fit_piece *piece = &cut->item[i];
      const chi_stage_unit what = chi_fit_part(piece, j, part[i]);
      const int64_t n_times = study->alignments[what.layer.alignment].n_times;
      chi_unit_list_add(list, &what, chi_fit_cost(piece, &what), (what.end - what.begin) * n_times);
    }
  return CHI_OK;
}

chi_status chi_fit_units(const chi_study *study, const chi_encode_options *encode,
                         const chi_fit_shares *shares, const uint8_t *const *done,
                         chi_unit_list *list, int64_t *parts)
{
  pieces all = {0};
  int64_t *part = NULL;
  chi_status s = CHI_OK;
  *list = (chi_unit_list){0};
  for (int32_t d = 0; d < study->n_datasets && s == CHI_OK; d++)
    s = add_dataset(&all, study, encode, shares->electrode_block,
                    done == NULL ? NULL : done[study->datasets[d].alignment], d);
  if (s == CHI_OK) s = chi_alloc(all.n, sizeof *part, "parts of units", &part);
  for (int64_t i = 0; i < all.n && s == CHI_OK; i++) part[i] = 1;
  if (s == CHI_OK && shares->electrode_block == 0 && shares->n_ranks > 1)
    s = chi_fit_cut(all.item, all.n, shares->n_ranks, part);
  if (s == CHI_OK) s = make_units(study, &all, part, list, parts);
  chi_free(part);
  chi_free(all.item);
  return s;
}
