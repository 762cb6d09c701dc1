/** \file networks.h
 * The networks of a simulated study. A layer's features are random mixes of 48 components whose
 * variances fall as 1/rank, as those of networks do, and a white floor of a tenth of the variance.
 *
 * A tower holds one latent: V or L in 6 leading components, and half of M in 3 more, each diluted
 * by processes of its own: component = sqrt(q) latent + sqrt(1 - q) own. Where q = 0 the component
 * is its own process alone, of the same distribution (for M a product too). All towers of a side
 * mix their components alike. So towers differ in what they hold and in nothing else, and at a site
 * of kind `both` two towers with M (multimodal) and two without (the concatenation) are the same to
 * a regression: as many components, as many features, the same spectrum, the same share of V and L,
 * and M is one more process of no concern there. */
#pragma once

#include "simulate/film.h"
#include "simulate/simulate.h"

/** A stack of layers that looks at one side of the film. */
typedef struct chi_tower {
  char key[64];           /* its random numbers: networks that share it differ in q alone */
  bool language;          /* its latent is L, else V */
  double latent, product; /* q at the best layer */
} chi_tower;

typedef struct chi_network {
  char model[64];
  const char *network; /* the trained twin's model name; points into a network of the list */
  const char *modality, *training;
  int n_towers;
  chi_tower tower[2];
} chi_network;

/** All models: `options->networks` of each modality, the controlled pair, and everyone's random
 * twin. \param[out] out  n of them; free with chi_free */
chi_status chi_networks_create(const chi_simulate_options *options, int64_t *n, chi_network **out);

/** Write a network's feature file for one subject and alignment.
 * \param[in] dataset  "<subject>.<alignment>" */
chi_status chi_network_write(const chi_simulate_options *options, const chi_network *network,
                             const char *dataset, const char *path);
