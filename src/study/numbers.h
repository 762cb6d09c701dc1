/** \file numbers.h
 * The large datasets of a study, /response and the layers, read by rows. All local; the HDF5 lock
 * is taken inside, for one piece at a time. */
#pragma once

#include "chiasm/study.h"
#include "h5/h5.h"

/** A dataset open for reading: rows x columns, the further dimensions taken as one. */
typedef struct chi_numbers {
  char where[1024]; /* the file, below the study's folder */
  char object[256]; /* "/response", "/layers/conv1" */
  hid_t file;
  chi_h5_dataset dataset;
  int64_t rows, columns;
  int64_t step;   /* rows to read at a time: whole chunks, about 64 MB */
  bool is_half;   /* float16 of this machine's byte order */
  bool is_long;   /* integers that may be too long for a float64 */
  chi_real exact; /* which memory type holds it exactly */
} chi_numbers;

/** Open the responses of a dataset, or one of its layers, by their places in the catalog.
 * \return CHI_ERR_INPUT, also if the file is no longer as the catalog says; CHI_ERR_IO */
chi_status chi_numbers_open_responses(const chi_study *study, int32_t dataset,
                                      chi_numbers *numbers);
chi_status chi_numbers_open_layer(const chi_study *study, int32_t alignment, int64_t space,
                                  int32_t dataset, chi_numbers *numbers);

/** Open for reading what is open already as a dataset of numbers (chi_h5_check_numbers), and take
 * over both its handles where CHI_OK: rows along its first dimension, of some rows and columns.
 * \param[in] where, object  the names of file and dataset for messages */
chi_status chi_numbers_take(const char *where, const char *object, hid_t file,
                            const chi_h5_dataset *dataset, chi_numbers *numbers);
void chi_numbers_close(chi_numbers *numbers);

/** Read rows [row0, row0 + n).
 * \param[out] out  n x columns of type `real`
 * \return CHI_ERR_IO */
chi_status chi_numbers_read(const chi_numbers *numbers, int64_t row0, int64_t n, chi_real real,
                            void *out);

/** Read all rows once, n at a time: `rows` is n x columns of type numbers->exact.
 * \return CHI_ERR_IO, CHI_ERR_MEMORY */
typedef void chi_numbers_visit(void *context, int64_t row0, int64_t n, const void *rows);
chi_status chi_numbers_scan(const chi_numbers *numbers, chi_numbers_visit *visit, void *context);

/** Number i of some of either type. */
static inline double chi_number(const void *numbers, chi_real real, int64_t i)
{
  return real == CHI_REAL32 ? (double)((const float *)numbers)[i] : ((const double *)numbers)[i];
}

/** The first of n numbers that is NaN or Inf; n if none is. */
int64_t chi_numbers_find_bad(const void *numbers, chi_real real, int64_t n);
