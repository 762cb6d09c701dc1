/* Every command of the program, in the order of --help; which one the line means. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/table.h"

/* clang-format off */
const chi_command chi_command_table[] = {
    {.name = "simulate", .bit = SIMULATE, .arguments = "STUDY", .n_arguments = 1,
     .run = chi_cli_simulate,
     .summary = "Write a study whose truth is known.",
     .details =
       "The kind of every electrode is in STUDY/truth.csv.\n\n"
       "Example: chiasm simulate demo/study --subjects 2 --seed 1"},
    {.name = "import brain-treebank", .bit = TREEBANK, .arguments = "ROOT -o STUDY", .n_arguments = 1,
     .run = chi_cli_import_responses, .look = chi_look_responses, .needs = CHI_CMD_MPI | CHI_CMD_WRITES_STUDY,
     .summary = "Cut the Brain Treebank's recordings into responses.",
     .details =
       "ROOT is the folder of the data set's files as published, unpacked. Makes\n"
       "STUDY/responses/sub_N.ALIGNMENT.h5 and touches nothing else there. Runs under\n"
       "mpirun or srun with any number of processes, with the same result.\n\n"
       "In this order: reference, notch, high-pass, band, envelope, zscore, means of\n"
       "bins. Filters are causal (scipy's lfilter and sosfilt): they delay, most near\n"
       "the edges of their bands (see --band); there is no zero-phase one. Triggers and\n"
       "corrupted electrodes are left out. Events outside the recording or in a pause\n"
       "of the film are left out and counted; `row` in the file says which row of the\n"
       "table of events each event was, from 0.\n\n"
       "Example: mpirun -n 4 chiasm import brain-treebank treebank -o study --subject 1\n"
       "  --trial 0,1,2 --notch 60 --reference laplacian"},
    {.name = "import events", .bit = EVENTS, .arguments = "RECORDING -o STUDY", .n_arguments = 1,
     .run = chi_cli_import_responses, .look = chi_look_responses, .needs = CHI_CMD_MPI | CHI_CMD_WRITES_STUDY,
     .summary = "Cut another recording in HDF5 into responses.",
     .details =
       "The signals are one dataset of channels and samples, or a group of one dataset\n"
       "per channel. As import brain-treebank in all else.\n\n"
       "Example: chiasm import events rec.h5 -o study --subject p1 --alignment scenes\n"
       "  --dataset ecog/signal --rate 1000 --event-file scenes.csv --notch 50"},
    {.name = "check", .bit = CHECK, .arguments = "STUDY", .n_arguments = 1,
     .run = chi_cli_check, .needs = CHI_CMD_CHILD | CHI_CMD_OF_STUDY,
     .summary = "Validate every file of a study and print what would be fitted.",
     .details =
       "All problems are named, not the first alone. Exit code 2 if there is an error.\n\n"
       "Example: chiasm check demo/study --models 'slip*'"},
    {.name = "fit", .bit = FIT, .arguments = "STUDY -o RUN", .n_arguments = 1,
     .run = chi_cli_fit, .look = chi_look_study, .needs = CHI_CMD_MPI | CHI_CMD_STOPS | CHI_CMD_OF_STUDY,
     .summary = "Score every encoding model of a study.",
     .details =
       "Runs under mpirun or srun with any number of processes, or as one alone. The\n"
       "scores are in RUN/fit.h5. A job that was stopped or killed goes on with\n"
       "--resume.\n\n"
       "Patterns are those of the shell, parted by commas: 'slip*,blip'. Options come\n"
       "from the command line, then -c FILE, then (with --resume) RUN/config.yaml, then\n"
       "STUDY/study.yaml, then the defaults. A flag that a file sets is put off again\n"
       "by --flag=false.\n\n"
       "Exit code 0: done; 1: done, but some units failed, or an error; 2: bad usage or\n"
       "input; 3: stopped early, to go on with --resume.\n\n"
       "Example: mpirun -n 4 chiasm fit demo/study -o demo/run --folds 5"},
    {.name = "influence", .bit = INFLUENCE, .arguments = "RUN", .n_arguments = 1,
     .run = chi_cli_influence, .look = chi_look_run,
     .needs = CHI_CMD_MPI | CHI_CMD_STOPS | CHI_CMD_OF_RUN,
     .summary = "How every score of a run hangs on the events: what chiasm sites needs.",
     .details =
       "Runs under mpirun or srun with any number of processes, or as one alone, after\n"
       "chiasm fit, and takes about as long. The derivative of each score with respect\n"
       "to the weight of every event, summed over blocks of events, is in\n"
       "RUN/influence.h5. A job that was stopped or killed goes on with --resume. The\n"
       "fit's options hold here too.\n\n"
       "Exit codes as those of chiasm fit.\n\n"
       "Example: mpirun -n 4 chiasm influence demo/run"},
    {.name = "bootstrap", .bit = BOOTSTRAP, .arguments = "RUN", .n_arguments = 1,
     .run = chi_cli_bootstrap, .look = chi_look_run,
     .needs = CHI_CMD_MPI | CHI_CMD_STOPS | CHI_CMD_OF_RUN,
     .summary = "Refit every model of a run on resampled events, for means and intervals.",
     .details =
       "Runs under mpirun or srun with any number of processes, or as one alone, after\n"
       "chiasm fit. The replicates are in RUN/bootstrap.h5. A job that was stopped or\n"
       "killed goes on with --resume. The fit's options hold here too.\n\n"
       "Exit codes as those of chiasm fit.\n\n"
       "Example: mpirun -n 4 chiasm bootstrap demo/run --replicates 500"},
    {.name = "run", .bit = RUN, .parts = FIT | INFLUENCE | BOOTSTRAP | SITES, .arguments = "STUDY -o RUN",
     .n_arguments = 1,
     .run = chi_cli_run, .look = chi_look_study, .needs = CHI_CMD_MPI | CHI_CMD_STOPS | CHI_CMD_OF_STUDY,
     .summary = "Fit, influence (or bootstrap) and sites, in one job.",
     .details =
       "Does the stages one after the other with the options of each. A job that was\n"
       "stopped or killed goes on with --resume, where it was.\n\n"
       "Exit codes as those of chiasm fit.\n\n"
       "Example: mpirun -n 4 chiasm run demo/study -o demo/run"},
    {.name = "sites", .bit = SITES, .arguments = "RUN", .n_arguments = 1,
     .run = chi_cli_sites, .needs = CHI_CMD_CHILD | CHI_CMD_STOPS | CHI_CMD_OF_RUN,
     .summary = "Compare the models at every site: which ones integrate.",
     .details =
       "Comparisons: trained-beats-random (of each network), multi-beats-unimodal,\n"
       "multi-beats-linear, those of study.yaml, integration (both of the two before),\n"
       "and each over all alignments (-both). Results: RUN/sites.h5, sites.csv,\n"
       "regions.csv.\n\n"
       "The test `events` holds the difference of the fit's scores against its spread\n"
       "over the bootstrap's replicates, models being chosen on the validation half of\n"
       "the events and compared on the test half. `crossed` adds the same with the\n"
       "halves exchanged: twice the events, more power. `bins` resamples time bins as\n"
       "the paper does; bins overlap, so its p-values are too small: it is there for\n"
       "comparison.\n\n"
       "A site of several networks counts as significant where any of them is. Options\n"
       "come from the command line, then -c FILE, then the study's study.yaml, then the\n"
       "defaults.\n\n"
       "Example: chiasm sites demo/run --fdr 0.01"},
    {.name = "status", .bit = STATUS, .arguments = "RUN", .n_arguments = 1,
     .run = chi_cli_status, .needs = CHI_CMD_CHILD,
     .summary = "Print how far a run is, while it runs and after.",
     .details =
       "Exit code 0: complete; 1: complete, but some units failed; 2: no run there;\n"
       "3: not complete: running, or to be gone on with by --resume. A run that\n"
       "chiasm run began is complete when its last stage is. While the runs of a job\n"
       "array (RUN.parts) are not joined into RUN yet, it lists them.\n\n"
       "Example: chiasm status demo/run"},
    {.name = "verify", .bit = VERIFY, .arguments = "RUN", .n_arguments = 1,
     .run = chi_cli_verify, .look = chi_look_verify, .needs = CHI_CMD_MPI,
     .summary = "Check a run: every checksum, its study, its options.",
     .details =
       "Reads all scores and replicates and the study's files, and writes nothing. Runs\n"
       "under mpirun or srun with any number of processes, which share the reading.\n\n"
       "Damaged scores and replicates are named; chiasm fit --resume and chiasm\n"
       "bootstrap --resume calculate them again.\n\n"
       "Exit code 0: all is good; 1: something is damaged or has changed; 2: no run;\n"
       "3: good as far as it is, but not complete.\n\n"
       "Example: chiasm verify demo/run"},
    {.name = "merge", .bit = MERGE, .arguments = "RUN... -o RUN", .n_arguments = -1,
     .run = chi_cli_merge, .look = chi_look_merge, .needs = CHI_CMD_MPI,
     .summary = "Join runs of one study that differ in their models.",
     .details =
       "For sweeps split over jobs by --models, and to add a model to a finished run:\n"
       "fit the new model into a run of its own, then join the two. All options but\n"
       "--models must be equal, and the study must be as it was. The runs given are\n"
       "only read. Runs under mpirun or srun with any number of processes.\n\n"
       "The result is that of one fit of all these models. If every run has a\n"
       "bootstrap with its replicates, they are joined too. What a run has not done\n"
       "yet is left to chiasm fit --resume on the new one. A score that two runs have\n"
       "must be equal in both. Then chiasm sites compares all models.\n\n"
       "Exit code 0: joined; 1: an error; 2: runs that do not belong together, or a\n"
       "damaged one.\n\n"
       "Example: chiasm fit demo/study -o demo/slip --models slip\n"
       "         chiasm merge demo/run demo/slip -o demo/all"},
    {.name = "plan", .bit = PLAN, .arguments = "STUDY | --paper", .n_arguments = CHI_ARGUMENTS_ANY,
     .run = chi_cli_plan, .look = chi_look_study, .needs = CHI_CMD_OF_STUDY,
     .summary = "Say what a run would need and how long it would take, on any number of processors.",
     .details =
       "Units, flops, bytes, memory and time of the stages of chiasm run, and a line for\n"
       "sbatch. The speed of fits is measured once on this machine (--calibrate) and\n"
       "kept; who waits for whom is simulated, with the rules by which units are really\n"
       "handed out. Which layer a site will have after the fit is not known before it:\n"
       "sites are taken to be spread evenly over each model's layers.\n\n"
       "A machine of more cores than the one measured has the same speed on each. The\n"
       "latency, the file system and the start of large jobs are as the options say.\n"
       "--threads 0 is one thread here.\n\n"
       "Example: chiasm plan demo/study --ranks 256 --cores-per-node 128\n"
       "  --sweep 1,2,...,16384"},
    {.name = "bench", .bit = BENCH, .arguments = "", .n_arguments = 0,
     .run = chi_cli_bench, .needs = CHI_CMD_MPI,
     .summary = "Time one fit beside what the processor's matrix product sets.",
     .details =
       "Makes data of a shape in memory and fits it through the same code as chiasm\n"
       "fit. The bound is the time of the bare float32 products of a naive fit, folds x\n"
       "alphas of them. Under mpirun rank 0 fits alone, then all ranks at once, for the\n"
       "efficiency.\n\n"
       "Example: chiasm bench --shape small --threads 1"},
    {.name = "bench project", .bit = BENCH_PROJECT, .arguments = "", .n_arguments = 0,
     .run = chi_cli_bench_project, .needs = CHI_CMD_MPI,
     .summary = "Time the projection of import features.",
     .details =
       "Events are made in memory, and split over the ranks of mpirun.\n\n"
       "Example: chiasm bench project --features 150000 --events 800"},
    {.name = "bench sweep", .bit = BENCH_SWEEP, .arguments = "", .n_arguments = 0,
     .run = chi_cli_bench_sweep, .needs = CHI_CMD_MPI,
     .summary = "Time the handing out of units that are no work.",
     .details =
       "By the same coordinator as chiasm fit's, on any number of ranks.\n\n"
       "Example: taskset -c 0 chiasm bench sweep --units 1000000"},
    {.name = "import features", .bit = FEATURES, .arguments = "STUDY FILE...", .n_arguments = -2,
     .run = chi_cli_import_features, .look = chi_look_features,
     .needs = CHI_CMD_MPI | CHI_CMD_WRITES_STUDY | CHI_CMD_OF_STUDY,
     .summary = "Add a model to a study, from its activations.",
     .details =
       "A FILE is one layer, or several: an .npy of floats, integers or truth values,\n"
       "an .npz with a layer per member, or FILE:/path in HDF5 (or MATLAB 7.3) to a\n"
       "dataset, or to a group of datasets and groups. The first dimension is the events\n"
       "of the subject's responses, in their order; all others are features. A layer's\n"
       "name is its file's, member's or dataset's, and its depth is the place of that\n"
       "name: layer_2 before layer_10. The table at the end shows the depths. Under\n"
       "mpirun the ranks share the events of each layer; the result does not depend on\n"
       "how many there are.\n\n"
       "Example: mpirun -n 4 chiasm import features study --subject sub1\n"
       "  --alignment language --model simcse --modality language --training trained\n"
       "  activations/simcse/*.npy"},
    {.name = "import concat", .bit = CONCAT, .arguments = "STUDY", .n_arguments = 1,
     .run = chi_cli_import_concat, .needs = CHI_CMD_CHILD | CHI_CMD_OF_STUDY,
     .summary = "Add a model that joins layers of others.",
     .details =
       "For every recording of the study that has all of them.\n\n"
       "Example: chiasm import concat study --model concat\n"
       "  --of simcse/Tanh-1,simclr/Identity-51"},
};
/* clang-format on */
const int chi_n_commands = sizeof chi_command_table / sizeof *chi_command_table;

