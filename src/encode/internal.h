/** \file internal.h
 * What the files of the fitting engine share.
 *
 * For every fold, half (validation, test) and alpha there is an operator B, so that predictions are
 * B C. What C is depends on the route:
 *   dual    C = the fold's training responses,  B = Z_ho Z' (Z Z' + a I)^-1
 *   svd     the same B from a singular value decomposition of Z
 *   primal  C = Z' Y in a whitened basis,  B the rest (primal.c)
 * and where targets are few dual and primal go by a banded form of their Gram matrix (banded.c).
 * Everything up to B and C is float64; only the product B C (and, where it is whitened, C itself)
 * may be float32. Every B has one row more than its half has events: B is centred over them in
 * float64, and the last row is the mean that was taken off. So the float32 product stays exact
 * where a prediction's mean is far beyond its spread. */
#pragma once

#include <omp.h>

#include "base/folds.h"
#include "chiasm/encode.h"
#include "linalg/kernel.h"

#define CHI_MAX_CLASSES (4 * CHI_MAX_FOLDS)

typedef enum chi_route { CHI_ROUTE_DUAL, CHI_ROUTE_SVD, CHI_ROUTE_PRIMAL } chi_route;

/** One fold: rows [first, split) are its validation half, [split, end) its test half. */
typedef struct chi_fold {
  int64_t first, split, end;
  bool counts[2]; /* by half: it has a part in the mean over folds */
  int64_t n_train;
  int64_t *train_event; /* n_train: the events that train it, ascending */
  double *train_weight; /* n_train: their weights */
  double *train_scale;  /* n_train: square roots of these */
} chi_fold;

static inline int64_t chi_half_first(const chi_fold *fold, int half)
{
  return half == 0 ? fold->first : fold->split;
}
static inline int64_t chi_half_size(const chi_fold *fold, int half)
{
  return half == 0 ? fold->split - fold->first : fold->end - fold->split;
}

/** The sizes that decide route and memory. */
typedef struct chi_shape {
  int64_t n_rows, n_features, n_targets; /* targets of the whole subject */
  int64_t max_train, max_half, max_held_out;
  int64_t block_targets; /* of the widest block */
  int64_t n_classes;     /* primal: sets of rows that train the same folds */
  int64_t max_class;     /* rows of the largest */
  int32_t n_folds, n_alphas, threads;
  chi_real real; /* of the product */
  bool exact;    /* precision is `double` */
  bool wide;     /* the fit of wide electrodes: the routes of `mixed` with a float64 product */
  chi_route route;
  bool banded;   /* dual, primal: the Gram matrix is made banded */
  bool factored; /* svd, of an influence: B = Z_ho V diag(s / (s^2 + a)), C = U'Y_tr */
  bool kept;     /* every operator of every fold stays */
  int32_t wave;  /* alphas whose operators a fold makes before their products */
  int64_t basis; /* columns of every B, rows of every C, at most */
} chi_shape;

/** A bump allocator over one block of memory; with base NULL it only counts. */
typedef struct chi_arena {
  char *base;
  int64_t used;
} chi_arena;
void *chi_arena_take(chi_arena *arena, int64_t count, int64_t size);

/** Rows of numbers somewhere: row i is at base + row[i] * ld elements (base + i * ld if row is
 * NULL). */
typedef struct chi_view {
  const void *base;
  int64_t ld;
  const int64_t *row;
  int64_t n_rows;
} chi_view;

static inline const void *chi_row_at(const chi_view *v, chi_real real, int64_t i, int64_t column)
{
  const int64_t row = v->row == NULL ? i : v->row[i];
  return (const char *)v->base + (row * v->ld + column) * (int64_t)real;
}

