#include "linalg/band.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/agree.h"
#include "linalg/kernel.h"

enum { B = CHI_BAND, LD = CHI_BAND + 1 };

/* LAPACK as OpenBLAS exports it: QR factors with the reflectors' triangular factor. */
void dgeqrt3_(const int *m, const int *n, double *a, const int *lda, double *t, const int *ldt,
              int *info);

#define INT(x) chi_int_cast(x)

int64_t chi_band_order(int64_t n) { return (n + B - 1) / B * B; }

/* QR of the panel V (B x k row-major: LAPACK's k x B): R goes to the band of rows j on, V gets its
 * ones and zeros, t (B x B column-major) its zeros. */
static void reduce_panel(int64_t n, int64_t j, double *v, double *t, double *band)
{
  const int rows = INT(n - j - B), columns = B, ld = INT(n);
  int info;
  dgeqrt3_(&rows, &columns, v, &ld, t, &columns, &info);
  for (int64_t c = 0; c < B; c++) {
    for (int64_t r = 0; r <= c; r++) {
      band[(j + c) * LD + B + r - c] = v[c * n + r];
      v[c * n + r] = r == c;
    }
    for (int64_t r = c + 1; r < B; r++) t[c * B + r] = 0;
  }
}

void chi_band_reduce(int64_t n, double *a, double *t, double *band, double *work)
{
  memset(band, 0, (size_t)(n * LD) * sizeof *band);
  for (int64_t j = 0; j < n; j += B) {
    for (int64_t i = j; i < j + B; i++)
      for (int64_t d = 0; i + d < j + B; d++) band[i * LD + d] = a[i * n + i + d];
    const int64_t k = n - j - B;
    if (k == 0) break;
    double *v = a + j * n + j + B, *rest = v + B * n, *tj = t + j * B;
    double *vt = work, *y = vt + B * k, w[B * B];
    reduce_panel(n, j, v, tj, band);
    /* Q'AQ = A - V Y' - Y V' with Y = A V T - V (T'V'A V T) / 2; all column-major */
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, INT(k), B, B, 1, v, INT(n), tj, B, 0, vt,
                INT(k));
    cblas_dsymm(CblasColMajor, CblasLeft, CblasLower, INT(k), B, 1, rest, INT(n), vt, INT(k), 0, y,
                INT(k));
    cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, B, B, INT(k), -0.5, vt, INT(k), y, INT(k),
                0, w, B);
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, INT(k), B, B, 1, v, INT(n), w, B, 1, y,
                INT(k));
    cblas_dsyr2k(CblasColMajor, CblasLower, CblasNoTrans, INT(k), B, -1, v, INT(n), y, INT(k), 1,
                 rest, INT(n));
  }
}

void chi_band_rotate(int64_t n, const double *a, const double *t, int64_t m, double *c, int64_t ldc,
                     double *work)
{
  double *vc = work, *tvc = work + B * m;
  for (int64_t j = 0; j + B < n; j += B) { /* C -= V T' V' C */
    const int64_t k = n - j - B;
    const double *v = a + j * n + j + B;
    double *below = c + (j + B) * ldc;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, B, INT(m), INT(k), 1, v, INT(n), below,
                INT(ldc), 0, vc, INT(m));
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, B, INT(m), B, 1, t + j * B, B, vc,
                INT(m), 0, tvc, INT(m));
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, INT(k), INT(m), B, -1, v, INT(n), tvc,
                INT(m), 1, below, INT(ldc));
  }
}

chi_status chi_band_factor(int64_t n, const double *band, double alpha, double *factor)
{
  memcpy(factor, band, (size_t)(n * LD) * sizeof *factor);
  for (int64_t i = 0; i < n; i++) factor[i * LD] += alpha;
  for (int64_t i = 0; i < n; i++) {
    double *column = factor + i * LD;
    if (!(column[0] > 0))
      return chi_fail(CHI_ERR_NUMERIC,
                      "the Gram matrix plus alpha is not positive definite at row %lld",
                      (long long)i + 1);
    const double root = sqrt(column[0]);
    column[0] = root;
    for (int64_t d = 1; d <= B; d++) column[d] /= root;
    for (int64_t d = 1; d <= B && i + d < n; d++)
      for (int64_t e = d; e <= B; e++) factor[(i + d) * LD + e - d] -= column[d] * column[e];
  }
  return CHI_OK;
}

/* Columns: in the first-level cache; in registers. */
enum { CHUNK = 64, LANE = 4, WIDTH = 4 * LANE };
typedef double lane __attribute__((vector_size(LANE * sizeof(double)), aligned(8)));

/* y = (y - the sum over d of coefficient[d * step] times the row at y + (d + 1) * ld) * scale: rows
 * of n <= CHUNK. */
CHI_CLONES static void subtract_rows(int64_t n, int64_t terms, const double *coefficient,
                                     int64_t step, int64_t ld, double scale, double *y)
{
  const double *x = y + ld;
  int64_t j0 = 0;
  for (; j0 + WIDTH <= n; j0 += WIDTH) {
    lane *out = (lane *)(y + j0), s0 = out[0], s1 = out[1], s2 = out[2], s3 = out[3];
    for (int64_t d = 0; d < terms; d++) {
      const double f = coefficient[d * step];
      const lane *row = (const lane *)(x + d * ld + j0);
      s0 -= f * row[0];
      s1 -= f * row[1];
      s2 -= f * row[2];
      s3 -= f * row[3];
    }
    out[0] = s0 * scale;
    out[1] = s1 * scale;
    out[2] = s2 * scale;
    out[3] = s3 * scale;
  }
  for (int64_t j = j0; j < n; j++) {
    for (int64_t d = 0; d < terms; d++) y[j] -= coefficient[d * step] * x[d * ld + j];
    y[j] *= scale;
  }
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

void chi_band_forward(int64_t n, const double *factor, int64_t m, double *c, int64_t ldc)
{
  for (int64_t j = 0; j < m; j += CHUNK)
    for (int64_t i = 0; i < n; i++) /* L[i][i - d] is at [i - d][d] */
      subtract_rows(least(CHUNK, m - j), least(B, i), factor + (i - 1) * LD + 1, 1 - LD, -ldc,
                    1 / factor[i * LD], c + i * ldc + j);
}

void chi_band_backward(int64_t n, const double *factor, int64_t m, double *c, int64_t ldc)
{
  for (int64_t j = 0; j < m; j += CHUNK)
    for (int64_t i = n - 1; i >= 0; i--)
      subtract_rows(least(CHUNK, m - j), least(B, n - 1 - i), factor + i * LD + 1, 1, ldc,
                    1 / factor[i * LD], c + i * ldc + j);
}

void chi_band_multiply(int64_t n, const double *factor, int64_t m, double *c, int64_t ldc)
{
  for (int64_t j = 0; j < m; j += CHUNK)
    for (int64_t i = 0; i < n; i++) {
      const int64_t width = least(CHUNK, m - j);
      double *row = c + i * ldc + j;
      for (int64_t q = 0; q < width; q++) row[q] *= -factor[i * LD];
      subtract_rows(width, least(B, n - 1 - i), factor + i * LD + 1, 1, ldc, -1, row);
    }
}
