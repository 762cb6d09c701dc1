/** \file shape.h
 * What the costs of fits and of influences have in common. All local. */
#pragma once

#include "encode/internal.h"

/** Flops, a float64 flop counted twice since it takes twice as long. */
typedef struct chi_cost {
  double shared, target;
} chi_cost;

/** The shape's sizes: rows, training and held-out ones, features, folds, alphas; and what a flop of
 * the product counts. */
typedef struct chi_sizes {
  double n, m, h, p, k, a, weight;
} chi_sizes;
chi_sizes chi_sizes_of(const chi_shape *s);

/** dual: Gram matrices and cross products, and for each alpha a factor and hat matrices;
 * primal: the same of features; svd: the decompositions. */
double chi_dual_shared(const chi_sizes *s);
double chi_primal_shared(const chi_sizes *s);
double chi_svd_shared(const chi_sizes *s);

/** Rounding in a float64 Gram matrix is about eps times its trace, at most n p; beside alpha it
 * must vanish. `double` promises more than that can give. Then the features are decomposed instead;
 * the primal whitens them first and needs no such care, unless it is banded. */
bool chi_wants_svd(const chi_shape *s, double least_alpha);

/** The sizes of a plain fit before there are rows, without a route. */
chi_shape chi_shape_planned(const chi_encode_options *options, int64_t n_events, int64_t n_features,
                            int64_t n_electrodes, int64_t n_times, bool wide);
