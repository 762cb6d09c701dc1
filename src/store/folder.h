/** \file folder.h
 * The folder of a run and the files it may hold. All local. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "chiasm/status.h"

/** What there is at a run's path. */
typedef enum chi_run_folder_kind {
  CHI_FOLDER_NONE,    /* nothing */
  CHI_FOLDER_EMPTY,   /* an empty folder */
  CHI_FOLDER_RUN,     /* a folder with a file that only a run has */
  CHI_FOLDER_FOREIGN, /* a folder with other things in it */
  CHI_FOLDER_NO_FOLDER
} chi_run_folder_kind;

/** Look what is at `run`. \return CHI_ERR_IO if that cannot be found out */
chi_status chi_run_folder_look(const char *run, chi_run_folder_kind *kind);

/** Whether the folder holds a file of this name (of any kind, a dangling link too). */
bool chi_run_folder_has(const char *run, const char *name);

/** Make the folder; its parent must be there. An existing folder is fine.
 * \return CHI_ERR_USAGE if the parent is missing, CHI_ERR_IO */
chi_status chi_run_folder_make(const char *run);

/** Remove a results file of the run and what is made of it, and perhaps of others beside it; of
 * fit.h5 every file that chiasm writes there, but the lock. Links are removed, not followed; other
 * files stay. */
chi_status chi_run_folder_clear_from(const char *run, const char *file);

/** Before a job writes into the run, with the lock held alone: remove what a killed one left
 * half-written, as NAME.tmp, of all stages, and refuse what is there under the name of a file of
 * the run and is none of its own: a link, through which the run would write elsewhere, or a pipe.
 * \return CHI_ERR_INPUT naming it */
chi_status chi_run_folder_take(const char *run);
