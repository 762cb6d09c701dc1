#include "linalg/petsc/library.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/agree.h"
#include "base/memory.h"
#include "linalg/petsc/petsc.h"

enum {
  /* Events of one product. Their features lie interlaced, so that an entry of the matrix meets all
   * of them in half a cache line: twice as fast as columns of a dense matrix. */
  GROUP = 4,
  /* Features of one product: these of a group of events stay in cache, and the matrix's columns for
   * them while group after group is multiplied. */
  WIDTH = 8192,
  PASS = 16 /* groups, whose sums are held at a time */
};

/* The columns of the matrix for WIDTH features, or fewer in the last block. */
typedef struct block {
  Mat matrix;  /* all its rows, on this rank */
  Mat grouped; /* the same for GROUP interlaced vectors */
  Vec in;      /* the beginning of `rows` below */
  PetscInt width;
} block;

struct chi_projection {
  int64_t n_features, n_components, nonzeros;
  int64_t n_blocks;
  block *block;
  Vec out;      /* bears one group's sums at a time */
  double *rows; /* WIDTH x GROUP */
  double *sums; /* PASS x n_components x GROUP */
};

/* Some rows of a block in compressed form. */
typedef struct part {
  PetscInt rows, room;
  PetscInt *start, *column; /* rows + 1, room; columns counted in the block */
  PetscScalar *value;       /* room */
} part;

/* This rank's share: some rows, parted into blocks. */
typedef struct share {
  int64_t first, rows, n_parts;
  part *part;
} share;

static void share_free(share *s)
{
  for (int64_t b = 0; s->part != NULL && b < s->n_parts; b++) {
    chi_free(s->part[b].start);
    chi_free(s->part[b].column);
    chi_free(s->part[b].value);
  }
  chi_free(s->part);
}

/* Room for the entries: how many there are is a sum of independent ones, so that ten standard
 * deviations above the mean do for certain. */
static chi_status part_alloc(int64_t rows, int64_t width, int64_t n_features, part *p)
{
  const double n = (double)rows * (double)width / sqrt((double)n_features);
  const double room = fmin(n + 10 * sqrt(n) + 16, (double)rows * (double)width);
  p->rows = (PetscInt)rows;
  p->room = (PetscInt)room;
  CHI_TRY(chi_alloc(rows + 1, sizeof *p->start, "projection", &p->start));
  CHI_TRY(chi_alloc(p->room, sizeof *p->column, "projection", &p->column));
  return chi_alloc(p->room, sizeof *p->value, "projection", &p->value);
}

/* Row k of the matrix, as row i of the share. */
static chi_status walk_row(chi_random_key key, int64_t n_features, double scale, int64_t i,
                           share *s)
{
  const double log_none = log1p(-1 / sqrt((double)n_features));
  uint64_t word[4];
  int64_t j = -1;
  for (int64_t b = 0; b < s->n_parts; b++) s->part[b].start[i + 1] = s->part[b].start[i];
  for (uint64_t w = 0;; w++) {
    if (w % 4 == 0) chi_random_bits(key, w / 4, (uint64_t)(s->first + i), 0, 0, word);
    const double gap = floor(log(chi_random_unit(word[w % 4])) / log_none);
    if (gap >= (double)(n_features - 1 - j)) return CHI_OK;
    j += 1 + (int64_t)gap;
    part *p = &s->part[j / WIDTH];
    const PetscInt at = p->start[i + 1]++;
    if (at == p->room) return chi_fail(CHI_ERR_BUG, "a projection has more entries than can be");
    p->column[at] = (PetscInt)(j % WIDTH);
    p->value[at] = (word[w % 4] & 1) != 0 ? -scale : scale;
  }
}

static int64_t block_width(int64_t n_features, int64_t b)
{
  const int64_t left = n_features - b * WIDTH;
  return left < WIDTH ? left : WIDTH;
}

