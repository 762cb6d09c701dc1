/* chiasm COMMAND ...: which command, its options, MPI where it needs it, its exit code. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/agree.h"
#include "base/log.h"
#include "base/mpi_init.h"
#include "base/stop.h"
#include "cli/cli.h"
#include "linalg/kernel.h"
#include "study/guard.h"
#include "study/write.h"

/* How many processes mpirun or srun started together, and which of them this is, as far as their
 * environment says. */
static void look_launched(int *size, int *rank)
{
  static const char *const sizes[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"};
  static const char *const ranks[] = {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID"};
  *size = 1;
  *rank = 0;
  for (int i = 0; i < 3; i++) {
    const char *n = getenv(sizes[i]), *me = getenv(ranks[i]);
    if (n == NULL || me == NULL) continue;
    *size = atoi(n);
    *rank = atoi(me);
    return;
  }
}

/* The end of the program, or of the child that does its work: what went wrong, and the exit code.
 */
static int conclude(const chi_cli *cli, chi_status s)
{
  if (fflush(stdout) != 0 && s == CHI_OK)
    s = chi_fail(CHI_ERR_IO, "standard output could not be written");
  if (s == CHI_OK) return cli->exit_code;
  if (cli->rank == 0)
    chi_log(s == CHI_STOPPED ? CHI_LOG_WARNING : CHI_LOG_ERROR, "%s", chi_message());
  return chi_exit_code(s);
}

static chi_status work(chi_cli *cli, chi_options *options)
{
  CHI_TRY(chi_cli_read_files(cli, options));
  CHI_TRY(chi_options_check_required(options));
  cli->options = options;
  return chi_options_command(options)->run(cli);
}

static int work_in_child(void *options)
{
  chi_cli cli = {.comm = MPI_COMM_NULL};
  const chi_status s = work(&cli, options);
  return conclude(&cli, s);
}

static chi_status run_command(chi_cli *cli, chi_options *options)
{
  const chi_command *command = chi_options_command(options);
  if (cli->comm != MPI_COMM_NULL && (command->needs & CHI_CMD_MPI) == 0)
    return chi_fail(CHI_ERR_USAGE, "chiasm %s is one process; start it without mpirun or srun",
                    command->name);
  if ((command->needs & CHI_CMD_CHILD) != 0)
    return chi_guard_run(work_in_child, options, &cli->exit_code);
  return work(cli, options);
}

static chi_status start_mpi(int *argc, char ***argv, chi_cli *cli)
{
  const int provided = chi_mpi_init(argc, argv);
  cli->comm = MPI_COMM_WORLD;
  MPI_Comm_rank(cli->comm, &cli->rank);
  chi_log_set_rank(cli->rank);
  if (provided >= MPI_THREAD_MULTIPLE) return CHI_OK;
  return chi_fail(CHI_ERR_USAGE,
                  "this MPI library offers no MPI_THREAD_MULTIPLE, which chiasm "
                  "needs; use one built with thread support");
}

static bool asks_for_help(const char *word)
{
  return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* --help and --version, which need neither MPI nor files. */
static bool is_question(int argc, char **argv, chi_status *status)
{
  chi_text text = {0};
  if (argc >= 2 && asks_for_help(argv[1])) {
    chi_command_list(&text);
  } else if (argc == 3 && asks_for_help(argv[2]) && chi_command_list_of(argv[1], &text)) {
  } else if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
    chi_cli_versions(&text, "\n");
    chi_text_add(&text, "\n");
  } else {
    return false;
  }
  *status = chi_text_print(&text);
  chi_text_free(&text);
  return true;
}

/* From the command line to the command's end. MPI is up if the command needs it, and wherever
 * several processes were started, so that an error is printed once and all of them return it. */
static chi_status run_line(int argc, char **argv, chi_cli *cli)
{
  const chi_program program = {chi_command_table, chi_n_commands, chi_option_table, chi_n_options};
  const chi_command *command = NULL;
  chi_options *options = NULL;
  bool help = false;
  int launched, launched_rank, words = 1;
  look_launched(&launched, &launched_rank);
  chi_status s = argc < 2 ? chi_fail(CHI_ERR_USAGE, "no command; see chiasm --help")
                          : chi_command_find(&program, argc, argv, &command, &words);
  const unsigned needs = command == NULL ? 0 : command->needs;
  if ((needs & CHI_CMD_STOPS) != 0) chi_stop_catch();
  if (s == CHI_OK) s = chi_options_create(&program, command, &options);
  if (s == CHI_OK) s = chi_options_parse(options, argc - words, argv + words, &help);
  if (help) {
    chi_text text = {0};
    chi_options_help(options, &text);
    s = launched_rank == 0 ? chi_text_print(&text) : CHI_OK;
    chi_text_free(&text);
  } else {
    if (s == CHI_OK && launched_rank == 0) s = chi_cli_guard(options);
    if ((needs & CHI_CMD_WRITES_STUDY) != 0) chi_writer_prepare();
    if (launched > 1 || ((needs & CHI_CMD_MPI) != 0 && s == CHI_OK)) {
      const chi_status started = start_mpi(&argc, &argv, cli);
      if (s == CHI_OK) s = started;
      s = chi_agree(cli->comm, s);
    }
    if (s == CHI_OK) s = run_command(cli, options);
  }
  chi_options_destroy(&options);
  return s;
}

int main(int argc, char **argv)
{
  chi_blas_prepare(argv);
  chi_cli cli = {.comm = MPI_COMM_NULL};
  chi_status s = CHI_OK;
  if (!is_question(argc, argv, &s)) s = run_line(argc, argv, &cli);
  const int exit_code = conclude(&cli, s);
  chi_log_set_file(NULL);
  if (cli.comm != MPI_COMM_NULL) MPI_Finalize();
  return exit_code;
}
