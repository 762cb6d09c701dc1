/** \file library.h
 * What the program takes from the library that it loads to project: all of linalg/petsc, whose
 * calls of chiasm's own functions are the program's. */
#pragma once

#include "linalg/projection.h"

/** The functions of projection.h of the same names. */
typedef struct chi_projection_library {
  chi_status (*start)(MPI_Comm comm);
  void (*stop)(void);
  chi_status (*create)(MPI_Comm comm, chi_random_key key, int64_t n_features, int64_t n_components,
                       chi_projection **out);
  void (*destroy)(chi_projection **projection);
  int64_t (*nonzeros)(const chi_projection *projection);
  chi_status (*apply)(chi_projection *projection, int64_t n, const double *rows, double *out);
} chi_projection_library;

extern const chi_projection_library chi_petsc_library;
