/** \file fit_file.h
 * fit.h5 as a file: making it, and checking one that is there. Rank 0 alone, through serial HDF5.
 */
#ifndef CHIASM_RUN_FIT_FILE_H
#define CHIASM_RUN_FIT_FILE_H

#include <hdf5.h>
#include <stdint.h>

#include "chiasm/run.h"

enum { CHI_FIT_FORMAT = 1 }; /* attribute chiasm_format */

/** What the file will take on disk, rounded up; bytes. */
int64_t chi_fit_file_bytes(const chi_study *study, const chi_provenance *provenance);

/** Make RUN/fit.h5 with all its labels and every score NaN: as fit.h5.tmp, every block of it
 * allocated on disk, synced, renamed. A failure leaves neither.
 * \return CHI_ERR_IO naming the file and the space that is left, CHI_ERR_MEMORY */
chi_status chi_fit_file_create(const char *run, const chi_study *study,
                               const chi_provenance *provenance, int ranks);

/** The group of one alignment: labels, and scores to be written later. The caller holds
 * chi_h5_lock. \param[in] file  open to write */
chi_status chi_fit_file_alignment(hid_t file, const chi_study *study,
                                  const chi_alignment *alignment);

/** Write one string attribute, variable-length UTF-8. The caller holds chi_h5_lock. */
herr_t chi_fit_file_attribute(hid_t object, const char *name, const char *value);

/** Check that RUN/fit.h5 is whole and belongs to this study and these options.
 * \return CHI_ERR_INPUT if it is damaged, CHI_ERR_USAGE naming the first difference */
chi_status chi_fit_file_check(const char *run, const chi_study *study,
                              const chi_provenance *provenance);

/** A failed HDF5 call on the way to writing `what` into RUN/fit.h5: the line with HDF5's reason and
 * the space that is left. \return CHI_ERR_IO */
chi_status chi_fit_file_failed(const char *path, const char *what);

#endif
