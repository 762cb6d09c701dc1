/* One fit from end to end. */
#include "chiasm/encode.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "encode/internal.h"
#include "linalg/kernel.h"

chi_status chi_encoder_create(const chi_encode_options *options, chi_encoder **out)
{
  chi_encoder *e;
  *out = NULL;
  CHI_TRY(chi_blas_check(options->threads < 1 ? 1 : options->threads));
  CHI_TRY(chi_alloc(1, sizeof *e, "encoder", &e));
  e->options = *options;
  const chi_status s = chi_alloc(options->n_alphas, sizeof *e->alphas, "alphas", &e->alphas);
  if (s != CHI_OK) {
    chi_encoder_destroy(&e);
    return s;
  }
  memcpy(e->alphas, options->alphas, (size_t)options->n_alphas * sizeof *e->alphas);
  e->options.alphas = e->alphas;
  if (e->options.threads < 1) e->options.threads = 1;
  *out = e;
  return CHI_OK;
}

void chi_encoder_destroy(chi_encoder **encoder)
{
  if (*encoder == NULL) return;
  chi_free((*encoder)->alphas);
  chi_free((*encoder)->memory);
  chi_free(*encoder);
  *encoder = NULL;
}

chi_status chi_encoder_reserve(chi_encoder *encoder, int64_t bytes)
{
  if (bytes <= encoder->bytes) return CHI_OK;
  chi_free(encoder->memory);
  encoder->bytes = 0;
  CHI_TRY(chi_alloc(bytes, 1, "work space of a fit", &encoder->memory));
  encoder->bytes = bytes;
  return CHI_OK;
}

int64_t chi_block_count(const chi_fit_work *work)
{
  return (work->n_targets + work->shape.block_targets - 1) / work->shape.block_targets;
}

chi_block chi_block_at(const chi_fit_work *work, int64_t b)
{
  const int64_t most = work->shape.block_targets, left = work->n_targets - b * most;
  return (chi_block){work->target0 + b * most, left < most ? left : most, chi_thread(work)};
}

/* The alpha of every target of a block: the smallest whose mean validation r is nearly the best. */
static void choose(chi_fit_work *work, chi_block block)
{
  const double tolerance = work->shape.exact ? 1e-9 : 1e-6;
  const double folds = work->n_counted[0];
  const int64_t first = block.t0 - work->target0;
  for (int64_t j = first; j < first + block.n; j++) {
    double best = -INFINITY;
    int32_t choice = -1;
    for (int32_t a = 0; a < work->shape.n_alphas; a++)
      best = fmax(best, work->validation[a * work->n_targets + j] / folds);
    for (int32_t a = work->shape.n_alphas - 1; a >= 0; a--)
      if (work->validation[a * work->n_targets + j] / folds >= best - tolerance) choice = a;
    work->choice[j] = choice;
  }
}

/* What a route does for each fold, and then for each alpha, by one thread. */
typedef struct way {
  chi_status (*begin)(chi_fit_work *work, int32_t fold);
  chi_status (*operator)(chi_fit_work *work, int32_t fold, int32_t alpha, chi_thread_work *t);
} way;
static const way ways[][2] = {
    /* by route; plain, banded */
    [CHI_ROUTE_DUAL] = {{chi_dual_begin, chi_dual_operator}, {chi_dual_begin, chi_banded_operator}},
    [CHI_ROUTE_SVD] = {{chi_svd_begin, chi_svd_operator}},
    [CHI_ROUTE_PRIMAL] = {{chi_primal_begin, chi_primal_operator},
                          {chi_primal_begin, chi_banded_operator}}};

static const way *way_of(const chi_shape *s) { return &ways[s->route][s->banded]; }

chi_status chi_fold_begin(chi_fit_work *work, int32_t f)
{
  return way_of(&work->shape)->begin(work, f);
}

