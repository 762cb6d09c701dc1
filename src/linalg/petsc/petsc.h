/** \file petsc.h
 * PETSc's start, end and errors. Inside src/linalg/petsc only. */
#pragma once

#include <petscmat.h>

#include "chiasm/status.h"

/** As chi_projection_start and chi_projection_stop. */
chi_status chi_petsc_start(MPI_Comm comm);
void chi_petsc_stop(void);

/** What a call of PETSc gave back, as a status with PETSc's own message. Local. */
chi_status chi_petsc_status(PetscErrorCode code);
