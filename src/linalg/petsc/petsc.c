#include "linalg/petsc/petsc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static char reason[256]; /* of the last error, as PETSc told it first */

/* In place of PETSc's handler, which prints a page. */
static PetscErrorCode take_error(MPI_Comm comm, int line, const char *function, const char *file,
                                 PetscErrorCode code, PetscErrorType type, const char *message,
                                 void *context)
{
  (void)comm;
  (void)line;
  (void)file;
  (void)context;
  if (type == PETSC_ERROR_INITIAL)
    snprintf(reason, sizeof reason, "%s: %.180s", function == NULL ? "?" : function,
             message == NULL ? "no reason given" : message);
  return code;
}

chi_status chi_petsc_status(PetscErrorCode code)
{
  if (code == 0) return CHI_OK;
  for (char *c = reason; *c != '\0'; c++)
    if (*c == '\n') *c = ' ';
  return chi_fail(code == PETSC_ERR_MEM ? CHI_ERR_MEMORY : CHI_ERR_BUG, "PETSc: error %d (%s)",
                  (int)code, reason);
}

/* PETSc reads options from $PETSC_OPTIONS, ~/.petscrc and ./.petscrc; none of them is meant for us.
 */
static PetscErrorCode initialize(void)
{
  static char program[] = "chiasm", no_files[] = "-skip_petscrc",
              no_signals[] = "-no_signal_handler";
  char *words[] = {program, no_files, no_signals, NULL};
  char **argv = words;
  int argc = 3;
  return PetscInitialize(&argc, &argv, NULL, NULL);
}

chi_status chi_petsc_start(MPI_Comm comm)
{
  char *options = NULL;
  if (getenv("PETSC_OPTIONS") != NULL) CHI_TRY(chi_strdup(getenv("PETSC_OPTIONS"), &options));
  unsetenv("PETSC_OPTIONS");
  PETSC_COMM_WORLD = comm;
  const PetscErrorCode code = initialize();
  if (options != NULL) setenv("PETSC_OPTIONS", options, 1);
  chi_free(options);
  if (code != 0) return chi_fail(CHI_ERR_BUG, "PETSc cannot be started: error %d", (int)code);
  return chi_petsc_status(PetscPushErrorHandler(take_error, NULL));
}

void chi_petsc_stop(void)
{
  PetscPopErrorHandler();
  PetscFinalize();
}
