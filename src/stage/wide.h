/** \file wide.h
 * The electrodes whose responses float32 cannot hold (chi_wide_target), found before the first
 * unit.
 */
#pragma once

#include <mpi.h>

#include "chiasm/encode.h"
#include "chiasm/study.h"

/** The wide electrodes of a dataset. */
typedef struct chi_wide {
  int64_t n, room;
  int64_t *electrode; /* n, ascending */
} chi_wide;

/** Find those of every dataset, ranks sharing the recordings, and name some in the log; none with
 * `--precision double`. A recording that cannot be read has none: its units will say why.
 * Collective on comm. \param[out] wide  by dataset; free with chi_wide_free, also after a failure
 * \return CHI_ERR_MEMORY */
chi_status chi_wide_find(MPI_Comm comm, const chi_study *study, const chi_encode_options *encode,
                         chi_wide **wide);
void chi_wide_free(const chi_study *study, chi_wide **wide);