/** Work space of one thread. */
typedef struct chi_thread_work {
  void *gather;        /* basis x block: columns of C picked for one alpha */
  void *gather_y;      /* max_half x block */
  void *prediction;    /* (max_half + 1) x block */
  double *r, *spread;  /* block: Pearson's r, and the root of the predictions' squares */
  double *mean, *norm; /* block: statistics of picked targets */
  int64_t *picked;     /* block: targets that chose one alpha */
  double *factor;   /* dual: train x train (NULL for thread 0: it uses the Gram's upper triangle);
                       primal: p x p; banded: a band */
  double *solve;    /* dual, svd: max_half x basis; primal: max_held_out x p; banded: basis x ld */
  double *shrunk;   /* svd: max_half x rank */
  double *sums;     /* primal: (class, p, block) */
  double *fold_sum; /* primal: p x block; banded: basis x chi_apart(block) */
  double *rotate;   /* banded: work of chi_band_rotate */
  double *class_mean; /* primal: (class, block) means of the responses */
  double *offset;     /* primal: (class, p) */
  double *fold_mean;  /* primal: p */
  double *responses;  /* primal: max_class x block */
  void *basis;        /* primal: (fold, basis, block), of type real */
  chi_stages stages;
} chi_thread_work;

typedef struct chi_dual {
  double *panel;    /* (train + held-out) x CHI_PANEL */
  double *gram;     /* train x train: K in the lower triangle, thread 0's factor in the upper; then
                       held-out x train: Z_ho Z' */
  double *diagonal; /* train: K's */
} chi_dual;

typedef struct chi_svd {
  double *z; /* (train + held-out) x features */
  double *u, *s, *vt;
  double *project; /* held-out x rank: Z_ho V */
  double *work;    /* of chi_dsvd */
} chi_svd;

/** Rows that train the same folds. */
typedef struct chi_class {
  int64_t first, end; /* where they are, sorted by class */
  uint32_t train;     /* the folds, as bits */
  double weight;      /* sum of theirs */
} chi_class;

typedef struct chi_primal {
  chi_class class[CHI_MAX_CLASSES];
  int64_t *class_row;  /* n_rows, sorted by class */
  double *class_scale; /* n_rows: square roots of their weights */
  double *x;           /* n_rows x p, in class order: minus the class's mean, times sqrt(weight);
                          then in the whitened basis */
  double *mean;        /* (class, p): of the features; then whitened */
  double *squares;     /* (class, p): sums of squares about the class's mean, standardised */
  double *low, *high;  /* (class, p): least and greatest value */
  double *scale;       /* p: 1 / standard deviation over all rows; 0: constant */
  double *whiten;      /* p x p: upper triangle U with X'X + a_min I = U'U, X standardised */
  double *unwhiten;    /* p x p: U'^-1 */
  double *variance;    /* (fold, p): of the standardised features in training; 0: constant */
  double *gram[CHI_MAX_FOLDS]; /* p x p: lower P; upper, for a fold with a basis of its own, the
                                  factor of P + a_min R */
  double *diagonal;            /* p: P's */
  double *penalty;             /* p x p: lower R */
  double *scatter;             /* p x p: room */
  double *z;                   /* held-out x p, whitened */
  bool own_basis[CHI_MAX_FOLDS];
  bool exact_sums; /* some fold wants its sums in float64 */
  bool narrow;     /* x holds float32, and so do the sweep's responses and sums */
} chi_primal;

/** A distance between rows of n that does not fall on the same sets of the cache. */
static inline int64_t chi_apart(int64_t n)
{
  return (n + 7) / 8 * 8 + (n % 64 == 0 || n % 64 > 56 ? 8 : 0);
}

/** Q and T of a fold's matrix. */
typedef struct chi_band_form {
  double *reflectors; /* basis x basis */
  double *triangles;  /* basis x CHI_BAND */
  double *first;      /* basis x (CHI_BAND + 1): factor of T + a_min I */
} chi_band_form;

typedef struct chi_banded {
  int64_t order;                     /* of the fold's matrix: that of its Gram matrix, rounded up */
  int64_t ld;                        /* of held_out */
  chi_band_form form[CHI_MAX_FOLDS]; /* the dual keeps one fold's at a time: all are the same */
  double *band;                      /* basis x (CHI_BAND + 1): T */
  double *work;                      /* of chi_band_reduce */
  double *held_out;                  /* basis x ld: H Q, transposed */
  float *basis;                      /* dual: (fold, basis, target): C */
} chi_banded;

