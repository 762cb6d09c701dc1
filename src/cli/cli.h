/** \file cli.h
 * The commands of the program: one file each, options and then one call. */
#ifndef CHIASM_CLI_H
#define CHIASM_CLI_H

#include <mpi.h>

#include "base/options.h"

enum {
  CHI_CMD_SIMULATE = 1,
  CHI_CMD_CHECK = 2,
  CHI_CMD_FIT = 4,
  CHI_CMD_STATUS = 8
};

/** What a command gets. comm is MPI_COMM_NULL for commands that run without MPI. */
typedef struct chi_cli {
  MPI_Comm comm;
  int rank, size;
  const chi_options *options;
} chi_cli;

/** The one table of options (table.c). */
extern const chi_option chi_option_table[];
extern const int chi_n_options;

/** A command's work. With a comm collective, and the same status on every rank.
 * \param[out] exit_code  set to 1 for "done, but some units failed" and the like; else left alone */
typedef chi_status chi_cli_function(const chi_cli *cli, int *exit_code);
chi_cli_function chi_cli_simulate, chi_cli_check, chi_cli_fit, chi_cli_status;

/** Versions of chiasm and of every library it links, on one line each. */
void chi_cli_versions(chi_text *out, const char *separator);

#endif
