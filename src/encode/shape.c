/* Which route a fit takes, what it costs and how much memory it needs. */
#include <float.h>
#include <math.h>

#include "encode/internal.h"
#include "linalg/band.h"
#include "linalg/dense.h"

/* Wide enough that the product runs at full speed, and the few targets that share an alpha still
 * make a product worth packing for; narrow enough that predictions stay in cache until they are
 * scored. */
#define BLOCK_TARGETS 1024

int64_t chi_block_electrodes(int64_t n_times)
{
  const int64_t electrodes = (BLOCK_TARGETS + n_times / 2) / n_times;
  return electrodes < 1 ? 1 : electrodes;
}

/* Flops by route, a float64 flop counted twice since it takes twice as long. */
typedef struct cost {
  double shared, target;
} cost;

/* The shape's sizes: rows, training and held-out ones, features, folds, alphas; and what a flop of
 * the product counts. */
typedef struct sizes {
  double n, m, h, p, k, a, weight;
} sizes;

static cost dual_cost(const sizes *s)
{
  const double gram = s->m * s->m * s->p + 2 * s->h * s->m * s->p;
  const double factor = s->m * s->m * s->m / 3, hat = 2 * s->m * s->m * s->h;
  return (cost){2 * s->k * (gram + s->a * (factor + hat)), s->k * (s->a + 1) * s->h * s->m};
}

static cost primal_cost(const sizes *s)
{
  const double p = s->p, gram = 3 * s->n * p * p, factor = p * p * p / 3, hat = 2 * p * p * s->h;
  return (cost){2 * (gram + s->k * (p * p * p + s->a * (factor + hat))),
                2 * 2 * s->n * p + s->weight * s->k * (s->a + 1) * s->h * p};
}

/* The reduction to a band runs at two thirds of a product's speed, and so do the bands. */
static cost banded_cost(const sizes *s, double order, double gram, double sums)
{
  const double reduce = 2 * order * order * order + 2 * order * order * s->h;
  return (cost){2 * (gram + s->k * (reduce + s->a * 9 * CHI_BAND * order * s->h)),
                2 * (sums + s->k * 2 * order * order) + s->k * (s->a + 1) * s->h * order};
}

static cost banded_dual_cost(const sizes *s)
{
  return banded_cost(s, s->m, s->k * (s->m * s->m * s->p + 2 * s->h * s->m * s->p), 0);
}

static cost banded_primal_cost(const sizes *s)
{
  return banded_cost(s, s->p, s->n * s->p * s->p, 2 * s->n * s->p);
}

static cost svd_cost(const sizes *s)
{
  const double m = s->m, p = s->p, r = m < p ? m : p;
  return (cost){2 * s->k * (14 * m * p * r + 8 * r * r * r + s->a * 2 * s->h * r * m),
                s->weight * s->k * (s->a + 1) * s->h * m};
}

/* Rounding in a float64 Gram matrix is about eps times its trace, at most n p; beside alpha it must
 * vanish. `double` promises more than that can give. Then the features are decomposed instead; the
 * primal whitens them first and needs no such care, unless it is banded. */
static cost choose_route(chi_shape *s, double least_alpha)
{
  const double rounding = DBL_EPSILON / 2 * (double)s->max_train * (double)s->n_features;
  const bool exact = s->exact || rounding > 1e-6 * least_alpha;
  const bool primal = s->n_classes > 0;
  const sizes of = {
      (double)s->n_rows, (double)s->max_train, (double)s->max_held_out,      (double)s->n_features,
      s->n_folds,        s->n_alphas,          s->real == CHI_REAL64 ? 2 : 1};
  const struct {
    chi_route route;
    bool banded, allowed;
    cost cost;
  } ways[] = {{CHI_ROUTE_SVD, false, exact, svd_cost(&of)},
              {CHI_ROUTE_DUAL, false, !exact, dual_cost(&of)},
              {CHI_ROUTE_DUAL, true, !exact && !s->wide, banded_dual_cost(&of)},
              {CHI_ROUTE_PRIMAL, false, primal, primal_cost(&of)},
              {CHI_ROUTE_PRIMAL, true, !exact && !s->wide && primal, banded_primal_cost(&of)}};
  cost best = {INFINITY, 0};
  double least = INFINITY;
  for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
    const double total = ways[i].cost.shared + ways[i].cost.target * (double)s->n_targets;
    if (!ways[i].allowed || total >= least) continue;
    least = total;
    best = ways[i].cost;
    s->route = ways[i].route;
    s->banded = ways[i].banded;
  }
  return best;
}

