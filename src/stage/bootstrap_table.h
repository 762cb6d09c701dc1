/** \file bootstrap_table.h
 * What the bootstrap says when it ends. */
#ifndef CHIASM_STAGE_BOOTSTRAP_TABLE_H
#define CHIASM_STAGE_BOOTSTRAP_TABLE_H

#include <stdint.h>

#include "chiasm/status.h"
#include "stage/watch.h"

/** Print to stdout what was found, what failed and where the files are; or how to go on. Local; one
 * process.
 * \param[in] again  where it was stopped early: the command that goes on; else NULL
 * \return CHI_ERR_IO if the file has gone, or stdout cannot be written */
chi_status chi_boot_report(const char *run, const chi_watch *watch, const char *again,
                           int64_t failed);

#endif
