/* Which route an influence pass takes, what it costs and how much memory it needs. */
#include "encode/influence_internal.h"
#include "encode/shape.h"

#define TAKE(pointer, count) ((pointer) = chi_arena_take(arena, (count), sizeof *(pointer)))

/* dual: for every target two products with the operators. primal: these, the fit's sweep, and one
 * of all rows for each half. factored: three with U (four for residuals of the fit), and two with
 * operators no wider than the rank. */
static chi_cost dual_cost(const chi_sizes *s)
{
  return (chi_cost){chi_dual_shared(s), s->weight * s->k * 4 * s->h * s->m};
}

static chi_cost primal_cost(const chi_sizes *s)
{
  return (chi_cost){chi_primal_shared(s),
                    2 * 2 * s->n * s->p + s->weight * (4 * s->k * s->h + 4 * s->n) * s->p};
}

static chi_cost factored_cost(const chi_sizes *s, bool fitted)
{
  const double r = s->m < s->p ? s->m : s->p;
  return (chi_cost){chi_svd_shared(s), s->weight * s->k * r * ((fitted ? 8 : 6) * s->m + 4 * s->h)};
}

static chi_cost choose_route(chi_residual residual, double least_alpha, chi_shape *s)
{
  const bool fitted = residual != CHI_RESIDUAL_HELD_OUT;
  const bool svd = fitted || chi_wants_svd(s, least_alpha);
  const chi_sizes of = chi_sizes_of(s);
  const struct {
    chi_route route;
    bool allowed;
    chi_cost cost;
  } ways[] = {{CHI_ROUTE_SVD, true, factored_cost(&of, fitted)},
              {CHI_ROUTE_DUAL, !svd, dual_cost(&of)},
              {CHI_ROUTE_PRIMAL, !fitted && !s->exact && s->n_classes > 0, primal_cost(&of)}};
  chi_cost best = ways[0].cost;
  s->route = CHI_ROUTE_SVD;
  for (size_t i = 1; i < sizeof ways / sizeof ways[0]; i++) {
    const chi_cost c = ways[i].cost;
    const double n = (double)s->n_targets;
    if (!ways[i].allowed || c.shared + c.target * n >= best.shared + best.target * n) continue;
    best = c;
    s->route = ways[i].route;
  }
  s->factored = s->route == CHI_ROUTE_SVD;
  const bool narrow = s->factored && s->n_features < s->max_train;
  s->basis = s->route == CHI_ROUTE_PRIMAL || narrow ? s->n_features : s->max_train;
  s->kept = true;
  return best;
}

chi_shape chi_influence_shape(const chi_encode_options *options, chi_residual residual,
                              const chi_rows *rows, int64_t n_features, int64_t n_electrodes,
                              int64_t n_times, bool wide)
{
  chi_shape s = wide ? chi_shape_of_wide(options, rows, n_features, n_times)
                     : chi_shape_of(options, rows, n_features, n_electrodes, n_times);
  s.banded = false;
  choose_route(residual, options->alphas[0], &s);
  return s;
}

static void layout_threads(chi_influence_work *w, chi_arena *arena)
{
  const chi_shape *s = &w->fit.shape;
  const int64_t real = s->real, block = s->block_targets;
  TAKE(w->thread, s->threads);
  for (int32_t i = 0; i < s->threads; i++) {
    chi_influence_thread t = {0};
    t.residual = chi_arena_take(arena, s->n_rows * block, real);
    t.gradient = chi_arena_take(arena, s->n_rows * block, real);
    t.pulled = chi_arena_take(arena, s->basis * block, real);
    if (s->factored) t.by_row = chi_arena_take(arena, s->max_train * block, real);
    for (int half = 0; half < 2; half++) TAKE(t.sum[half], w->what->n_blocks * block);
    TAKE(t.line, 5 * block);
    if (w->thread != NULL) w->thread[i] = t;
  }
}

void chi_influence_layout(chi_influence_work *w, chi_arena *arena)
{
  const chi_shape *s = &w->fit.shape;
  chi_work_layout(&w->fit, arena);
  TAKE(w->train_mean, s->n_folds * w->fit.n_targets);
  if (s->factored) w->left = chi_arena_take(arena, s->n_folds * s->max_train * s->basis, s->real);
  if (chi_is_fitted(w)) {
    TAKE(w->filter, s->n_folds * s->n_alphas * s->basis);
    TAKE(w->leverage, s->n_folds * s->n_alphas * s->max_train);
  }
  layout_threads(w, arena);
}

static int64_t work_bytes(const chi_shape *s, chi_residual residual, int32_t n_blocks,
                          int64_t n_targets)
{
  const chi_influence what = {.n_blocks = n_blocks};
  chi_influence_work w = {
      .fit = {.shape = *s, .n_targets = n_targets}, .residual = residual, .what = &what};
  chi_arena count = {NULL, 0};
  chi_influence_layout(&w, &count);
  return count.used;
}

chi_encode_plan chi_influence_make_plan(const chi_encode_options *options, chi_residual residual,
                                        int64_t n_events, int32_t n_blocks, int64_t n_features,
                                        int64_t n_electrodes, int64_t n_times)
{
  chi_shape s = chi_shape_planned(options, n_events, n_features, n_electrodes, n_times, false);
  chi_shape wide = chi_shape_planned(options, n_events, n_features, n_electrodes, n_times, true);
  const chi_cost c = choose_route(residual, options->alphas[0], &s);
  choose_route(residual, options->alphas[0], &wide);
  return (chi_encode_plan){.dual = s.route == CHI_ROUTE_DUAL,
                           .svd = s.factored,
                           .flops_shared = c.shared,
                           .flops_target = c.target,
                           .bytes = work_bytes(&s, residual, n_blocks, s.n_targets),
                           .bytes_wide = work_bytes(&wide, residual, n_blocks, s.n_targets)};
}