static chi_shape shape_common(const chi_encode_options *options, int64_t n_features,
                              int64_t n_electrodes, int64_t n_times)
{
  const int64_t block = chi_block_electrodes(n_times);
  return (chi_shape){.n_features = n_features,
                     .n_targets = n_electrodes * n_times,
                     .block_targets = (block < n_electrodes ? block : n_electrodes) * n_times,
                     .n_folds = options->folds,
                     .n_alphas = options->n_alphas,
                     .threads = options->threads < 1 ? 1 : options->threads,
                     .real = options->precision,
                     .exact = options->precision == CHI_REAL64};
}

/* One electrode is a block, and decides the route. Banded operators are float32. */
static chi_shape shape_wide(const chi_encode_options *options, int64_t n_features, int64_t n_times)
{
  chi_shape s = shape_common(options, n_features, 1, n_times);
  s.real = CHI_REAL64;
  s.wide = true;
  return s;
}

static cost shape_route(const chi_encode_options *options, chi_shape *s)
{
  const cost best = choose_route(s, options->alphas[0]);
  s->basis = s->route == CHI_ROUTE_PRIMAL ? s->n_features : s->max_train;
  if (s->banded) s->basis = chi_band_order(s->basis);
  s->wave = s->threads < s->n_alphas && !s->banded ? s->threads : s->n_alphas;
  return best;
}

static chi_shape with_rows(const chi_encode_options *options, const chi_rows *rows, chi_shape s)
{
  s.n_rows = rows->n;
  chi_class class[CHI_MAX_CLASSES];
  s.n_classes = chi_rows_classes(rows, class);
  for (int64_t c = 0; c < s.n_classes; c++)
    if (class[c].end - class[c].first > s.max_class) s.max_class = class[c].end - class[c].first;
  int64_t at = 0;
  for (int32_t f = 0; f < s.n_folds; f++) {
    int64_t n_train = 0, half[2] = {0, 0};
    for (; at < rows->n && rows->fold[at] == f; at++) half[rows->is_test[at]]++;
    for (int64_t i = 0; i < rows->n; i++) n_train += rows->train[i] >> f & 1;
    if (n_train > s.max_train) s.max_train = n_train;
    if (half[0] > s.max_half) s.max_half = half[0];
    if (half[1] > s.max_half) s.max_half = half[1];
    if (half[0] + half[1] > s.max_held_out) s.max_held_out = half[0] + half[1];
  }
  shape_route(options, &s);
  return s;
}

chi_shape chi_shape_of(const chi_encode_options *options, const chi_rows *rows, int64_t n_features,
                       int64_t n_electrodes, int64_t n_times)
{
  return with_rows(options, rows, shape_common(options, n_features, n_electrodes, n_times));
}

chi_shape chi_shape_of_wide(const chi_encode_options *options, const chi_rows *rows,
                            int64_t n_features, int64_t n_times)
{
  return with_rows(options, rows, shape_wide(options, n_features, n_times));
}

/* As with_rows, before there are any. */
static cost with_events(const chi_encode_options *options, int64_t n_events, chi_shape *s)
{
  s->n_rows = n_events;
  s->max_held_out = (n_events + s->n_folds - 1) / s->n_folds;
  s->max_train = n_events - n_events / s->n_folds;
  s->max_half = (s->max_held_out + 1) / 2;
  s->n_classes = options->gap > 0 ? 3 * s->n_folds : s->n_folds;
  s->max_class = s->max_held_out;
  return shape_route(options, s);
}

static int64_t work_bytes(const chi_shape *s, int64_t n_targets)
{
  chi_fit_work work = {.shape = *s, .n_targets = n_targets};
  chi_arena count = {NULL, 0};
  chi_work_layout(&work, &count);
  return count.used;
}

chi_encode_plan chi_encode_make_plan(const chi_encode_options *options, int64_t n_events,
                                     int64_t n_features, int64_t n_electrodes, int64_t n_times)
{
  chi_shape s = shape_common(options, n_features, n_electrodes, n_times);
  chi_shape wide = shape_wide(options, n_features, n_times);
  const cost c = with_events(options, n_events, &s);
  with_events(options, n_events, &wide);
  return (chi_encode_plan){.dual = s.route != CHI_ROUTE_PRIMAL,
                           .banded = s.banded,
                           .svd = s.route == CHI_ROUTE_SVD,
                           .flops_shared = c.shared,
                           .flops_target = c.target,
                           .bytes = work_bytes(&s, s.n_targets),
                           .bytes_wide = work_bytes(&wide, s.n_targets)};
}

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
      t.basis = chi_arena_take(arena, s->n_folds * k * block, real);
    }
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
  const int64_t kept = s->route == CHI_ROUTE_PRIMAL ? s->n_folds * s->n_alphas : s->wave;
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