chi_status chi_fold_operators(chi_fit_work *work, int32_t f, int32_t a0, int32_t a1)
{
  const way *route = way_of(&work->shape);
  chi_status worst = CHI_OK;
#pragma omp parallel for schedule(dynamic) num_threads(work->shape.threads)
  for (int32_t a = a0; a < a1; a++) {
    const chi_status s = route->operator(work, f, a, chi_thread(work));
#pragma omp critical(chi_encode_status)
    if (s > worst) worst = s;
  }
  if (worst == CHI_OK) return CHI_OK;
  return chi_fail(worst, "the Gram matrix of fold %d plus alpha is not positive definite",
                  (int)f + 1);
}

/* Dual and svd: the operators of a fold are large, so folds come first, then blocks of targets. */
static chi_status validate_fold(chi_fit_work *work, int32_t f)
{
  const chi_shape *s = &work->shape;
  const int64_t blocks = chi_block_count(work);
  CHI_TRY(chi_fold_begin(work, f));
  if (s->banded)
#pragma omp parallel for schedule(dynamic) num_threads(s->threads)
    for (int64_t b = 0; b < blocks; b++) chi_dual_basis(work, f, chi_block_at(work, b));
  for (int32_t a0 = 0; a0 < s->n_alphas; a0 += s->wave) {
    const int32_t a1 = a0 + s->wave < s->n_alphas ? a0 + s->wave : s->n_alphas;
    CHI_TRY(chi_fold_operators(work, f, a0, a1));
#pragma omp parallel for schedule(dynamic) num_threads(s->threads)
    for (int64_t b = 0; b < blocks; b++)
      for (int32_t a = a0; a < a1; a++) chi_validate_block(work, f, a, chi_block_at(work, b));
  }
  return CHI_OK;
}

static chi_status fit_by_fold(chi_fit_work *work)
{
  const int64_t blocks = chi_block_count(work);
#pragma omp parallel for schedule(dynamic) num_threads(work->shape.threads)
  for (int64_t b = 0; b < blocks; b++) chi_target_statistics(work, chi_block_at(work, b));
  for (int32_t f = 0; f < work->shape.n_folds; f++) CHI_TRY(validate_fold(work, f));
#pragma omp parallel for schedule(dynamic) num_threads(work->shape.threads)
  for (int64_t b = 0; b < blocks; b++) {
    choose(work, chi_block_at(work, b));
    for (int32_t f = 0; f < work->shape.n_folds; f++)
      chi_test_block(work, f, chi_block_at(work, b));
  }
  return CHI_OK;
}

/* Primal: the sweep over the responses serves all folds, so blocks of targets come first. */
static void fit_block(chi_fit_work *work, chi_block block)
{
  const chi_shape *s = &work->shape;
  chi_target_statistics(work, block);
  chi_primal_basis(work, block);
  for (int32_t f = 0; f < s->n_folds; f++)
    for (int32_t a = 0; a < s->n_alphas; a++) chi_validate_block(work, f, a, block);
  choose(work, block);
  for (int32_t f = 0; f < s->n_folds; f++) chi_test_block(work, f, block);
}

static chi_status fit_by_block(chi_fit_work *work)
{
  const int64_t blocks = chi_block_count(work);
  CHI_TRY(chi_primal_prepare(work));
  for (int32_t f = 0; f < work->shape.n_folds; f++) {
    CHI_TRY(chi_fold_begin(work, f));
    CHI_TRY(chi_fold_operators(work, f, 0, work->shape.n_alphas));
  }
  chi_primal_narrow(work);
#pragma omp parallel for schedule(dynamic) num_threads(work->shape.threads)
  for (int64_t b = 0; b < blocks; b++) fit_block(work, chi_block_at(work, b));
  return CHI_OK;
}

/* \param[in] all  the responses of all electrodes, where the work's are the wide ones */
static void store(const chi_fit_work *work, const chi_responses *all, const chi_encode_part *part)
{
  const double validated = work->n_counted[0], tested = work->n_counted[1];
  const int64_t times = all->n_times, first = part->electrode0 * times;
  for (int64_t j = 0; j < work->n_targets; j++) {
    const int32_t a = work->choice[j];
    const int64_t target = work->target0 + j;
    const int64_t of =
        work->shape.wide ? all->wide[target / times] * times + target % times : target;
    const bool missing = a < 0 || all->missing[of] != 0;
    part->val_r[of - first] =
        missing ? NAN : (float)(work->validation[a * work->n_targets + j] / validated);
    part->test_r[of - first] = missing ? NAN : (float)(work->test[j] / tested);
    part->alpha[of - first] = missing ? NAN : (float)work->alphas[a];
  }
}

