/** \file cli.h
 * The commands of the program: a row each in commands.c, their options in options.c, and a function
 * that makes the one call of a lower room out of the options. */
#pragma once

#include <mpi.h>

#include "base/options.h"
#include "chiasm/encode.h"
#include "chiasm/run.h"

/** What a command gets. comm is MPI_COMM_NULL for commands that run without MPI. */
typedef struct chi_cli {
  MPI_Comm comm;
  int rank;
  const chi_options *options;
  int exit_code; /* where the command ends with CHI_OK: 0; 1 for "done, but some units failed"; 2
                    for a study that is wrong (check); 3 for an unfinished run (status, verify) */
} chi_cli;

/* What a command is like: the bits of chi_command.needs. */
enum {
  CHI_CMD_MPI = 1,          /* it runs on any number of ranks; others on one process */
  CHI_CMD_CHILD = 2,        /* all of it runs in a child process, that HDF5 may take with it on a
                               damaged file */
  CHI_CMD_STOPS = 4,        /* a signal stops it where it can be gone on with, or leaves no trace */
  CHI_CMD_WRITES_STUDY = 8, /* under MPI */
  CHI_CMD_OF_STUDY = 16,    /* its argument is a study, whose study.yaml may set its options */
  CHI_CMD_OF_RUN = 32       /* its argument is a run; the study.yaml is that of the run's study */
};

/** The commands, in the order of --help (commands.c), and their options (options.c), for main. A
 * command gets at them by its own options (chi_options_program). */
extern const chi_command chi_command_table[];
extern const int chi_n_commands;
extern const chi_option chi_option_table[];
extern const int chi_n_options;

/** The command that the line names, of one word or two. Local.
 * \param[out] words  how many it is
 * \return CHI_ERR_USAGE naming the nearest command */
chi_status chi_command_find(const chi_program *program, int argc, char **argv,
                            const chi_command **out, int *words);

/** The text of chiasm --help. */
void chi_command_list(chi_text *out);

/** The text of `chiasm WORD --help`. \return false: WORD is not the first of several commands */
bool chi_command_list_of(const char *word, chi_text *out);

/** A command's work (chi_command.run), which may set cli->exit_code. With a comm collective, and
 * the same status on every rank. */
typedef chi_status chi_cli_function(chi_cli *cli);
chi_cli_function chi_cli_simulate, chi_cli_check, chi_cli_fit, chi_cli_influence, chi_cli_bootstrap,
    chi_cli_sites, chi_cli_run, chi_cli_status, chi_cli_verify, chi_cli_merge, chi_cli_plan;
chi_cli_function chi_cli_import_responses, chi_cli_import_features, chi_cli_import_concat,
    chi_cli_bench, chi_cli_bench_project, chi_cli_bench_sweep;

/** Look through what a command is going to read, in a child process that HDF5 may take with it
 * (chi_command.look). What else is wrong the command itself finds and says. Local. */
typedef void chi_look_function(chi_options *options);
chi_look_function chi_look_study, chi_look_run, chi_look_merge, chi_look_verify, chi_look_responses,
    chi_look_features;

/** Before MPI starts: the command's look, so that a damaged file on which HDF5 crashes or computes
 * for ever is named and does not take the job with it. Local.
 * \return CHI_ERR_INPUT naming the file */
chi_status chi_cli_guard(chi_options *options);

/** Options from files, strongest first: -c FILE, RUN/config.yaml when resuming, STUDY/study.yaml,
 * as far as the command has them; the study of a run is the one that fit.h5 names, if it is still
 * there. Rank 0 reads, all ranks get the text. Collective on cli->comm unless that is
 * MPI_COMM_NULL.
 * \param[in,out] options  those of the command; cli->options are not looked at
 * \return CHI_ERR_INPUT naming file, line and key */
chi_status chi_cli_read_files(const chi_cli *cli, chi_options *options);

/** The run that a command with --resume writes: its --output, or its argument. Borrowed; NULL where
 * it is not given. Local. */
const char *chi_cli_own_run(const chi_options *options);

/** What to do with RUN, by --resume and --overwrite. Local. \return CHI_ERR_USAGE for both */
chi_status chi_cli_mode(const chi_options *options, chi_run_mode *mode);

/** The command line that goes on with what the command run has left. Local. */
void chi_cli_write_again(const chi_options *options, chi_text *out);

/** The stages, as commands of their own and as parts of `run`. Collective on cli->comm. The exit
 * code becomes 1 if some units failed. */
chi_status chi_cli_fit_stage(chi_cli *cli, chi_run_mode mode);
chi_status chi_cli_influence_stage(chi_cli *cli, const char *run, chi_run_mode mode);
chi_status chi_cli_bootstrap_stage(chi_cli *cli, const char *run, chi_run_mode mode);
/** Rank 0 does the work, of seconds. */
chi_status chi_cli_sites_stage(const chi_cli *cli, const char *run);

/** What of a study the options select; its patterns are borrowed from them. Local. */
chi_selection chi_cli_selection(const chi_options *options);

/** Whether --uncertainty, if the command has it, leaves a stage in. */
bool chi_cli_wants(const chi_options *options, const char *stage);

/** Whether the command does a stage: its own, or as a part that --uncertainty leaves in. */
bool chi_cli_does(const chi_options *options, const char *stage);

/** --min-bins of a command that has it; else its default. */
int64_t chi_cli_min_bins(const chi_options *options);

/** The numbers of an option, of which there must be `n`. Local.
 * \param[in]  expected  what they are, for the message
 * \param[out] out       n of them
 * \return CHI_ERR_USAGE for another number of numbers */
chi_status chi_cli_reals(const chi_options *options, const char *name, int n, const char *expected,
                         double *out);

/** The number of an option that may be a word instead. Local.
 * \param[in]  expected  what it may be, for the message
 * \return CHI_ERR_USAGE unless it is a whole number from 1 to INT32_MAX */
chi_status chi_cli_count(const chi_options *options, const char *name, const char *expected,
                         int64_t *out);

/** The options that shape a fit: folds, alphas, gap, precision, as far as the command has them, and
 * threads. Collective on cli->comm.
 * \param[in]  fit     options of a command that fits, also if it is not the one run; the threads
 *                     are always those of cli->options
 * \param[out] encode  its alphas are allocated here; free encode->alphas with chi_free
 * \return CHI_ERR_USAGE if an alpha is given twice */
chi_status chi_cli_encode_options(const chi_cli *cli, const chi_options *fit,
                                  chi_encode_options *encode);

/** Print a report on rank 0, unless `status` is a failure already, and free it. Local. */
chi_status chi_cli_print(const chi_cli *cli, chi_status status, chi_text *report);

/** Versions of chiasm and of every library it links, on one line each. */
void chi_cli_versions(chi_text *out, const char *separator);
