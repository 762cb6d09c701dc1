/** \file chosen.h
 * The rows of a stage after the fit: models, or with every layer (`--layer-selection all`) feature
 * spaces; and which layer of each is taken at each site. */
#pragma once

#include <mpi.h>

#include "store/choose.h"
#include "store/content.h"

/** List the rows of every alignment, with room for the layers of their sites. Local.
 * \param[in]  models  shell patterns parted by commas; NULL: all
 * \param[out] rows    by alignment, block_length left NULL; free with chi_chosen_free */
chi_status chi_chosen_list(const chi_study *study, chi_layer_selection selection,
                           const char *models, chi_chosen **rows);
void chi_chosen_free(const chi_study *study, chi_chosen **rows);

/** List the rows and choose, by RUN's fit.h5, which rank 0 reads; all ranks get them. Collective on
 * comm.
 * \return CHI_ERR_USAGE if the fit is not complete, or no model fits the patterns;
 *         CHI_ERR_INPUT if fit.h5 is damaged or not of this study */
chi_status chi_chosen_find(MPI_Comm comm, const char *run, const chi_study *study,
                           chi_layer_selection selection, const char *models, chi_chosen **rows);
