/** \file repair.h
 * Going on with a file of a run that was cut short or damaged (--resume): what is left of it is
 * used, or it is made again. Rank 0 alone, with the run's lock held. */
#ifndef CHIASM_RUN_REPAIR_H
#define CHIASM_RUN_REPAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "chiasm/run.h"

/** Whether the file that is there is the one that would be made. One that is `cut` short reads as
 * if zeros followed. \return CHI_ERR_INPUT if it is damaged, CHI_ERR_USAGE if it is of something
 * else
 */
typedef chi_status chi_repair_check(void *context, bool cut);

/** What there is to know of a file before it is looked at. All borrowed. */
typedef struct chi_repair_file {
  const char *name;         /* "fit.h5" */
  const char *stage;        /* its section in config.yaml: "fit" */
  const char *section;      /* what that must say */
  const char *const *table; /* n_tables names of what is written into every alignment's group */
  int n_tables;
  int64_t most; /* bytes that it can have */
} chi_repair_file;

/** Take up a file of a run. One that is shorter than it says, and has lost nothing but numbers of
 * its tables, gets its length back, with zeros: flags that are lost say "not yet", scores that are
 * lost do not fit their checksum. One that cannot be read, or has lost more, is removed, if
 * config.yaml says that it was made with these options. Both are told in one line of warning.
 * \param[in]  provenance  what the file must say of itself
 * \param[out] renew       it was removed: make it again
 * \return as check; CHI_ERR_IO: no room for the length it had */
chi_status chi_repair(const char *run, const chi_repair_file *what,
                      const chi_provenance *provenance, chi_repair_check *check, void *context,
                      bool *renew);

/** Remember that HDF5 does not survive reading this file of the run ("fit.h5"), as a child process
 * has found out: chi_repair then does not read it. */
void chi_repair_mark(const char *name);

#endif
