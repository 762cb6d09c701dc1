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
#include "study/write.h"

/* The commands that run on several ranks. */
enum {
  IMPORTS_RESPONSES = CHI_CMD_IMPORT_TREEBANK | CHI_CMD_IMPORT_EVENTS,
  USES_MPI = CHI_CMD_FIT | CHI_CMD_BOOTSTRAP | CHI_CMD_RUN | CHI_CMD_BENCH | IMPORTS_RESPONSES |
             CHI_CMD_IMPORT_FEATURES | CHI_CMD_BENCH_PROJECT | CHI_CMD_MERGE | CHI_CMD_VERIFY |
             CHI_CMD_BENCH_SWEEP
};

/* Those that read files of others under MPI. */
enum {
  GUARDED = CHI_CMD_FIT | CHI_CMD_BOOTSTRAP | CHI_CMD_RUN | IMPORTS_RESPONSES |
            CHI_CMD_IMPORT_FEATURES | CHI_CMD_MERGE | CHI_CMD_VERIFY | CHI_CMD_PLAN
};

/* Those of them that write files of a study. */
enum { WRITES_STUDY = CHI_CMD_IMPORT_FEATURES | IMPORTS_RESPONSES };

/* Those that a signal stops where they can be gone on with, or leaves no trace. */
enum { STOPPABLE = CHI_CMD_FIT | CHI_CMD_BOOTSTRAP | CHI_CMD_RUN | CHI_CMD_SITES };

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

static void list_commands(chi_text *out)
{
  chi_text_add(out,
               "Usage: chiasm COMMAND [OPTION]... [ARGUMENT]...\n"
               "Which sites of the brain integrate vision and language: encoding models of\n"
               "neural recordings from the layers of networks, on any number of processors.\n"
               "\n"
               "Commands:\n");
  for (int i = 0; i < chi_n_commands; i++)
    chi_text_add(out, "  %-23s%s\n", chi_command_table[i].name, chi_command_table[i].summary);
  chi_text_add(
      out,
      "\n"
      "Options:\n"
      "  -h, --help             Print this help, or after a command that command's.\n"
      "  --version              Print the versions of chiasm and the libraries it uses.\n");
}

/* The command that the line names, of one word or two.
 * \param[out] words  how many it is */
static chi_status find_command(int argc, char **argv, const chi_command **out, int *words)
{
  char name[80], two[80];
  int nearest = 0;
  snprintf(name, sizeof name, "%.60s", argv[1]);
  snprintf(two, sizeof two, "%.30s %.40s", argv[1], argc > 2 ? argv[2] : "");
  *words = 2; /* looked for first: `bench project` is not `bench` */
  for (int i = 0; i < chi_n_commands; i++) {
    *out = &chi_command_table[i];
    if (strcmp((*out)->name, two) == 0) return CHI_OK;
  }
  *words = 1;
  for (int i = 0; i < chi_n_commands; i++) {
    *out = &chi_command_table[i];
    if (strcmp((*out)->name, name) == 0) return CHI_OK;
    const size_t n = strlen(name);
    if (strncmp((*out)->name, name, n) == 0 && (*out)->name[n] == ' ')
      memcpy(name, two, sizeof name); /* its first word: the second is wrong or missing */
    if (chi_edit_distance(name, (*out)->name) <
        chi_edit_distance(name, chi_command_table[nearest].name))
      nearest = i;
  }
  *out = NULL;
  return chi_fail(CHI_ERR_USAGE, "unknown %s `%.60s`; the nearest command is %s; see chiasm --help",
                  name[0] == '-' ? "option" : "command", name, chi_command_table[nearest].name);
}

