/** \file write_parallel.h
 * A response file that all ranks fill: rank 0 makes PATH.tmp with everything but the numbers
 * (write.h), every rank writes blocks of these through MPI-IO, and the file gets its name once it
 * is whole and synced. The bytes do not depend on the number of ranks. */
#ifndef CHIASM_STUDY_WRITE_PARALLEL_H
#define CHIASM_STUDY_WRITE_PARALLEL_H

#include <mpi.h>

#include "study/write.h"

typedef struct chi_parallel_writer chi_parallel_writer;

/** Begin a file. Collective on comm.
 * \param[in] header  looked at on rank 0
 * \return CHI_ERR_IO; then *out is NULL and there is no file */
chi_status chi_parallel_writer_create(MPI_Comm comm, const char *path,
                                      const chi_response_header *header, chi_parallel_writer **out);

/** Write some events of some electrodes, whom no other call writes. Local.
 * \param[in] numbers  n_events x n_electrodes x n_times */
chi_status chi_parallel_writer_put(chi_parallel_writer *writer, int64_t event, int64_t n_events,
                                   int64_t electrode, int64_t n_electrodes, const float *numbers);

/** Close the file; give it its name if `status` is CHI_OK on all ranks, else remove it. *writer is
 * NULL afterwards. Collective.
 * \return the agreed status; CHI_ERR_IO */
chi_status chi_parallel_writer_finish(chi_parallel_writer **writer, chi_status status);

#endif
