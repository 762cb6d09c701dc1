/** \file aside.h
 * A results file that is known to be damaged. Local. */
#pragma once

#include "chiasm/run.h"
#include "store/schema.h"

/** Rename a run's file to NAME.damaged, so that the stage can start anew, and warn what is lost,
 * with this thread's last message for the reason. The caller holds the run's lock alone.
 * \param[in] provenance  that config.yaml must agree with; NULL: any will do
 * \return CHI_ERR_INPUT with the reason, where config.yaml does not say how the file was made;
 *         CHI_ERR_USAGE where it was made otherwise, CHI_ERR_IO */
chi_status chi_put_aside(const char *run, const chi_schema *schema,
                         const chi_provenance *provenance);
