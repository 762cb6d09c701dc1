/** \file guard.h
 * Work on files that may be damaged, in a child process. Local; for programs without MPI. */
#pragma once

#include "chiasm/status.h"

/** \return the exit code; what it has to say it prints itself */
typedef int chi_guard_work(void *context);

/** Run `work` so that the caller outlives it: where HDF5 crashes on a damaged file, or computes for
 * ten seconds on something small, the child ends and the file is named. A wish to stop
 * (base/stop.h) that reached the caller alone is passed on.
 * \param[out] exit_code  work's, where CHI_OK
 * \return CHI_ERR_INPUT naming the damaged file; CHI_ERR_IO if the child was killed otherwise */
chi_status chi_guard_run(chi_guard_work *work, void *context, int *exit_code);