static bool is_first_word(const char *word)
{
  const size_t n = strlen(word);
  bool is = false;
  for (int i = 0; i < chi_n_commands; i++) {
    const char *name = chi_command_table[i].name;
    if (strcmp(name, word) == 0) return false;
    is = is || (strncmp(name, word, n) == 0 && name[n] == ' ');
  }
  return is;
}

bool chi_command_list_of(const char *word, chi_text *out)
{
  if (!is_first_word(word)) return false;
  chi_text_add(out, "Usage: chiasm %s COMMAND [OPTION]... [ARGUMENT]...\n\nCommands:\n", word);
  for (int i = 0; i < chi_n_commands; i++)
    if (strncmp(chi_command_table[i].name, word, strlen(word)) == 0)
      chi_text_add(out, "  %-23s%s\n", chi_command_table[i].name, chi_command_table[i].summary);
  chi_text_add(out, "\nchiasm %s COMMAND --help describes one.\n", word);
  return true;
}

chi_status chi_command_find(const chi_program *program, int argc, char **argv,
                            const chi_command **out, int *words)
{
  char name[80], two[80];
  chi_nearest nearest = {.wanted = name};
  snprintf(name, sizeof name, "%.60s", argv[1]);
  snprintf(two, sizeof two, "%.30s %.40s", argv[1], argc > 2 ? argv[2] : "");
  *words = 2; /* looked for first: `bench project` is not `bench` */
  if ((*out = chi_program_command(program, two)) != NULL) return CHI_OK;
  *words = 1;
  if ((*out = chi_program_command(program, name)) != NULL) return CHI_OK;
  if (is_first_word(name)) {
    if (argc == 2 || argv[2][0] == '-')
      return chi_fail(CHI_ERR_USAGE,
                      "`%s` is the first word of several commands; see chiasm %s --help", name,
                      name);
    memcpy(name, two, sizeof name);
  }
  for (int i = 0; i < chi_n_commands; i++) chi_nearest_offer(&nearest, chi_command_table[i].name);
  return chi_fail(CHI_ERR_USAGE, "unknown %s `%.60s`; the nearest command is %s; see chiasm --help",
                  name[0] == '-' ? "option" : "command", name, nearest.word);
}

void chi_command_list(chi_text *out)
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
