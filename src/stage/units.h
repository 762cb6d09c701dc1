/** \file units.h
 * The list of what a stage has to do. All local, and the same on every rank that makes it from the
 * same arguments. */
#pragma once

#include <stdint.h>

#include "study/layers.h"
#include "sweep/sweep.h"

/** One unit of work: a layer of one recording, and what of it. */
typedef struct chi_stage_unit {
  chi_layer layer;
  int64_t begin, end; /* the fit: the recording's electrodes; the bootstrap: replicates */
} chi_stage_unit;

typedef struct chi_unit_list {
  int64_t n;
  chi_stage_unit *what; /* n */
  chi_unit *unit;       /* n, the same units as the sweep sees them */
  int64_t models;       /* encoding models in all of them */
} chi_unit_list;

/** Start a list with room for n units; free with chi_unit_list_free.
 * \return CHI_ERR_USAGE if the study has more layers than the sweep can number */
chi_status chi_unit_list_create(const chi_study *study, int64_t n, chi_unit_list *list);
void chi_unit_list_free(chi_unit_list *list);

/** Add a unit, for which there is room.
 * \param[in] cost    flops
 * \param[in] models  in it */
void chi_unit_list_add(chi_unit_list *list, const chi_stage_unit *what, double cost,
                       int64_t models);

/** The electrodes of a recording that take part in one of its layers. */
typedef struct chi_picked {
  int64_t n, room;
  int64_t *electrode; /* n, ascending; of the dataset */
  int64_t row;        /* of the results, in the alignment */
} chi_picked;
