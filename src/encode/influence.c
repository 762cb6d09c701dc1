/* The influences of one feature space from end to end. */
#include "chiasm/influence.h"

#include <math.h>

#include "base/memory.h"
#include "encode/influence_internal.h"

/* U of a fold to its place; s^2 / (s^2 + a) for every alpha, and the leverages. */
static void keep_left(chi_influence_work *w, int32_t f)
{
  const chi_shape *s = &w->fit.shape;
  const chi_svd *svd = &w->fit.svd;
  const chi_fold *fold = &w->fit.folds[f];
  const int64_t rank = chi_fold_rank(&w->fit, f);
  double total = 0;
  chi_reals_write(s->real, fold->n_train * rank, svd->u, chi_influence_left(w, f), 0);
  for (int64_t k = 0; k < fold->n_train; k++) total += fold->train_weight[k];
  for (int32_t a = 0; a < s->n_alphas && chi_is_fitted(w); a++) {
    double *filter = w->filter + (f * s->n_alphas + a) * s->basis;
    double *leverage = w->leverage + (f * s->n_alphas + a) * s->max_train;
    for (int64_t i = 0; i < rank; i++)
      filter[i] = svd->s[i] == 0 ? 0 : 1 / (1 + w->fit.alphas[a] / svd->s[i] / svd->s[i]);
    for (int64_t k = 0; k < fold->n_train; k++) {
      const double *u = svd->u + k * rank;
      leverage[k] = fold->train_weight[k] / total;
      for (int64_t i = 0; i < rank; i++) leverage[k] += filter[i] * u[i] * u[i];
    }
  }
}

static chi_status make_operators(chi_influence_work *w, int32_t f)
{
  CHI_TRY(chi_fold_begin(&w->fit, f));
  if (w->fit.shape.factored) keep_left(w, f);
  return chi_fold_operators(&w->fit, f, 0, w->fit.shape.n_alphas);
}

/* What a block's sums are to the caller: by (electrode, block of events, time).
 * \param[in] electrode  of the caller's, by those of the work; NULL: the same */
static void store(const chi_influence_work *w, chi_block block, const int64_t *electrode)
{
  const chi_influence *what = w->what;
  const int64_t times = w->fit.responses->n_times, n_blocks = what->n_blocks;
  double *const *sum = w->thread[omp_get_thread_num()].sum;
  float *const out[2] = {what->val_r, what->test_r};
  for (int64_t j = 0; j < block.n; j++) {
    const int64_t own = (block.t0 + j) / times, time = (block.t0 + j) % times;
    const int64_t to = electrode == NULL ? own : electrode[own];
    for (int half = 0; half < 2; half++)
      for (int64_t b = 0; b < n_blocks; b++)
        out[half][(to * n_blocks + b) * times + time] =
            w->fit.choice[block.t0 + j] < 0 ? NAN : (float)sum[half][b * block.n + j];
  }
}

static chi_status run(chi_encoder *encoder, chi_influence_work *w, const int32_t *choice,
                      const int64_t *electrode, chi_stages *stages)
{
  chi_fit_work *fit = &w->fit;
  chi_arena arena = {NULL, 0};
  chi_influence_layout(w, &arena);
  CHI_TRY(chi_encoder_reserve(encoder, arena.used));
  arena = (chi_arena){encoder->memory, 0};
  chi_influence_layout(w, &arena);
  chi_work_folds(fit);
  const int64_t times = fit->responses->n_times;
  for (int64_t j = 0; j < fit->n_targets; j++)
    fit->choice[j] = choice[electrode == NULL ? j : electrode[j / times] * times + j % times];
  const bool primal = fit->shape.route == CHI_ROUTE_PRIMAL;
  if (primal) CHI_TRY(chi_primal_prepare(fit));
  for (int32_t f = 0; f < fit->shape.n_folds; f++) CHI_TRY(make_operators(w, f));
  if (primal) chi_primal_narrow(fit);
  const int64_t blocks = chi_block_count(fit);
#pragma omp parallel for schedule(dynamic) num_threads(fit->shape.threads)
  for (int64_t b = 0; b < blocks; b++) {
    const chi_block block = chi_block_at(fit, b);
    chi_influence_block(w, block);
    store(w, block, electrode);
  }
  chi_stages_collect(fit, stages);
  return CHI_OK;
}