static chi_status make_share(MPI_Comm comm, chi_random_key key, const chi_projection *p, share *s)
{
  int rank, size;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  s->first = p->n_components * rank / size;
  s->rows = p->n_components * (rank + 1) / size - s->first;
  CHI_TRY(chi_alloc(p->n_blocks, sizeof *s->part, "projection", &s->part));
  s->n_parts = p->n_blocks;
  for (int64_t b = 0; b < s->n_parts; b++)
    CHI_TRY(part_alloc(s->rows, block_width(p->n_features, b), p->n_features, &s->part[b]));
  const double scale = sqrt(sqrt((double)p->n_features) / (double)p->n_components);
  for (int64_t i = 0; i < s->rows; i++) CHI_TRY(walk_row(key, p->n_features, scale, i, s));
  return CHI_OK;
}

/* What is to be made fits PETSc's integers: the densest block's entries, and interlaced vectors. */
static chi_status prepare(int64_t n_features, int64_t n_components, chi_projection *p)
{
  const double entries = (double)n_components * fmin((double)n_features, WIDTH) * 2;
  p->n_features = n_features;
  p->n_components = n_components;
  p->n_blocks = (n_features + WIDTH - 1) / WIDTH;
  if (entries / sqrt((double)n_features) > (double)PETSC_MAX_INT ||
      n_components > PETSC_MAX_INT / GROUP)
    return chi_fail(CHI_ERR_USAGE,
                    "a projection of %lld features to %lld has more entries than this PETSc's "
                    "integers count; use fewer components",
                    (long long)n_features, (long long)n_components);
  return chi_alloc(p->n_blocks, sizeof *p->block, "projection", &p->block);
}

/* A block from the ranks' parts: the whole on each. */
static chi_status gather_block(MPI_Comm comm, const part *p, int64_t n_components, block *out)
{
  Mat spread = NULL, *whole = NULL;
  IS rows = NULL, columns = NULL;
  const PetscInt k = (PetscInt)n_components;
  chi_status s = chi_petsc_status(MatCreate(comm, &spread));
  if (s == CHI_OK) s = chi_petsc_status(MatSetSizes(spread, p->rows, PETSC_DECIDE, k, out->width));
  if (s == CHI_OK) s = chi_petsc_status(MatSetType(spread, MATMPIAIJ));
  if (s == CHI_OK)
    s = chi_petsc_status(MatMPIAIJSetPreallocationCSR(spread, p->start, p->column, p->value));
  if (s == CHI_OK) s = chi_petsc_status(ISCreateStride(PETSC_COMM_SELF, k, 0, 1, &rows));
  if (s == CHI_OK)
    s = chi_petsc_status(ISCreateStride(PETSC_COMM_SELF, out->width, 0, 1, &columns));
  if (s == CHI_OK)
    s = chi_petsc_status(
        MatCreateSubMatrices(spread, 1, &rows, &columns, MAT_INITIAL_MATRIX, &whole));
  if (s == CHI_OK) {
    out->matrix = whole[0];
    s = chi_petsc_status(PetscObjectReference((PetscObject)out->matrix));
  }
  MatDestroySubMatrices(1, &whole);
  ISDestroy(&rows);
  ISDestroy(&columns);
  MatDestroy(&spread);
  return s;
}

/* What the products need beside the matrix. */
static chi_status make_room(chi_projection *p)
{
  const int64_t sums = GROUP * p->n_components;
  CHI_TRY(chi_alloc(WIDTH * GROUP, sizeof *p->rows, "features to project", &p->rows));
  CHI_TRY(chi_alloc(PASS * sums, sizeof *p->sums, "projected features", &p->sums));
  CHI_TRY(
      chi_petsc_status(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, (PetscInt)sums, NULL, &p->out)));
  for (int64_t b = 0; b < p->n_blocks; b++) {
    MatInfo info;
    block *at = &p->block[b];
    CHI_TRY(chi_petsc_status(MatGetInfo(at->matrix, MAT_LOCAL, &info)));
    p->nonzeros += (int64_t)info.nz_used;
    CHI_TRY(chi_petsc_status(MatCreateMAIJ(at->matrix, GROUP, &at->grouped)));
    CHI_TRY(chi_petsc_status(
        VecCreateSeqWithArray(PETSC_COMM_SELF, 1, GROUP * at->width, p->rows, &at->in)));
  }
  return CHI_OK;
}