/** Whether a class's rows train a fold; all train fold -1, the whole. */
static inline bool chi_class_trains(const chi_primal *w, int64_t class, int32_t fold)
{
  return fold < 0 || (w->class[class].train >> fold & 1) != 0;
}

/** Everything one fit works on. */
typedef struct chi_fit_work {
  chi_shape shape;
  int32_t n_counted[2]; /* by half: folds in the mean */
  const double *alphas;
  const chi_rows *rows;
  const chi_responses *responses;
  const chi_features *features;
  int64_t target0, n_targets; /* the targets asked for */
  chi_fold folds[CHI_MAX_FOLDS];
  char *b_validation; /* by fold: (alpha of the wave, row, basis); primal: (fold, alpha, row, basis)
                       */
  char *b_test;       /* (fold, alpha, row, basis) */
  double *validation; /* (alpha, target): r summed over folds */
  double *test;       /* (target) */
  int32_t *choice;    /* (target): index of the chosen alpha, -1: none */
  double *mean, *norm; /* (fold, half, target): of the responses; norm 0: constant */
  chi_thread_work *thread;
  union {
    chi_dual dual;
    chi_svd svd;
    chi_primal primal;
  };
  chi_banded banded;
} chi_fit_work;

/** The rank of a fold's standardised training features, at most. */
static inline int64_t chi_fold_rank(const chi_fit_work *work, int32_t fold)
{
  const int64_t n = work->folds[fold].n_train, p = work->shape.n_features;
  return n < p ? n : p;
}

/** The work space of the calling thread within its parallel region. */
static inline chi_thread_work *chi_thread(const chi_fit_work *work)
{
  return &work->thread[omp_get_thread_num()];
}

/** Targets [t0, t0 + n) and the work space of the thread that has them. */
typedef struct chi_block {
  int64_t t0, n;
  chi_thread_work *t;
} chi_block;

/* ---- encode.c ---- */

struct chi_encoder {
  chi_encode_options options;
  double *alphas;
  char *memory; /* of the largest fit so far */
  int64_t bytes;
};

/** The folds of the work's rows, and how many count. */
void chi_work_folds(chi_fit_work *work);

/** How many blocks the targets asked for make; block b, for the calling thread. */
int64_t chi_block_count(const chi_fit_work *work);
chi_block chi_block_at(const chi_fit_work *work, int64_t b);

/** The wide electrodes among [electrode0, electrode1): [first, end) of responses->wide, and those
 * responses. */
typedef struct chi_wide_range {
  int64_t first, end;
  chi_responses responses;
} chi_wide_range;
chi_wide_range chi_wide_of(const chi_responses *responses, int64_t electrode0, int64_t electrode1);

/** Begin a fold by the work's route, and make and store its operators for alphas [a0, a1). Threads
 * inside. \return CHI_ERR_NUMERIC naming the fold */
chi_status chi_fold_begin(chi_fit_work *work, int32_t fold);
chi_status chi_fold_operators(chi_fit_work *work, int32_t fold, int32_t a0, int32_t a1);

/* ---- stages.c: time of a stage, on one thread ---- */

/** Add what the threads of a work took. \param stages  NULL: nothing is done */
void chi_stages_collect(const chi_fit_work *work, chi_stages *stages);

typedef struct chi_stage_clock {
  double cpu, wall;
} chi_stage_clock;
chi_stage_clock chi_stage_start(void);
/** Add what has gone by since the clock was started to a stage, and start it again. */
void chi_stage_stop(chi_stages *stages, int stage, chi_stage_clock *clock, double flops);

/** Flops of a product of m x k and k x n. */
static inline double chi_flops(int64_t m, int64_t n, int64_t k)
{
  return 2 * (double)m * (double)n * (double)k;
}

/* ---- rows.c ---- */

/** Fill folds from rows. The lists of all stand in those of the first, which have room for them:
 * n_folds x n_rows. */
void chi_rows_folds(const chi_rows *rows, int32_t n_folds, chi_fold *folds);

