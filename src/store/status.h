/** \file status.h
 * How far a run is, by the flags in its files and what its job last said. */
#pragma once

#include "chiasm/status.h"

/** Print it; where there is no run yet, but RUN.parts with the runs of a job array, their states.
 * Local.
 * \param[out] exit_code  0: complete; 1: complete, with failed units; 3: unfinished
 * \return CHI_ERR_INPUT if there is no such run, or it is damaged */
chi_status chi_run_status(const char *run, int *exit_code);
