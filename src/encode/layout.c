/* The memory of a fit: where its arrays stand. */
#include "encode/internal.h"
#include "linalg/band.h"
#include "linalg/dense.h"

void *chi_arena_take(chi_arena *arena, int64_t count, int64_t size)
{
  void *p = arena->base == NULL ? NULL : arena->base + arena->used;
  arena->used += (count * size + 63) / 64 * 64;
  return p;
}

#define TAKE(pointer, count) ((pointer) = chi_arena_take(arena, (count), sizeof *(pointer)))

static int64_t held_out_apart(const chi_shape *s) { return chi_apart(s->max_held_out + 2); }

static void layout_threads(chi_fit_work *work, chi_arena *arena)
{
  const chi_shape *s = &work->shape;
  const int64_t real = s->real, k = s->basis, block = s->block_targets, p = s->n_features;
  const bool primal = s->route == CHI_ROUTE_PRIMAL;
  TAKE(work->thread, s->threads);
  for (int32_t i = 0; i < s->threads; i++) {
    chi_thread_work t = {0};
    t.gather = chi_arena_take(arena, k * block, real);
    t.gather_y = chi_arena_take(arena, s->max_half * block, real);
    t.prediction = chi_arena_take(arena, (s->max_half + 1) * block, real);
    TAKE(t.r, block);
    TAKE(t.spread, block);
    TAKE(t.mean, block);
    TAKE(t.norm, block);
    TAKE(t.picked, block);
    if (s->banded) {
      TAKE(t.solve, k * held_out_apart(s));
      TAKE(t.factor, k * (CHI_BAND + 1));
      TAKE(t.fold_sum, k * chi_apart(block));
      TAKE(t.rotate, 2 * CHI_BAND * (block > CHI_ROTATED ? block : CHI_ROTATED));
    } else {
      TAKE(t.solve, (primal ? s->max_held_out : s->max_half) * k);
      if (primal) TAKE(t.fold_sum, p * block);
      if (primal || (s->route == CHI_ROUTE_DUAL && i > 0)) TAKE(t.factor, k * k);
    }
    if (s->route == CHI_ROUTE_SVD) TAKE(t.shrunk, s->max_half * (k < p ? k : p));
    if (primal) {
      TAKE(t.sums, s->n_classes * p * block);
      TAKE(t.class_mean, s->n_classes * block);
      TAKE(t.offset, s->n_classes * p);
      TAKE(t.fold_mean, p);
      TAKE(t.responses, s->max_class * block);
    }
    if (primal || s->factored) t.basis = chi_arena_take(arena, s->n_folds * k * block, real);
    if (work->thread != NULL) work->thread[i] = t;
  }
}

static void layout_primal(const chi_shape *s, chi_arena *arena, chi_primal *w)
{
  const int64_t p = s->n_features;
  TAKE(w->class_row, s->n_rows);
  TAKE(w->class_scale, s->n_rows);
  TAKE(w->x, s->n_rows * p);
  TAKE(w->mean, s->n_classes * p);
  TAKE(w->squares, s->n_classes * p);
  TAKE(w->low, s->n_classes * p);
  TAKE(w->high, s->n_classes * p);
  TAKE(w->scale, p);
  TAKE(w->variance, s->n_folds * p);
  for (int32_t f = 0; f < s->n_folds; f++) TAKE(w->gram[f], p * p);
  TAKE(w->scatter, p * p);
  TAKE(w->z, s->max_held_out * p);
  if (s->banded) return;
  TAKE(w->whiten, p * p);
  TAKE(w->unwhiten, p * p);
  TAKE(w->diagonal, p);
  TAKE(w->penalty, p * p);
}

static void layout_banded(const chi_fit_work *work, chi_arena *arena, chi_banded *w)
{
  const chi_shape *s = &work->shape;
  const int64_t k = s->basis;
  w->ld = held_out_apart(s);
  for (int32_t f = 0; f < s->n_folds; f++) {
    chi_band_form *form = &w->form[f];
    *form = w->form[0];
    if (f > 0 && s->route == CHI_ROUTE_DUAL) continue;
    TAKE(form->reflectors, k * k);
    TAKE(form->triangles, k * CHI_BAND);
    TAKE(form->first, k * (CHI_BAND + 1));
  }
  TAKE(w->band, k * (CHI_BAND + 1));
  TAKE(w->work, 3 * k * CHI_BAND);
  TAKE(w->held_out, k * w->ld);
  if (s->route == CHI_ROUTE_DUAL) TAKE(w->basis, s->n_folds * k * work->n_targets);
}

static void layout_svd(const chi_shape *s, chi_arena *arena, chi_svd *w)
{
  const int64_t m = s->max_train, p = s->n_features, rank = m < p ? m : p;
  TAKE(w->z, (m + s->max_held_out) * p);
  TAKE(w->u, m * rank);
  TAKE(w->s, rank);
  TAKE(w->vt, rank * p);
  TAKE(w->project, s->max_held_out * rank);
  TAKE(w->work, chi_dsvd_work(m, p));
}

void chi_work_layout(chi_fit_work *work, chi_arena *arena)
{
  const chi_shape *s = &work->shape;
  const int64_t operator_size = (s->max_half + 1) * s->basis * s->real;
  const int64_t kept = s->kept ? s->n_folds * s->n_alphas : s->wave;
  TAKE(work->folds[0].train_event, s->n_folds * s->n_rows);
  TAKE(work->folds[0].train_weight, s->n_folds * s->n_rows);
  TAKE(work->folds[0].train_scale, s->n_folds * s->n_rows);
  work->b_validation = chi_arena_take(arena, kept, operator_size);
  work->b_test = chi_arena_take(arena, s->n_folds * s->n_alphas, operator_size);
  TAKE(work->validation, s->n_alphas * work->n_targets);
  TAKE(work->test, work->n_targets);
  TAKE(work->choice, work->n_targets);
  TAKE(work->mean, s->n_folds * 2 * work->n_targets);
  TAKE(work->norm, s->n_folds * 2 * work->n_targets);
  if (s->route == CHI_ROUTE_PRIMAL)
    layout_primal(s, arena, &work->primal);
  else if (s->route == CHI_ROUTE_SVD)
    layout_svd(s, arena, &work->svd);
  else {
    chi_dual *dual = &work->dual;
    TAKE(dual->panel, (s->max_train + s->max_held_out) *
                          (s->n_features < CHI_PANEL ? s->n_features : CHI_PANEL));
    TAKE(dual->gram, (s->max_train + s->max_held_out) * s->max_train);
    TAKE(dual->diagonal, s->max_train);
  }
  if (s->banded) layout_banded(work, arena, &work->banded);
  layout_threads(work, arena);
}
