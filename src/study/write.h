/** \file write.h
 * Writing the response and feature files of a study (formats.md), rows of events at a time, with
 * dimension scales attached, so that netCDF-4 tools find labelled arrays. Equal content gives equal
 * bytes, whatever the rows per call. A file is made as PATH.tmp, with a lock, and bears its name
 * only once it is whole and synced. Local unless told; they take chi_h5_lock inside. */
#pragma once

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "chiasm/status.h"

/** All of a response file but its numbers. Everything borrowed, during the creation only. */
typedef struct chi_response_header {
  const char *subject, *alignment;
  const char *units; /* of the responses */
  int64_t n_events, n_electrodes, n_times;
  const char *const *electrode; /* n_electrodes, unique */
  const char *const *region;    /* n_electrodes; NULL: none */
  const float *x, *y, *z;       /* n_electrodes, mm; x NULL: none */
  const char *space;            /* of the coordinates */
  const double *time;           /* n_times, s */
  double bin_width;             /* s */
  const double *onset;          /* n_events, s */
  const int32_t *session;       /* n_events; NULL: none */
  const int64_t *row;           /* n_events: where each is in the table of events; NULL: not said */
  double sampling_rate;         /* Hz; 0: not said */
  const char *source;           /* where the data come from; NULL: not said */
  bool exchangeable;            /* events are in shuffled order */
} chi_response_header;

/** All of a feature file but its layers. */
typedef struct chi_feature_header {
  const char *model, *network, *modality, *training;
  int64_t n_events;
} chi_feature_header;

/** A file being written. */
typedef struct chi_writer chi_writer;

/** Call before MPI_Init where a program with MPI is going to write. HDF5 that first runs under MPI
 * ends itself in MPI_Finalize, and crashes there over what it could not write to a full disk. */
void chi_writer_prepare(void);

/** Begin a response file with everything but the numbers; then write all events in order.
 * \return CHI_ERR_IO, naming the file and HDF5's reason; CHI_ERR_USAGE: another job writes it */
chi_status chi_writer_create_responses(const char *path, const chi_response_header *header,
                                       chi_writer **out);

/** Begin a feature file; then for each layer chi_writer_add_layer and all its events in order. */
chi_status chi_writer_create_features(const char *path, const chi_feature_header *header,
                                      chi_writer **out);

/** Begin the next layer of a feature file. The one before must have all its events.
 * \param[in] depth  its order in the network */
chi_status chi_writer_add_layer(chi_writer *writer, const char *layer, int32_t depth,
                                int64_t n_features);

/** Write the next n events of the responses or of the layer begun last.
 * \param[in] rows  n x (n_electrodes * n_times or n_features), row-major, float32 */
chi_status chi_writer_append(chi_writer *writer, int64_t n, const float *rows);

/** Begin a response file that all ranks of `comm` fill together, through MPI-IO: rank 0 makes
 * PATH.tmp with everything but the numbers. The bytes do not depend on the number of ranks.
 * Collective.
 * \param[in] header  n_times on every rank, the rest looked at on rank 0
 * \return CHI_ERR_IO; then *out is NULL and there is no file */
chi_status chi_writer_create_shared(MPI_Comm comm, const char *path,
                                    const chi_response_header *header, chi_writer **out);

/** Write some events of some electrodes into such a file, which no other call writes. Local.
 * \param[in] numbers  n_events x n_electrodes x n_times */
chi_status chi_writer_put(chi_writer *writer, int64_t event, int64_t n_events, int64_t electrode,
                          int64_t n_electrodes, const float *numbers);

/** Close the file; sync it and give it its name if `status` is CHI_OK (on all ranks), else remove
 * it. *writer, which may be NULL, is NULL afterwards. Collective for a file of all ranks.
 * \return the first failure: status; CHI_ERR_BUG if events are missing; CHI_ERR_IO */
chi_status chi_writer_finish(chi_writer **writer, chi_status status);
