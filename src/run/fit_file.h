/** \file fit_file.h
 * fit.h5 as a file: making it, and checking one that is there. Rank 0 alone, through serial HDF5.
 */
#ifndef CHIASM_RUN_FIT_FILE_H
#define CHIASM_RUN_FIT_FILE_H

#include <hdf5.h>
#include <stdint.h>

#include "chiasm/run.h"
#include "h5/labelled.h"

enum { CHI_FIT_FORMAT = 1 }; /* attribute chiasm_format */

/** What the file will take on disk, rounded up; bytes. */
int64_t chi_fit_file_bytes(const chi_study *study, const chi_provenance *provenance);

/** Make RUN/fit.h5 with all its labels and every score NaN: as fit.h5.tmp, every block of it
 * allocated on disk, synced, renamed. A failure leaves neither.
 * \return CHI_ERR_IO naming the file and the space that is left, CHI_ERR_MEMORY */
chi_status chi_fit_file_create(const char *run, const chi_study *study,
                               const chi_provenance *provenance, int ranks);

/** The group of one alignment: its labels, and then the tables that scores are written into, flags
 * and checksums before them. The caller holds chi_h5_lock.
 * \param[in]  file  open to write
 * \param[out] l     end with chi_labelled_end, also after a failure */
chi_status chi_fit_file_labels(hid_t file, const chi_study *study, const chi_alignment *alignment,
                               chi_labelled *l);
chi_status chi_fit_file_tables(chi_labelled *l);

/** What every file of a run says of itself: format, options, study, and how it was made. The caller
 * holds chi_h5_lock. */
herr_t chi_fit_file_attributes(hid_t file, const chi_study *study, const chi_provenance *provenance,
                               int ranks);

/** Check that RUN/fit.h5 is whole and belongs to this study and these options.
 * \return CHI_ERR_INPUT if it is damaged, CHI_ERR_USAGE naming the first difference */
chi_status chi_fit_file_check(const char *run, const chi_study *study,
                              const chi_provenance *provenance);

/** Whether a file of the run ("fit.h5", "bootstrap.h5") says that it was made with these options,
 * of this study, and where provenance names a BLAS kernel by that. \return as chi_fit_file_check */
chi_status chi_fit_file_check_texts(const char *run, const char *name,
                                    const chi_provenance *provenance);

#endif
