/* One fit from end to end. */
#include "chiasm/encode.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "encode/internal.h"

#define STAGE_TEXT(name, text) text,
const char *const chi_stage_names[CHI_N_STAGES] = {CHI_STAGE_TABLE(STAGE_TEXT)};
#undef STAGE_TEXT

struct chi_encoder {
  chi_encode_options options;
  double *alphas;
  char *memory; /* of the largest fit so far */
  int64_t bytes;
};

chi_status chi_encoder_create(const chi_encode_options *options, chi_encoder **out)
{
  chi_encoder *e;
  *out = NULL;
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

chi_stage_clock chi_stage_start(void)
{
  return (chi_stage_clock){chi_clock_thread_cpu(), chi_clock_now()};
}

void chi_stage_stop(chi_stages *stages, int stage, chi_stage_clock start, double flops)
{
  stages->cpu_s[stage] += chi_clock_thread_cpu() - start.cpu;
  stages->wall_s[stage] += chi_clock_now() - start.wall;
  stages->flops[stage] += flops;
}

/* Targets of block b of those asked for. */
static int64_t block_first(const chi_fit_work *work, int64_t b)
{
  return work->target0 + b * work->shape.block_targets;
}
static int64_t block_size(const chi_fit_work *work, int64_t b)
{
  const int64_t left = work->n_targets - b * work->shape.block_targets;
  return left < work->shape.block_targets ? left : work->shape.block_targets;
}
static int64_t block_count(const chi_fit_work *work)
{
  return (work->n_targets + work->shape.block_targets - 1) / work->shape.block_targets;
}

/* The alpha of every target of a block: the smallest whose mean validation r is nearly the best. */
static void choose(chi_fit_work *work, int64_t t0, int64_t n)
{
  const double tolerance = work->shape.real == CHI_REAL64 ? 1e-9 : 1e-6;
  const double folds = work->shape.n_folds;
  for (int64_t j = t0 - work->target0; j < t0 - work->target0 + n; j++) {
    double best = -INFINITY;
    int32_t choice = -1;
    for (int32_t a = 0; a < work->shape.n_alphas; a++)
      best = fmax(best, work->validation[a * work->n_targets + j] / folds);
    for (int32_t a = work->shape.n_alphas - 1; a >= 0; a--)
      if (work->validation[a * work->n_targets + j] / folds >= best - tolerance) choice = a;
    work->choice[j] = choice;
  }
}

/* Dual and svd: the operators of a fold are large, so folds come first, then blocks of targets. */
static chi_status validate_fold(chi_fit_work *work, int32_t f)
{
  const chi_shape *s = &work->shape;
  const bool dual = s->route == CHI_ROUTE_DUAL;
  const int32_t wave = s->wave;
  const int64_t blocks = block_count(work);
  CHI_TRY(dual ? chi_dual_begin(work, f) : chi_svd_begin(work, f));
  if (s->banded)
#pragma omp parallel for schedule(dynamic) num_threads(s->threads)
    for (int64_t b = 0; b < blocks; b++)
      chi_dual_basis(work, f, block_first(work, b), block_size(work, b), chi_thread());
  for (int32_t a0 = 0; a0 < s->n_alphas; a0 += wave) {
    const int32_t a1 = a0 + wave < s->n_alphas ? a0 + wave : s->n_alphas;
    chi_status worst = CHI_OK;
#pragma omp parallel for schedule(dynamic) num_threads(s->threads)
    for (int32_t a = a0; a < a1; a++) {
      const chi_status one = s->banded ? chi_banded_operator(work, f, a, chi_thread())
                             : dual    ? chi_dual_operator(work, f, a, chi_thread())
                                       : chi_svd_operator(work, f, a, chi_thread());
#pragma omp critical(chi_encode_status)
      if (one > worst) worst = one;
    }
    if (worst != CHI_OK)
      return chi_fail(worst, "the Gram matrix of fold %d plus alpha is not positive definite",
                      (int)f + 1);
#pragma omp parallel for schedule(dynamic) num_threads(s->threads)
    for (int64_t b = 0; b < blocks; b++)
      for (int32_t a = a0; a < a1; a++)
        chi_validate_block(work, f, a, chi_training_view(work, f, block_first(work, b)),
                           block_first(work, b), block_size(work, b), chi_thread());
  }
  return CHI_OK;
}

static chi_status fit_by_fold(chi_fit_work *work)
{
  const int64_t blocks = block_count(work);
#pragma omp parallel for schedule(dynamic) num_threads(work->shape.threads)
  for (int64_t b = 0; b < blocks; b++)
    chi_target_statistics(work, block_first(work, b), block_size(work, b));
  for (int32_t f = 0; f < work->shape.n_folds; f++) CHI_TRY(validate_fold(work, f));
#pragma omp parallel for schedule(dynamic) num_threads(work->shape.threads)
  for (int64_t b = 0; b < blocks; b++) {
    const int64_t t0 = block_first(work, b), n = block_size(work, b);
    choose(work, t0, n);
    for (int32_t f = 0; f < work->shape.n_folds; f++)
      chi_test_block(work, f, chi_training_view(work, f, t0), t0, n, chi_thread());
  }
  return CHI_OK;
}

/* Primal: the sweep over the responses serves all folds, so blocks of targets come first. */
static void fit_block(chi_fit_work *work, int64_t t0, int64_t n, int thread)
{
  const chi_shape *s = &work->shape;
  const int64_t p = s->basis;
  chi_target_statistics(work, t0, n);
  chi_primal_basis(work, t0, n, thread);
  const char *basis = work->thread[thread].basis;
  for (int32_t f = 0; f < s->n_folds; f++)
    for (int32_t a = 0; a < s->n_alphas; a++)
      chi_validate_block(work, f, a, (chi_view){basis + f * p * n * s->real, n, NULL, p}, t0, n,
                         thread);
  choose(work, t0, n);
  for (int32_t f = 0; f < s->n_folds; f++)
    chi_test_block(work, f, (chi_view){basis + f * p * n * s->real, n, NULL, p}, t0, n, thread);
}

static chi_status fit_by_block(chi_fit_work *work)
{
  const int64_t blocks = block_count(work);
  CHI_TRY(chi_primal_begin(work));
#pragma omp parallel for schedule(dynamic) num_threads(work->shape.threads)
  for (int64_t b = 0; b < blocks; b++)
    fit_block(work, block_first(work, b), block_size(work, b), chi_thread());
  return CHI_OK;
}

static void store(const chi_fit_work *work, const chi_encode_part *part)
{
  const double folds = work->shape.n_folds;
  for (int64_t j = 0; j < work->n_targets; j++) {
    const int32_t a = work->choice[j];
    const bool missing = a < 0 || work->responses->missing[work->target0 + j] != 0;
    part->val_r[j] = missing ? NAN : (float)(work->validation[a * work->n_targets + j] / folds);
    part->test_r[j] = missing ? NAN : (float)(work->test[j] / folds);
    part->alpha[j] = missing ? NAN : (float)work->alphas[a];
  }
}

/* Lay the work space out in the encoder's memory, which grows to the largest fit and stays. */
static chi_status begin(chi_encoder *encoder, chi_fit_work *work)
{
  chi_arena arena = {NULL, 0};
  chi_work_layout(work, &arena);
  CHI_TRY(chi_encoder_reserve(encoder, arena.used));
  arena = (chi_arena){encoder->memory, 0};
  chi_work_layout(work, &arena);
  chi_rows_folds(work->rows, work->shape.n_folds, work->folds, work->folds[0].train,
                 work->folds[0].train_event, work->folds[0].train_scale);
  memset(work->validation, 0,
         (size_t)(work->shape.n_alphas * work->n_targets) * sizeof *work->validation);
  memset(work->test, 0, (size_t)work->n_targets * sizeof *work->test);
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
  CHI_TRY(begin(encoder, &work));
  CHI_TRY(work.shape.route == CHI_ROUTE_PRIMAL ? fit_by_block(&work) : fit_by_fold(&work));
  store(&work, part);
  if (stages == NULL) return CHI_OK;
  for (int32_t i = 0; i < work.shape.threads; i++)
    for (int k = 0; k < CHI_N_STAGES; k++) {
      stages->cpu_s[k] += work.thread[i].stages.cpu_s[k];
      stages->wall_s[k] += work.thread[i].stages.wall_s[k] / work.shape.threads;
      stages->flops[k] += work.thread[i].stages.flops[k];
    }
  return CHI_OK;
}
