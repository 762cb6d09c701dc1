/** \file report.h
 * What the bootstrap says when it ends. */
#ifndef CHIASM_BOOTSTRAP_REPORT_H
#define CHIASM_BOOTSTRAP_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "chiasm/status.h"
#include "sweep/watch.h"

/** Print to stdout what was found, what failed and where the files are; or how to go on. Local; one
 * process. \return CHI_ERR_IO if the file has gone, or stdout cannot be written */
chi_status chi_boot_report(const char *run, const chi_watch *watch, bool stopped, int64_t failed);

#endif