/** The classes of rows.
 * \param[out] class  CHI_MAX_CLASSES of them
 * \return how many there are, or -1: too many */
int64_t chi_rows_classes(const chi_rows *rows, chi_class *class);

/* ---- shape.c ---- */

/** Route and sizes for some rows. */
chi_shape chi_shape_of(const chi_encode_options *options, const chi_rows *rows, int64_t n_features,
                       int64_t n_electrodes, int64_t n_times);
/** The same for the wide electrodes, which are a block each: it does not depend on how many they
 * are. */
chi_shape chi_shape_of_wide(const chi_encode_options *options, const chi_rows *rows,
                            int64_t n_features, int64_t n_times);

/** Place all arrays of a fit in the arena. */
void chi_work_layout(chi_fit_work *work, chi_arena *arena);

/* ---- moments.c ---- */

#define CHI_COLUMNS 256 /* columns at a time: their sums stay in the first-level cache */

/** Columns [c0, c0 + n) of an event's features or responses as float64; features less their values
 * at the study's first event: what a large offset would cost in the moments is then not lost.
 * \param[out] out  n */
typedef void chi_reader(const chi_fit_work *work, int64_t event, int64_t c0, int64_t n,
                        double *out);
chi_reader chi_read_features, chi_read_responses;

/** Read n numbers of type real from position `at` on, or write them. */
void chi_reals_read(chi_real real, int64_t n, const void *in, int64_t at, double *out);
void chi_reals_write(chi_real real, int64_t n, const double *in, void *out, int64_t at);

typedef struct chi_events {
  int64_t n;
  const int64_t *event;
  const double *weight;
} chi_events;

typedef struct chi_moments {
  double weight; /* of all events */
  double mean[CHI_COLUMNS];
  double squares[CHI_COLUMNS]; /* about the mean; 0 in a column that is constant */
} chi_moments;

/** Moments of n <= CHI_COLUMNS columns over some events. */
void chi_moments_make(const chi_fit_work *work, chi_reader *read, chi_events events, int64_t c0,
                      int64_t n, chi_moments *out);

/** Weighted sum, least and greatest of n columns, row by row. */
void chi_range_start(int64_t n, double *sum, double *low, double *high);
void chi_range_add(int64_t n, double w, const double *x, double *sum, double *low, double *high);

/* ---- standardise.c ---- */

/** Standardise columns [c0, c1) by the fold's training rows; those constant in training become 0.
 * \param[out] z  (n_train + held-out) x ld: training rows times sqrt(weight), then held-out rows */
void chi_standardise(const chi_fit_work *work, const chi_fold *fold, int64_t c0, int64_t c1,
                     double *z, int64_t ld);

/* ---- the routes: dual.c, svd.c, primal.c, banded.c ---- */

#define CHI_PANEL 512

/** Start a fold: Gram and cross product, or the decomposition. Threads inside. */
chi_status chi_dual_begin(chi_fit_work *work, int32_t fold);
chi_status chi_svd_begin(chi_fit_work *work, int32_t fold);
chi_status chi_primal_begin(chi_fit_work *work, int32_t fold);
/** Make and store both B of an alpha, by one thread. */
chi_status chi_dual_operator(chi_fit_work *work, int32_t fold, int32_t alpha, chi_thread_work *t);
chi_status chi_svd_operator(chi_fit_work *work, int32_t fold, int32_t alpha, chi_thread_work *t);
chi_status chi_primal_operator(chi_fit_work *work, int32_t fold, int32_t alpha, chi_thread_work *t);
chi_status chi_banded_operator(chi_fit_work *work, int32_t fold, int32_t alpha, chi_thread_work *t);

/** dual, banded: C of a fold for the targets of a block, to banded.basis. */
void chi_dual_basis(chi_fit_work *work, int32_t fold, chi_block block);

/** What the primal needs before its first fold: classes, and their Gram matrices. */
chi_status chi_primal_prepare(chi_fit_work *work);

#define CHI_ROTATED 128 /* held-out rows that a thread rotates at a time */

