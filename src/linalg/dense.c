#include "linalg/dense.h"

#include <cblas.h>
#include <limits.h>

#include "base/agree.h"

/* LAPACK as OpenBLAS exports it: column-major, Fortran calling convention. */
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dgesdd_(const char *job, const int *m, const int *n, double *a, const int *lda, double *s,
             double *u, const int *ldu, double *vt, const int *ldvt, double *work, const int *lwork,
             int *iwork, int *info);

#define INT(x) chi_int_cast(x)

static CBLAS_TRANSPOSE turn(bool turned) { return turned ? CblasTrans : CblasNoTrans; }

void chi_sgemm(chi_smatrix a, chi_smatrix b, float beta, float *c, int64_t ldc)
{
  const int64_t m = a.turned ? a.columns : a.rows, k = a.turned ? a.rows : a.columns;
  const int64_t n = b.turned ? b.rows : b.columns;
  cblas_sgemm(CblasRowMajor, turn(a.turned), turn(b.turned), INT(m), INT(n), INT(k), 1.0f, a.x,
              INT(a.ld), b.x, INT(b.ld), beta, c, INT(ldc));
}

void chi_dgemm(chi_dmatrix a, chi_dmatrix b, double beta, double *c, int64_t ldc)
{
  const int64_t m = a.turned ? a.columns : a.rows, k = a.turned ? a.rows : a.columns;
  const int64_t n = b.turned ? b.rows : b.columns;
  cblas_dgemm(CblasRowMajor, turn(a.turned), turn(b.turned), INT(m), INT(n), INT(k), 1.0, a.x,
              INT(a.ld), b.x, INT(b.ld), beta, c, INT(ldc));
}

void chi_dsyrk(chi_dmatrix a, double beta, double *c, int64_t ldc)
{
  const int64_t n = a.turned ? a.columns : a.rows, k = a.turned ? a.rows : a.columns;
  cblas_dsyrk(CblasRowMajor, CblasLower, turn(a.turned), INT(n), INT(k), 1.0, a.x, INT(a.ld), beta,
              c, INT(ldc));
}

void chi_dupper_of_sum(int64_t n, const double *a, const double *diagonal, double factor,
                       const double *b, double *t)
{
  const int64_t tile = 32; /* both triangles' tiles stay in cache */
  for (int64_t i0 = 0; i0 < n; i0 += tile)
    for (int64_t j0 = 0; j0 <= i0; j0 += tile)
      for (int64_t i = i0; i < n && i < i0 + tile; i++)
        for (int64_t j = j0; j < i && j < j0 + tile; j++)
          t[j * n + i] = b == NULL ? a[i * n + j] : a[i * n + j] + factor * b[i * n + j];
  for (int64_t i = 0; i < n; i++)
    t[i * n + i] = diagonal[i] + (b == NULL ? factor : factor * b[i * n + i]);
}

chi_status chi_dpotrf(int64_t n, double *a, int64_t lda)
{
  /* Our row-major upper triangle is LAPACK's column-major lower one. */
  const int order = INT(n), ld = INT(lda);
  int info;
  dpotrf_("L", &order, a, &ld, &info);
  if (info != 0)
    return chi_fail(CHI_ERR_NUMERIC,
                    "the Gram matrix plus alpha is not positive definite at row %d", info);
  return CHI_OK;
}

void chi_dpotrs(int64_t m, int64_t n, const double *u, int64_t ldu, double *b, int64_t ldb)
{
  cblas_dtrsm(CblasRowMajor, CblasRight, CblasUpper, CblasNoTrans, CblasNonUnit, INT(m), INT(n),
              1.0, u, INT(ldu), b, INT(ldb));
  cblas_dtrsm(CblasRowMajor, CblasRight, CblasUpper, CblasTrans, CblasNonUnit, INT(m), INT(n), 1.0,
              u, INT(ldu), b, INT(ldb));
}

void chi_dtrsm_left(int64_t n, int64_t m, const double *u, int64_t ldu, double *b, int64_t ldb)
{
  cblas_dtrsm(CblasRowMajor, CblasLeft, CblasUpper, CblasTrans, CblasNonUnit, INT(n), INT(m), 1.0,
              u, INT(ldu), b, INT(ldb));
}

void chi_dtrsm_left_turned(int64_t n, int64_t m, const double *u, int64_t ldu, double *b,
                           int64_t ldb)
{
  cblas_dtrsm(CblasRowMajor, CblasLeft, CblasUpper, CblasNoTrans, CblasNonUnit, INT(n), INT(m), 1.0,
              u, INT(ldu), b, INT(ldb));
}

void chi_dtrsm_right(int64_t m, int64_t n, const double *u, int64_t ldu, double *b, int64_t ldb)
{
  cblas_dtrsm(CblasRowMajor, CblasRight, CblasUpper, CblasNoTrans, CblasNonUnit, INT(m), INT(n),
              1.0, u, INT(ldu), b, INT(ldb));
}

void chi_dtrmm_right(int64_t m, int64_t n, const double *u, int64_t ldu, double *b, int64_t ldb)
{
  cblas_dtrmm(CblasRowMajor, CblasRight, CblasUpper, CblasTrans, CblasNonUnit, INT(m), INT(n), 1.0,
              u, INT(ldu), b, INT(ldb));
}

/* LAPACK's documented minimum for job S, and room for its blocked algorithms. */
static int64_t svd_numbers(int64_t m, int64_t n)
{
  const int64_t small = m < n ? m : n, large = m < n ? n : m;
  return 4 * small * small + 7 * small + 64 * (large + 2 * small);
}

/* LAPACK also wants 8 integers for each singular value; two stand in the room of a number. */
int64_t chi_dsvd_work(int64_t m, int64_t n) { return svd_numbers(m, n) + 4 * (m < n ? m : n); }

chi_status chi_dsvd(int64_t m, int64_t n, double *a, double *s, double *u, double *vt, double *work)
{
  const int64_t lwork = svd_numbers(m, n);
  if (lwork > INT_MAX)
    return chi_fail(CHI_ERR_USAGE,
                    "%lld x %lld is too large for LAPACK's SVD: use --precision mixed",
                    (long long)m, (long long)n);
  /* Row-major A = U S V' is column-major A' = V S U': the parts of U and V change places. */
  const int rows = INT(n), cols = INT(m), k = INT(m < n ? m : n), lw = INT(lwork);
  int info, *integers = (int *)(void *)(work + lwork);
  dgesdd_("S", &rows, &cols, a, &rows, s, vt, &rows, u, &k, work, &lw, integers, &info);
  if (info != 0) return chi_fail(CHI_ERR_NUMERIC, "the SVD of the features did not converge");
  return CHI_OK;
}
