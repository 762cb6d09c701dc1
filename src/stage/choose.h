/** \file choose.h
 * Which layer of each model is bootstrapped at each site (`--layer-selection`). */
#ifndef CHIASM_STAGE_CHOOSE_H
#define CHIASM_STAGE_CHOOSE_H

#include <mpi.h>

#include "chiasm/run.h"
#include "chiasm/study.h"
#include "store/content.h"

typedef enum chi_layer_selection {
  CHI_LAYERS_SITE,  /* the one with the best validation r there */
  CHI_LAYERS_FINAL, /* the deepest */
  CHI_LAYERS_ALL
} chi_layer_selection;

/** List the rows of an alignment: its models, or for CHI_LAYERS_ALL their feature spaces. Local.
 * \param[in]  models  shell patterns parted by commas; NULL: all
 * \param[out] rows    `space` is not filled */
chi_status chi_choose_rows(const chi_alignment *alignment, chi_layer_selection selection,
                           const char *models, chi_bootstrap_rows *rows);

/** Read RUN's fit.h5 on rank 0 and choose; all ranks get the rows of every alignment. Collective on
 * comm.
 * \param[in]  models  shell patterns parted by commas
 * \param[out] rows    by alignment, block_length left NULL; free with chi_choose_free
 * \return CHI_ERR_USAGE if the fit is not complete, or no model fits the patterns;
 *         CHI_ERR_INPUT if fit.h5 is damaged or not of this study */
chi_status chi_choose_layers(MPI_Comm comm, const char *run, const chi_study *study,
                             chi_layer_selection selection, const char *models,
                             chi_bootstrap_rows **rows);
void chi_choose_free(const chi_study *study, chi_bootstrap_rows **rows);

#endif