/** Make a fold's Gram matrix banded, and rotate its held-out rows. Threads inside.
 * \param[in] n      order of the Gram matrix
 * \param[in] gram   lower triangle
 * \param[in] scale  n; gram and h are multiplied by it from both sides, from the right. NULL: 1
 * \param[in] h      held-out x n */
chi_status chi_banded_begin(chi_fit_work *work, int32_t fold, int64_t n, const double *gram,
                            const double *scale, const double *h);
/** C of n targets, in place: from Y_tr (dual) or Z'Y_tr (primal), order x n. */
void chi_banded_basis(chi_fit_work *work, int32_t fold, int64_t n, double *c, int64_t ldc,
                      chi_thread_work *t);

/* ---- classes.c ---- */

/** Fill the primal's classes, x (standardised over all rows, each class about its mean), mean,
 * squares, scale and variance. */
void chi_classes_standardise(chi_fit_work *work);

/** To t->offset (class, p): sqrt(W_c) (m_c - m) for the classes that train the fold (-1: the
 * whole), else 0; m goes to t->fold_mean. The means are those of primal.mean, whitened or not. */
void chi_classes_offsets(const chi_fit_work *work, int32_t fold, chi_thread_work *t);

/* ---- primal_basis.c ---- */

/** Once all operators are made: the sweep over the responses may be float32 where the product is,
 * unless some fold needs better sums. */
void chi_primal_narrow(chi_fit_work *work);
/** C of every fold for the targets of a block: its thread's basis, (fold, basis, n). */
void chi_primal_basis(chi_fit_work *work, chi_block block);

/* ---- product.c ---- */

/** Where the B of a fold, half and alpha is: (half size + 1) x basis, of type shape.real. */
void *chi_operator(const chi_fit_work *work, int32_t fold, int half, int32_t alpha);

/** Rows of an operator that differ by less, relative to their size, are equal but for rounding:
 * then a prediction is constant, though the responses may add up to next to nothing. */
#define CHI_ROUNDING 1e-12

/** Store B (rows x k float64) centred over its rows' weights, and its mean as a last row; column j
 * is multiplied by column_scale[j] (NULL: by 1). */
void chi_operator_store(chi_fit_work *work, int32_t fold, int half, int32_t alpha, const double *b,
                        int64_t k, const double *column_scale);

/** The same from B's transpose (k x ld): the columns of a half's rows, centred, then their mean.
 * Type real is float32. */
void chi_operator_store_turned(chi_fit_work *work, int32_t fold, int half, int32_t alpha,
                               const double *b, int64_t ld, int64_t k);

/** The targets of a block that chose an alpha: their positions in it, ascending.
 * \param[out] picked  n \return how many */
int64_t chi_pick(const int32_t *choice, int64_t n, int32_t alpha, int64_t *picked);

/** Copy n columns of all rows of a view together: the first ones, or those picked.
 * \param[out] to  v.n_rows x n */
chi_view chi_gather(chi_view v, chi_real real, int64_t n, const int64_t *picked, void *to);

/** Predictions of n targets of a block, the first or those picked, to t->prediction, and their r to
 * t->r.
 * \return their responses: picked ones are t->gather_y */
chi_view chi_score(const chi_fit_work *work, int32_t fold, int half, int32_t alpha, chi_block block,
                   int64_t n, const int64_t *picked);

/** Add the validation r of one block of targets, for one fold and alpha. */
void chi_validate_block(chi_fit_work *work, int32_t fold, int32_t alpha, chi_block block);
/** Add the test r of one block of targets, each at its chosen alpha. */
void chi_test_block(chi_fit_work *work, int32_t fold, chi_block block);

/* ---- score.c ---- */

/** Mean and norm of the responses of a block of targets in every half of every fold. */
void chi_target_statistics(chi_fit_work *work, chi_block block);

/** Pearson r of n targets over a half, to t->r, and the root of the weighted sum of squares of
 * their predictions to t->spread: predictions as the product gives them, t->prediction; responses y
 * with t->mean and t->norm. */
void chi_pearson(const chi_fit_work *work, int32_t fold, int half, int64_t n, chi_view y,
                 chi_thread_work *t);
