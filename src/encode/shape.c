/* Which route a fit takes, what it costs and how much memory it needs. */
#include <float.h>
#include <math.h>

#include "encode/internal.h"
#include "encode/shape.h"
#include "linalg/band.h"

/* Wide enough that the product runs at full speed, and the few targets that share an alpha still
 * make a product worth packing for; narrow enough that predictions stay in cache until they are
 * scored. */
#define BLOCK_TARGETS 1024

int64_t chi_block_electrodes(int64_t n_times)
{
  const int64_t electrodes = (BLOCK_TARGETS + n_times / 2) / n_times;
  return electrodes < 1 ? 1 : electrodes;
}

chi_sizes chi_sizes_of(const chi_shape *s)
{
  return (chi_sizes){
      (double)s->n_rows, (double)s->max_train, (double)s->max_held_out,      (double)s->n_features,
      s->n_folds,        s->n_alphas,          s->real == CHI_REAL64 ? 2 : 1};
}

double chi_dual_shared(const chi_sizes *s)
{
  const double gram = s->m * s->m * s->p + 2 * s->h * s->m * s->p;
  const double factor = s->m * s->m * s->m / 3, hat = 2 * s->m * s->m * s->h;
  return 2 * s->k * (gram + s->a * (factor + hat));
}

double chi_primal_shared(const chi_sizes *s)
{
  const double p = s->p, gram = 3 * s->n * p * p, factor = p * p * p / 3, hat = 2 * p * p * s->h;
  return 2 * (gram + s->k * (p * p * p + s->a * (factor + hat)));
}

double chi_svd_shared(const chi_sizes *s)
{
  const double m = s->m, p = s->p, r = m < p ? m : p;
  return 2 * s->k * (14 * m * p * r + 8 * r * r * r);
}

static chi_cost dual_cost(const chi_sizes *s)
{
  return (chi_cost){chi_dual_shared(s), s->k * (s->a + 1) * s->h * s->m};
}

static chi_cost primal_cost(const chi_sizes *s)
{
  const double p = s->p;
  return (chi_cost){chi_primal_shared(s),
                    2 * 2 * s->n * p + s->weight * s->k * (s->a + 1) * s->h * p};
}

/* The reduction to a band runs at two thirds of a product's speed, and so do the bands. */
static chi_cost banded_cost(const chi_sizes *s, double order, double gram, double sums)
{
  const double reduce = 2 * order * order * order + 2 * order * order * s->h;
  return (chi_cost){2 * (gram + s->k * (reduce + s->a * 9 * CHI_BAND * order * s->h)),
                    2 * (sums + s->k * 2 * order * order) + s->k * (s->a + 1) * s->h * order};
}

static chi_cost banded_dual_cost(const chi_sizes *s)
{
  return banded_cost(s, s->m, s->k * (s->m * s->m * s->p + 2 * s->h * s->m * s->p), 0);
}

static chi_cost banded_primal_cost(const chi_sizes *s)
{
  return banded_cost(s, s->p, s->n * s->p * s->p, 2 * s->n * s->p);
}

static chi_cost svd_cost(const chi_sizes *s)
{
  const double r = s->m < s->p ? s->m : s->p;
  return (chi_cost){chi_svd_shared(s) + 2 * s->k * s->a * 2 * s->h * r * s->m,
                    s->weight * s->k * (s->a + 1) * s->h * s->m};
}

bool chi_wants_svd(const chi_shape *s, double least_alpha)
{
  const double rounding = DBL_EPSILON / 2 * (double)s->max_train * (double)s->n_features;
  return s->exact || rounding > 1e-6 * least_alpha;
}

static chi_cost choose_route(chi_shape *s, double least_alpha)
{
  const bool exact = chi_wants_svd(s, least_alpha), primal = s->n_classes > 0;
  const chi_sizes of = chi_sizes_of(s);
  const struct {
    chi_route route;
    bool banded, allowed;
    chi_cost cost;
  } ways[] = {{CHI_ROUTE_SVD, false, exact, svd_cost(&of)},
              {CHI_ROUTE_DUAL, false, !exact, dual_cost(&of)},
              {CHI_ROUTE_DUAL, true, !exact && !s->wide, banded_dual_cost(&of)},
              {CHI_ROUTE_PRIMAL, false, primal, primal_cost(&of)},
              {CHI_ROUTE_PRIMAL, true, !exact && !s->wide && primal, banded_primal_cost(&of)}};
  chi_cost best = {INFINITY, 0};
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

static chi_cost shape_route(const chi_encode_options *options, chi_shape *s)
{
  const chi_cost best = choose_route(s, options->alphas[0]);
  s->basis = s->route == CHI_ROUTE_PRIMAL ? s->n_features : s->max_train;
  if (s->banded) s->basis = chi_band_order(s->basis);
  s->kept = s->route == CHI_ROUTE_PRIMAL;
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
static chi_cost with_events(const chi_encode_options *options, int64_t n_events, chi_shape *s)
{
  s->n_rows = n_events;
  s->max_held_out = (n_events + s->n_folds - 1) / s->n_folds;
  s->max_train = n_events - n_events / s->n_folds;
  s->max_half = (s->max_held_out + 1) / 2;
  s->n_classes = options->gap > 0 ? 3 * s->n_folds : s->n_folds;
  s->max_class = s->max_held_out;
  return shape_route(options, s);
}

chi_shape chi_shape_planned(const chi_encode_options *options, int64_t n_events, int64_t n_features,
                            int64_t n_electrodes, int64_t n_times, bool wide)
{
  chi_shape s = wide ? shape_wide(options, n_features, n_times)
                     : shape_common(options, n_features, n_electrodes, n_times);
  with_events(options, n_events, &s);
  s.banded = false;
  return s;
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
  const chi_cost c = with_events(options, n_events, &s);
  with_events(options, n_events, &wide);
  return (chi_encode_plan){.dual = s.route != CHI_ROUTE_PRIMAL,
                           .banded = s.banded,
                           .svd = s.route == CHI_ROUTE_SVD,
                           .flops_shared = c.shared,
                           .flops_target = c.target,
                           .bytes = work_bytes(&s, s.n_targets),
                           .bytes_wide = work_bytes(&wide, s.n_targets)};
}
