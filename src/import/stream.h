/** \file stream.h
 * A recording's signals, read in pieces and made into responses. */
#ifndef CHIASM_IMPORT_STREAM_H
#define CHIASM_IMPORT_STREAM_H

#include <mpi.h>

#include "import/raw.h"

/** What was seen of this rank's electrodes on the way. */
typedef struct chi_stream_report {
  int64_t n_constant; /* electrodes that say the same thing throughout */
  int64_t n_offset;   /* whose offset is so large that float32 keeps few digits of the signal */
  double bytes;       /* of float64 samples gone through */
} chi_stream_report;

/** Stream one recording. Each rank reads its own electrodes, and their neighbours for a Laplacian;
 * the pieces are the same for every number of ranks, and so are the results, to the bit. Collective
 * on comm; electrodes are parted over the ranks in order, so that the average can go from one rank
 * to the next.
 * \param[in]     first, n  this rank's electrodes; n may be 0
 * \param[out]    out       the session's events x n x bins
 * \param[in,out] report    added to
 * \return CHI_ERR_INPUT naming file, object and place */
chi_status chi_stream(MPI_Comm comm, const chi_raw *raw, int64_t session, int64_t first, int64_t n,
                      float *out, chi_stream_report *report);

/** Bytes that chi_stream takes for n electrodes, beside `out`. */
double chi_stream_bytes(const chi_raw *raw, int64_t n);

#endif