void chi_work_folds(chi_fit_work *work)
{
  chi_rows_folds(work->rows, work->shape.n_folds, work->folds);
  for (int32_t f = 0; f < work->shape.n_folds; f++)
    for (int half = 0; half < 2; half++) work->n_counted[half] += work->folds[f].counts[half];
}

/* Lay the work space out in the encoder's memory, which grows to the largest fit and stays. */
static chi_status begin(chi_encoder *encoder, chi_fit_work *work)
{
  chi_arena arena = {NULL, 0};
  chi_work_layout(work, &arena);
  CHI_TRY(chi_encoder_reserve(encoder, arena.used));
  arena = (chi_arena){encoder->memory, 0};
  chi_work_layout(work, &arena);
  chi_work_folds(work);
  memset(work->validation, 0,
         (size_t)(work->shape.n_alphas * work->n_targets) * sizeof *work->validation);
  memset(work->test, 0, (size_t)work->n_targets * sizeof *work->test);
  return CHI_OK;
}

static chi_status run(chi_encoder *encoder, chi_fit_work *work, chi_stages *stages)
{
  CHI_TRY(begin(encoder, work));
  CHI_TRY(work->shape.route == CHI_ROUTE_PRIMAL ? fit_by_block(work) : fit_by_fold(work));
  chi_stages_collect(work, stages);
  return CHI_OK;
}

chi_wide_range chi_wide_of(const chi_responses *responses, int64_t electrode0, int64_t electrode1)
{
  chi_wide_range range = {.responses = {.n_events = responses->n_events,
                                        .n_electrodes = responses->n_wide,
                                        .n_times = responses->n_times,
                                        .real = CHI_REAL64,
                                        .y = responses->wide_y}};
  int64_t *first = &range.first;
  while (*first < responses->n_wide && responses->wide[*first] < electrode0) ++*first;
  for (range.end = *first; range.end < responses->n_wide;) {
    if (responses->wide[range.end] >= electrode1) break;
    range.end++;
  }
  return range;
}

/* The wide electrodes of a part, by operators and a product in float64: a fit of its own, so that
 * nothing changes for the others. */
static chi_status fit_wide(chi_encoder *encoder, const chi_rows *rows, const chi_features *features,
                           const chi_responses *responses, const chi_encode_part *part,
                           chi_stages *stages)
{
  const int64_t times = responses->n_times;
  const chi_wide_range wide = chi_wide_of(responses, part->electrode0, part->electrode1);
  if (wide.end == wide.first) return CHI_OK;
  chi_fit_work work = {
      .shape = chi_shape_of_wide(&encoder->options, rows, features->n_features, times),
      .alphas = encoder->options.alphas,
      .rows = rows,
      .responses = &wide.responses,
      .features = features,
      .target0 = wide.first * times,
      .n_targets = (wide.end - wide.first) * times};
  CHI_TRY(run(encoder, &work, stages));
  store(&work, responses, part);
  return CHI_OK;
}

chi_status chi_encode_fit(chi_encoder *encoder, const chi_rows *rows, const chi_features *features,
                          const chi_responses *responses, const chi_encode_part *part,
                          chi_stages *stages)
{
  const int64_t times = responses->n_times;
  chi_fit_work work = {.shape = chi_shape_of(&encoder->options, rows, features->n_features,
                                             responses->n_electrodes, times),
                       .alphas = encoder->options.alphas,
                       .rows = rows,
                       .responses = responses,
                       .features = features,
                       .target0 = part->electrode0 * times,
                       .n_targets = (part->electrode1 - part->electrode0) * times};
  CHI_TRY(run(encoder, &work, stages));
  store(&work, responses, part);
  return fit_wide(encoder, rows, features, responses, part, stages);
}
