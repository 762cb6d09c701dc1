/* chiasm COMMAND ...: which command, its options, MPI where it needs it, its exit code. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/agree.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/mpi_init.h"
#include "base/stop.h"
#include "cli/cli.h"
#include "linalg/kernel.h"
#include "study/guard.h"
#include "study/write.h"

enum { MPI_MAPS = 160 << 20 };

/* How many processes mpirun, srun or the like started together, and which of them this is, as far
 * as their environment says. */
typedef struct launch {
  int size, rank;
  const char *variable; /* that says the rank; NULL: this process was started alone */
} launch;

/* The batch script of a SLURM job is no step of it, and has no SLURM_STEP_NUM_TASKS. */
static launch look_launched(void)
{
  static const struct {
    const char *size, *rank;
  } says[] = {{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},
              {"PMI_SIZE", "PMI_RANK"},
              {"SLURM_STEP_NUM_TASKS", "SLURM_PROCID"},
              {"PMIX_RANK", "PMIX_RANK"}}; /* which says of no size: at least this rank's */
  for (int i = 0; i < 4; i++) {
    const char *n = getenv(says[i].size), *me = getenv(says[i].rank);
    if (n != NULL && me != NULL)
      return (launch){i < 3 ? atoi(n) : atoi(me) + 1, atoi(me), says[i].rank};
  }
  return (launch){1, 0, NULL};
}

/* The end of the program, or of the child that does its work: what went wrong, and the exit code.
 */
static int conclude(const chi_cli *cli, chi_status s)
{
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

/* Processes that were started together and are each alone would be so many jobs on one run. */
static chi_status not_together(const launch *l)
{
  char library[MPI_MAX_LIBRARY_VERSION_STRING];
  int n;
  MPI_Get_library_version(library, &n);
  return chi_fail(CHI_ERR_USAGE,
                  "%s says that this is one of several processes, but they do not find each other: "
                  "they were started by the launcher of another MPI; start them by the mpirun of "
                  "%.*s or by srun --mpi=pmix, or unset %s where one process is meant",
                  l->variable, (int)strcspn(library, ",\n"), library, l->variable);
}

/* MPI starts with less, but then its ranks may wait for each other for ever. */
static chi_status check_space(void)
{
  char limit[128];
  if (chi_memory_may_map(MPI_MAPS)) return CHI_OK;
  chi_memory_limit_text(limit, sizeof limit);
  return chi_fail(
      CHI_ERR_USAGE,
      "the address space is too small for MPI, which takes %d MiB to start: %s; raise that limit",
      MPI_MAPS >> 20, limit);
}

static chi_status start_mpi(int *argc, char ***argv, const launch *l, chi_cli *cli)
{
  CHI_TRY(check_space());
  const int provided = chi_mpi_init(argc, argv);
  int size;
  cli->comm = MPI_COMM_WORLD;
  MPI_Comm_size(cli->comm, &size);
  MPI_Comm_rank(cli->comm, &cli->rank);
  if (size == 1) cli->rank = l->rank; /* one of them says what is wrong */
  chi_log_set_rank(cli->rank);
  if (size == 1 && l->size > 1) return not_together(l);
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
  chi_stop_free();
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
  int words = 1;
  const launch launched = look_launched();
  chi_status s = argc < 2 ? chi_fail(CHI_ERR_USAGE, "no command; see chiasm --help")
                          : chi_command_find(&program, argc, argv, &command, &words);
  const unsigned needs = command == NULL ? 0 : command->needs;
  if ((needs & CHI_CMD_STOPS) != 0)
    chi_stop_catch();
  else
    chi_stop_free();
  if (s == CHI_OK) s = chi_options_create(&program, command, &options);
  if (s == CHI_OK) s = chi_options_parse(options, argc - words, argv + words, &help);
  if (help) {
    chi_text text = {0};
    chi_options_help(options, &text);
    s = launched.rank == 0 ? chi_text_print(&text) : CHI_OK;
    chi_text_free(&text);
  } else {
    if (s == CHI_OK && launched.rank == 0) s = chi_cli_guard(options);
    if ((needs & CHI_CMD_WRITES_STUDY) != 0) chi_writer_prepare();
    if (launched.size > 1 || ((needs & CHI_CMD_MPI) != 0 && s == CHI_OK)) {
      chi_kept kept;
      chi_keep(&kept, s);
      s = chi_keep_first(&kept, start_mpi(&argc, &argv, &launched, cli));
      s = chi_agree(cli->comm, s);
    }
    if (s == CHI_OK) s = run_command(cli, options);
  }
  chi_options_destroy(&options);
  return s;
}

/* Before the constructors of the libraries, which take most of the start; of glibc's programs.
 * SIGUSR1 to the job that is still starting would end it with 138. */
__attribute__((section(".preinit_array"), used)) static void (*const first)(void) = chi_stop_hold;

int main(int argc, char **argv)
{
  chi_stop_hold(); /* where there is no such section */
  chi_blas_prepare(argv);
  chi_cli cli = {.comm = MPI_COMM_NULL};
  chi_status s = CHI_OK;
  if (!is_question(argc, argv, &s)) s = run_line(argc, argv, &cli);
  const int exit_code = conclude(&cli, s);
  chi_log_set_file(NULL);
  if (cli.comm != MPI_COMM_NULL) MPI_Finalize();
  return exit_code;
}