/* The alphas that any target chose, ascending, and which of them each did; -1: none. */
typedef struct chosen {
  double *alphas;
  int32_t n_alphas;
  int32_t *choice, *place; /* by target; by alpha of the encoder */
} chosen;

static chi_status find_choice(const chi_encode_options *o, int64_t n_targets, const float *alpha,
                              chosen *out)
{
  int32_t *place = out->place;
  for (int32_t a = 0; a < o->n_alphas; a++) place[a] = -1;
  for (int64_t j = 0; j < n_targets; j++) {
    int32_t a = 0;
    out->choice[j] = -1;
    if (isnan(alpha[j])) continue;
    while (a < o->n_alphas && (float)o->alphas[a] != alpha[j]) a++;
    if (a == o->n_alphas)
      return chi_fail(CHI_ERR_INPUT, "target %lld has alpha %g, which is none of --alphas",
                      (long long)j, (double)alpha[j]);
    out->choice[j] = a;
    place[a] = 0;
  }
  for (int32_t a = 0; a < o->n_alphas; a++) {
    if (place[a] < 0) continue;
    place[a] = out->n_alphas;
    out->alphas[out->n_alphas++] = o->alphas[a];
  }
  for (int64_t j = 0; j < n_targets; j++)
    if (out->choice[j] >= 0) out->choice[j] = place[out->choice[j]];
  return CHI_OK;
}

static chi_influence_work make_work(const chi_encoder *encoder, chi_residual residual,
                                    const chi_rows *rows, const chi_features *features,
                                    const chi_responses *responses, const chi_influence *influence,
                                    bool wide)
{
  const int64_t n_targets = responses->n_electrodes * responses->n_times;
  return (chi_influence_work){
      .fit = {.shape = chi_influence_shape(&encoder->options, residual, rows, features->n_features,
                                           responses->n_electrodes, responses->n_times, wide),
              .rows = rows,
              .responses = responses,
              .features = features,
              .n_targets = n_targets},
      .residual = residual,
      .what = influence};
}

static chi_status run_chosen(chi_encoder *encoder, chi_influence_work *w, const chosen *of,
                             const int64_t *electrode, chi_stages *stages)
{
  w->fit.shape.n_alphas = of->n_alphas;
  w->fit.alphas = of->alphas;
  return run(encoder, w, of->choice, electrode, stages);
}

chi_status chi_encode_influence(chi_encoder *encoder, chi_residual residual, const chi_rows *rows,
                                const chi_features *features, const chi_responses *responses,
                                const chi_influence *influence, chi_stages *stages)
{
  const int64_t n_targets = responses->n_electrodes * responses->n_times;
  const int32_t n_alphas = encoder->options.n_alphas;
  chosen of = {0};
  chi_status s = chi_alloc(n_targets, sizeof *of.choice, "alphas", &of.choice);
  if (s == CHI_OK) s = chi_alloc(n_alphas, sizeof *of.alphas, "alphas", &of.alphas);
  if (s == CHI_OK) s = chi_alloc(n_alphas, sizeof *of.place, "alphas", &of.place);
  if (s == CHI_OK) s = find_choice(&encoder->options, n_targets, influence->alpha, &of);
  if (s == CHI_OK) {
    chi_influence_work w =
        make_work(encoder, residual, rows, features, responses, influence, false);
    s = run_chosen(encoder, &w, &of, NULL, stages);
  }
  const chi_wide_range wide = chi_wide_of(responses, 0, responses->n_electrodes);
  if (s == CHI_OK && wide.end > wide.first) {
    chi_influence_work w =
        make_work(encoder, residual, rows, features, &wide.responses, influence, true);
    s = run_chosen(encoder, &w, &of, responses->wide, stages);
  }
  chi_free(of.choice);
  chi_free(of.alphas);
  chi_free(of.place);
  return s;
}