static void destroy(chi_projection **projection)
{
  chi_projection *p = *projection;
  if (p == NULL) return;
  for (int64_t b = 0; p->block != NULL && b < p->n_blocks; b++) {
    VecDestroy(&p->block[b].in);
    MatDestroy(&p->block[b].grouped);
    MatDestroy(&p->block[b].matrix);
  }
  VecDestroy(&p->out);
  chi_free(p->block);
  chi_free(p->rows);
  chi_free(p->sums);
  chi_free(p);
  *projection = NULL;
}

static chi_status create(MPI_Comm comm, chi_random_key key, int64_t n_features,
                         int64_t n_components, chi_projection **out)
{
  share mine = {0};
  *out = NULL;
  chi_status s = chi_alloc(1, sizeof **out, "projection", out);
  if (s == CHI_OK) s = prepare(n_features, n_components, *out);
  if (s == CHI_OK) s = make_share(comm, key, *out, &mine);
  s = chi_agree(comm, s);
  for (int64_t b = 0; s == CHI_OK && b < (*out)->n_blocks; b++) {
    (*out)->block[b].width = (PetscInt)block_width(n_features, b);
    s = chi_agree(comm, gather_block(comm, &mine.part[b], n_components, &(*out)->block[b]));
  }
  share_free(&mine);
  if (s == CHI_OK) s = chi_agree(comm, make_room(*out));
  if (s != CHI_OK) destroy(out);
  return s;
}

static int64_t nonzeros(const chi_projection *projection) { return projection->nonzeros; }

/* The features of a block for n <= GROUP events, interlaced; those past the last as zeros. */
static void interlace(const block *b, int64_t n, int64_t n_features, const double *rows,
                      double *out)
{
  if (n < GROUP) memset(out, 0, (size_t)b->width * GROUP * sizeof *out);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < b->width; j++) out[j * GROUP + i] = rows[i * n_features + j];
}

/* Add what a block makes of the groups of n <= PASS * GROUP events to their sums. */
static chi_status add_block(chi_projection *p, int64_t b, int64_t n, const double *rows)
{
  const block *at = &p->block[b];
  for (int64_t i = 0; i < n; i += GROUP) {
    const int64_t left = n - i;
    interlace(at, left < GROUP ? left : GROUP, p->n_features, rows + i * p->n_features + b * WIDTH,
              p->rows);
    CHI_TRY(chi_petsc_status(VecPlaceArray(p->out, p->sums + i * p->n_components)));
    CHI_TRY(chi_petsc_status(MatMultAdd(at->grouped, at->in, p->out, p->out)));
    CHI_TRY(chi_petsc_status(VecResetArray(p->out)));
  }
  return CHI_OK;
}

static chi_status apply(chi_projection *p, int64_t n, const double *rows, double *out)
{
  const int64_t k = p->n_components, most = PASS * GROUP;
  for (int64_t row = 0; row < n; row += most) {
    const int64_t m = n - row < most ? n - row : most;
    memset(p->sums, 0, (size_t)(most * k) * sizeof *p->sums);
    for (int64_t b = 0; b < p->n_blocks; b++)
      CHI_TRY(add_block(p, b, m, rows + row * p->n_features));
    for (int64_t i = 0; i < m; i++) {
      const double *sums = p->sums + i / GROUP * GROUP * k + i % GROUP;
      for (int64_t c = 0; c < k; c++) out[(row + i) * k + c] = sums[c * GROUP];
    }
  }
  return CHI_OK;
}

const chi_projection_library chi_petsc_library = {chi_petsc_start, chi_petsc_stop, create,
                                                  destroy,         nonzeros,       apply};
