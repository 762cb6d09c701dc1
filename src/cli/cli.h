/** \file cli.h
 * The commands of the program: one file each, options and then one call. */
#ifndef CHIASM_CLI_H
#define CHIASM_CLI_H

#include <mpi.h>

#include "base/options.h"
#include "chiasm/encode.h"
#include "chiasm/run.h"
#include "stage/choose.h"

enum {
  CHI_CMD_SIMULATE = 1,
  CHI_CMD_CHECK = 2,
  CHI_CMD_FIT = 4,
  CHI_CMD_STATUS = 8,
  CHI_CMD_BENCH = 16,
  CHI_CMD_BOOTSTRAP = 32,
  CHI_CMD_SITES = 64,
  CHI_CMD_RUN = 128,
  CHI_CMD_IMPORT_TREEBANK = 256,
  CHI_CMD_IMPORT_EVENTS = 512,
  CHI_CMD_IMPORT_FEATURES = 1024,
  CHI_CMD_IMPORT_CONCAT = 2048,
  CHI_CMD_BENCH_PROJECT = 4096,
  CHI_CMD_MERGE = 8192,
  CHI_CMD_VERIFY = 16384,
  CHI_CMD_PLAN = 32768,
  CHI_CMD_BENCH_SWEEP = 65536
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

/** The commands, in the order of --help (table.c). */
extern const chi_command chi_command_table[];
extern const int chi_n_commands;

/** The command of a bit. */
const chi_command *chi_cli_command(unsigned bit);

/** A command's work. With a comm collective, and the same status on every rank.
 * \param[out] exit_code  set where CHI_OK is not 0: 1 for "done, but some units failed", 3 for an
 *                        unfinished run (status); else left alone */
typedef chi_status chi_cli_function(const chi_cli *cli, int *exit_code);
chi_cli_function chi_cli_simulate, chi_cli_check, chi_cli_fit, chi_cli_bootstrap, chi_cli_sites,
    chi_cli_run, chi_cli_status, chi_cli_bench;
chi_cli_function chi_cli_import_treebank, chi_cli_import_events, chi_cli_import_features,
    chi_cli_import_concat, chi_cli_bench_project, chi_cli_merge, chi_cli_verify, chi_cli_plan,
    chi_cli_bench_sweep;

/** Options from files, strongest first: -c FILE, RUN/config.yaml when resuming, STUDY/study.yaml,
 * as far as the command has them; the study of a run is the one that fit.h5 names, if it is still
 * there. Rank 0 reads, all ranks get the text. Collective on comm unless
 * that is MPI_COMM_NULL.
 * \return CHI_ERR_INPUT naming file, line and key */
chi_status chi_cli_read_files(MPI_Comm comm, int rank, const chi_command *command,
                              chi_options *options);

/** Before MPI starts: look through what the command is going to read in a child process, so that a
 * damaged file on which HDF5 crashes or computes for ever is named and does not take the job with
 * it. Local. \return CHI_ERR_INPUT naming the file */
chi_status chi_cli_guard(const chi_command *command, chi_options *options);

/** The sections of config.yaml of the commands that the command run is made of, but that of `but`:
 * they say which stages a run is to have. Local. */
void chi_cli_write_parts(const chi_options *options, const chi_command *but, chi_text *out);

/** The command line that goes on with what the command run has left. Local. */
void chi_cli_write_again(const chi_options *options, chi_text *out);

/** What to do with RUN, by --resume and --overwrite. Local.
 * \return CHI_ERR_USAGE if both are given, or a command that has --output lacks it */
chi_status chi_cli_mode(const chi_options *options, chi_run_mode *mode);

/** The stages, as commands of their own and as parts of `run`. Collective on cli->comm.
 * \param[out] exit_code  1 if some units failed; else left alone */
chi_status chi_cli_fit_stage(const chi_cli *cli, chi_run_mode mode, int *exit_code);
chi_status chi_cli_bootstrap_stage(const chi_cli *cli, const char *run, chi_run_mode mode,
                                   int *exit_code);
/** Rank 0 does the work, of seconds. */
chi_status chi_cli_sites_stage(const chi_cli *cli, const char *run);

/** For the guard: the plan of an import of recordings is made, and dropped. Local. */
void chi_cli_import_look(const chi_command *command, const chi_options *options);
void chi_cli_import_features_look(const chi_options *options);

/** What of a study the options select; its patterns are borrowed from them. Local. */
chi_selection chi_cli_selection(const chi_options *options);

/** What --layer-selection says. Local. */
chi_layer_selection chi_cli_layer_selection(const chi_options *options);

/** All options that shape a fit: those of the next, gap and precision.
 * \param[in] fit  options of a command that fits, also if it is not the one run; the threads are
 *                 always those of cli->options */
chi_status chi_cli_fit_options(const chi_cli *cli, const chi_options *fit,
                               chi_encode_options *encode);

/** The options that shape a fit: folds, alphas, threads. Collective on cli->comm.
 * \param[out] encode  its alphas are allocated here; free encode->alphas with chi_free
 * \return CHI_ERR_USAGE if an alpha is given twice */
chi_status chi_cli_encode_options(const chi_cli *cli, const chi_options *fit,
                                  chi_encode_options *encode);

/** Versions of chiasm and of every library it links, on one line each. */
void chi_cli_versions(chi_text *out, const char *separator);

#endif
