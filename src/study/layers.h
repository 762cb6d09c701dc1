/** \file layers.h
 * What every stage that fits learns of a study before it starts: its catalog, how the layers are
 * numbered and held in memory, and its checksum. */
#pragma once

#include <mpi.h>
#include <stdint.h>

#include "chiasm/study.h"

/** A layer as it is fitted: a feature space of one recording. */
typedef struct chi_layer {
  int64_t number;             /* by alignment, space and subject */
  int32_t alignment, dataset; /* dataset: index into study->datasets */
  int64_t space;
  int64_t n_features; /* 0: the recording lacks it */
} chi_layer;
chi_layer chi_layer_of(const chi_study *study, int32_t dataset, int64_t space);

/** How many layers there are, and their numbers are below it. Local. */
int64_t chi_layer_count(const chi_study *study);

/** Rank 0 opens the study, logging its warnings; all ranks get its catalog. Collective on comm.
 * \param[out] study  destroy with chi_study_destroy
 * \return CHI_ERR_INPUT with the first problem, or if nothing fits the selection */
chi_status chi_layers_open_study(MPI_Comm comm, const char *path, const chi_selection *selection,
                                 chi_study **study);

/** Find out how the numbers of every n_parts-th layer are held. Local.
 * \param[out] real  by layer: chi_real of its features in memory, 0 of other layers; free with
 *                   chi_free, also after a failure */
chi_status chi_layers_reals_part(const chi_study *study, int part, int n_parts, uint8_t **real);

/** How every layer's numbers are held; ranks share the files. Collective on comm.
 * \param[out] real  by layer: chi_real of its features in memory; free with chi_free */
chi_status chi_layers_reals(MPI_Comm comm, const chi_study *study, uint8_t **real);

/** The checksum of every file of the study, each of which one rank reads. Collective on comm.
 * \param[out] sums  study->n_files, known on all ranks; free with chi_free */
chi_status chi_layers_file_checksums(MPI_Comm comm, const chi_study *study, uint64_t **sums);

/** A sum of them as fit.h5's study_checksum has it. Local. */
void chi_layers_checksum_text(uint64_t sum, char checksum[17]);

/** The checksum of the whole study: the sum of its files', which ranks share. Collective on comm.
 * \param[out] checksum  16 hex digits and a NUL */
chi_status chi_layers_checksum(MPI_Comm comm, const chi_study *study, char checksum[17]);
