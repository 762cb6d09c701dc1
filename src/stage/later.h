/** \file later.h
 * What the stages after the fit share: the study and the scores that a run's fit.h5 is of, and the
 * lengths of blocks of events. Collective on the stage's comm unless they say otherwise. */
#pragma once

#include "stage/chosen.h"
#include "stage/stage.h"

/** Texts of fit.h5. Start as {0}; free with chi_later_free. */
typedef struct chi_later {
  char *study_path, *checksum;
} chi_later;

/** Open the study that was fitted, unchanged, into s->study and s->checksum. Its scores may have
 * been made by another BLAS kernel. \return CHI_ERR_USAGE if it has changed since */
chi_status chi_later_open(chi_stage *s, chi_later *later);
void chi_later_free(chi_later *later);

/** How many events of every recording go together, ranks sharing the recordings.
 * \param[in]  block   as given; 0: as the recording calls for (chi_draws_length)
 * \param[out] length  by dataset; free with chi_free
 * \return CHI_ERR_USAGE if there are fewer events */
chi_status chi_later_lengths(chi_stage *s, int64_t block, int32_t **length);

/** Log the lengths of the first recordings. Local. \param[in] what  "events are drawn" */
void chi_later_log_lengths(const chi_stage *s, const int32_t *length, const char *what);

/** An option that the stage's section of a config.yaml must have. Local.
 * \param[out] value  free with chi_free \return CHI_ERR_INPUT if it is not there */
chi_status chi_later_option(const char *run, const chi_schema *schema, const char *section,
                            const char *name, char **value);

/** The rows of a joined run's file, by the stage's options and the joined fit.h5. Collective on
 * comm.
 * \param[out] rows      free with chi_chosen_free, also after a failure
 * \param[out] by_space  whether they are feature spaces */
chi_status chi_later_joined(MPI_Comm comm, const char *run, const chi_study *study,
                            const chi_schema *schema, const char *section, chi_chosen **rows,
                            bool *by_space);
