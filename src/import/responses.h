/** \file responses.h
 * From recordings to a response file of a study, by all ranks together. */
#pragma once

#include <mpi.h>

#include "import/raw.h"

/** Make STUDY/responses/<subject>.<alignment>.h5; the study's folder is made if it is not there,
 * and nothing else in it is touched. The electrodes are parted over the ranks. Collective on comm;
 * the recordings must be the same on all ranks.
 * \param[in] overwrite  replace that file if it is there
 * \return CHI_ERR_USAGE if it is there; CHI_ERR_INPUT, CHI_ERR_IO; then there is no new file */
chi_status chi_import_responses(MPI_Comm comm, chi_raw *raw, const char *study, bool overwrite);
