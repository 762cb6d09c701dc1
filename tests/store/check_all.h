/** \file check_all.h
 * Checks that every rank makes: a failure on one ends the job at once, where a bare assertion would
 * leave the others waiting in a collective call. */
#pragma once

#include <mpi.h>
#include <stdio.h>

#include "chiasm/status.h"

#define CHECK(condition)                                                                          \
  do {                                                                                            \
    if (!(condition)) {                                                                           \
      fprintf(stderr, "%s:%d: not so: %s (%s)\n", __FILE__, __LINE__, #condition, chi_message()); \
      MPI_Abort(MPI_COMM_WORLD, 1);                                                               \
    }                                                                                             \
  } while (0)
