/** \file petsc.h
 * PETSc's errors as chiasm's. Inside src/linalg/petsc only. Local. */
#ifndef CHIASM_LINALG_PETSC_PETSC_H
#define CHIASM_LINALG_PETSC_PETSC_H

#include <petscmat.h>

#include "chiasm/status.h"

/** What a call of PETSc gave back, as a status with PETSc's own message. */
chi_status chi_petsc_status(PetscErrorCode code);

#endif
