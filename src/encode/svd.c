/* The exact route: Z = U S V', so B = Z_ho V diag(s / (s^2 + a)) U'. Slower than a Cholesky factor,
 * but without the squared condition of a Gram matrix. */
#include "encode/internal.h"
#include "linalg/dense.h"

chi_status chi_svd_begin(chi_fit_work *work, int32_t f)
{
  chi_svd *w = &work->svd;
  const chi_fold *fold = &work->folds[f];
  const int64_t n = fold->n_train, held_out = fold->end - fold->first, p = work->shape.n_features;
  const int64_t rank = chi_fold_rank(work, f);
  chi_stages *stages = &work->thread[0].stages;
  chi_stage_clock clock = chi_stage_start();
  chi_standardise(work, fold, 0, p, w->z, p);
  chi_stage_stop(stages, CHI_STAGE_STANDARDISE, &clock, 3 * chi_flops(n + held_out, p, 1));
  const chi_status s = chi_dsvd(n, p, w->z, w->s, w->u, w->vt, w->work);
  chi_stage_stop(stages, CHI_STAGE_FACTORISE, &clock,
                 7 * chi_flops(n, p, rank) + 4 * chi_flops(rank, rank, rank));
  if (s != CHI_OK) return s;
  chi_dgemm((chi_dmatrix){held_out, p, w->z + n * p, p, false},
            (chi_dmatrix){rank, p, w->vt, p, true}, 0, w->project, rank);
  chi_stage_stop(stages, CHI_STAGE_HAT, &clock, chi_flops(held_out, p, rank));
  return CHI_OK;
}

/* s / (s^2 + a), also where s^2 would overflow. */
static double shrink(double s, double alpha) { return s == 0 ? 0 : 1 / (s + alpha / s); }

/* Z_ho V diag(s / (s^2 + a)) of a half's rows: half size x rank. */
static void shrink_rows(const chi_fit_work *work, int32_t f, int half, int32_t alpha, double *out)
{
  const chi_svd *w = &work->svd;
  const chi_fold *fold = &work->folds[f];
  const int64_t m = chi_half_size(fold, half), first = chi_half_first(fold, half) - fold->first;
  const int64_t rank = chi_fold_rank(work, f);
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < rank; j++)
      out[i * rank + j] = w->project[(first + i) * rank + j] * shrink(w->s[j], work->alphas[alpha]);
}

chi_status chi_svd_operator(chi_fit_work *work, int32_t f, int32_t alpha, chi_thread_work *t)
{
  chi_svd *w = &work->svd;
  const chi_fold *fold = &work->folds[f];
  const int64_t n = fold->n_train, rank = chi_fold_rank(work, f);
  chi_stage_clock clock = chi_stage_start();
  for (int half = 0; half < 2; half++) {
    shrink_rows(work, f, half, alpha, t->shrunk);
    if (work->shape.factored) {
      chi_operator_store(work, f, half, alpha, t->shrunk, rank, NULL);
      continue;
    }
    chi_dgemm((chi_dmatrix){chi_half_size(fold, half), rank, t->shrunk, rank, false},
              (chi_dmatrix){n, rank, w->u, rank, true}, 0, t->solve, n);
    chi_operator_store(work, f, half, alpha, t->solve, n, fold->train_scale);
  }
  chi_stage_stop(&t->stages, CHI_STAGE_HAT, &clock, chi_flops(fold->end - fold->first, n, rank));
  return CHI_OK;
}