static chi_status run_command(const chi_command *command, chi_cli *cli, chi_options *options,
                              int *exit_code)
{
  if (cli->comm == MPI_COMM_NULL || (command->bit & USES_MPI) != 0) {
    CHI_TRY(chi_cli_read_files(cli->comm, cli->rank, command, options));
    cli->options = options;
    switch (command->bit) {
      case CHI_CMD_SIMULATE:
        return chi_cli_simulate(cli, exit_code);
      case CHI_CMD_CHECK:
        return chi_cli_check(cli, exit_code);
      case CHI_CMD_FIT:
        return chi_cli_fit(cli, exit_code);
      case CHI_CMD_BOOTSTRAP:
        return chi_cli_bootstrap(cli, exit_code);
      case CHI_CMD_RUN:
        return chi_cli_run(cli, exit_code);
      case CHI_CMD_SITES:
        return chi_cli_sites(cli, exit_code);
      case CHI_CMD_STATUS:
        return chi_cli_status(cli, exit_code);
      case CHI_CMD_BENCH:
        return chi_cli_bench(cli, exit_code);
      case CHI_CMD_IMPORT_TREEBANK:
        return chi_cli_import_treebank(cli, exit_code);
      case CHI_CMD_IMPORT_EVENTS:
        return chi_cli_import_events(cli, exit_code);
      case CHI_CMD_BENCH_PROJECT:
        return chi_cli_bench_project(cli, exit_code);
      case CHI_CMD_PLAN:
        return chi_cli_plan(cli, exit_code);
      case CHI_CMD_BENCH_SWEEP:
        return chi_cli_bench_sweep(cli, exit_code);
      case CHI_CMD_IMPORT_FEATURES:
        return chi_cli_import_features(cli, exit_code);
      case CHI_CMD_IMPORT_CONCAT:
        return chi_cli_import_concat(cli, exit_code);
      case CHI_CMD_MERGE:
        return chi_cli_merge(cli, exit_code);
      case CHI_CMD_VERIFY:
        return chi_cli_verify(cli, exit_code);
    }
  }
  return chi_fail(CHI_ERR_USAGE, "chiasm %s is one process; start it without mpirun or srun",
                  command->name);
}

static chi_status start_mpi(int *argc, char ***argv, chi_cli *cli)
{
  const int provided = chi_mpi_init(argc, argv);
  cli->comm = MPI_COMM_WORLD;
  MPI_Comm_rank(cli->comm, &cli->rank);
  MPI_Comm_size(cli->comm, &cli->size);
  chi_log_set_rank(cli->rank);
  if (provided >= MPI_THREAD_MULTIPLE) return CHI_OK;
  return chi_fail(CHI_ERR_USAGE,
                  "this MPI library offers no MPI_THREAD_MULTIPLE, which chiasm "
                  "needs; use one built with thread support");
}

/* --help and --version, which need neither MPI nor files. */
static bool is_question(int argc, char **argv, chi_status *status)
{
  chi_text text = {0};
  if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
    list_commands(&text);
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
static chi_status run_line(int argc, char **argv, chi_cli *cli, int *exit_code)
{
  const chi_command *command = NULL;
  chi_options *options = NULL;
  bool help = false;
  int launched, launched_rank;
  look_launched(&launched, &launched_rank);
  int words = 1;
  chi_status s = argc < 2 ? chi_fail(CHI_ERR_USAGE, "no command; see chiasm --help")
                          : find_command(argc, argv, &command, &words);
  if (s == CHI_OK && (command->bit & STOPPABLE) != 0) chi_stop_catch();
  if (s == CHI_OK) s = chi_options_create(chi_option_table, chi_n_options, command, &options);
  if (s == CHI_OK) s = chi_options_parse(options, argc - words, argv + words, &help);
  if (help) {
    chi_text text = {0};
    chi_options_help(chi_option_table, chi_n_options, command, &text);
    s = launched_rank == 0 ? chi_text_print(&text) : CHI_OK;
    chi_text_free(&text);
  } else {
    if (s == CHI_OK && (command->bit & GUARDED) != 0 && launched_rank == 0)
      s = chi_cli_guard(command, options);
    const bool needs_mpi = command != NULL && (command->bit & USES_MPI) != 0;
    if (command != NULL && (command->bit & WRITES_STUDY) != 0) chi_writer_prepare();
    if (launched > 1 || (needs_mpi && s == CHI_OK)) {
      const chi_status started = start_mpi(&argc, &argv, cli);
      if (s == CHI_OK) s = started;
      s = chi_agree(cli->comm, s);
    }
    if (s == CHI_OK) s = run_command(command, cli, options, exit_code);
  }
  chi_options_destroy(&options);
  return s;
}

int main(int argc, char **argv)
{
  chi_blas_prepare(argv);
  chi_cli cli = {.comm = MPI_COMM_NULL, .rank = 0, .size = 1};
  chi_status s = CHI_OK;
  int exit_code = 0;
  if (!is_question(argc, argv, &s)) s = run_line(argc, argv, &cli, &exit_code);
  if (fflush(stdout) != 0 && s == CHI_OK)
    s = chi_fail(CHI_ERR_IO, "standard output could not be written");
  if (s != CHI_OK) {
    if (cli.rank == 0)
      chi_log(s == CHI_STOPPED ? CHI_LOG_WARNING : CHI_LOG_ERROR, "%s", chi_message());
    exit_code = chi_exit_code(s);
  }
  chi_log_set_file(NULL);
  if (cli.comm != MPI_COMM_NULL) MPI_Finalize();
  return exit_code;
}
