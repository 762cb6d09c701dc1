/* Every command and every option of the program. */
#include "cli/cli.h"

enum {
  SELECTING = CHI_CMD_CHECK | CHI_CMD_FIT | CHI_CMD_RUN | CHI_CMD_PLAN,
  FITTING = CHI_CMD_FIT | CHI_CMD_RUN,
  BOOTSTRAPPING = CHI_CMD_BOOTSTRAP | CHI_CMD_RUN,
  WRITING = FITTING | CHI_CMD_BOOTSTRAP /* into a run, on all ranks */
};
enum { IMPORTING = CHI_CMD_IMPORT_TREEBANK | CHI_CMD_IMPORT_EVENTS };

const chi_command chi_command_table[] = {
    {"simulate", CHI_CMD_SIMULATE, "STUDY", 1, "Write a study whose truth is known.",
     "The kind of every electrode is in STUDY/truth.csv.\n"
     "\n"
     "Example: chiasm simulate demo/study --subjects 2 --seed 1",
     0},
    {"import brain-treebank", CHI_CMD_IMPORT_TREEBANK, "ROOT -o STUDY", 1,
     "Cut the Brain Treebank's recordings into responses.",
     "ROOT is the folder of the data set's files as published, unpacked. Makes\n"
     "STUDY/responses/sub_N.ALIGNMENT.h5 and touches nothing else there. Runs under\n"
     "mpirun or srun with any number of processes, with the same result.\n"
     "\n"
     "In this order: reference, notch, high-pass, band, envelope, zscore, means of\n"
     "bins. Filters are causal (scipy's lfilter and sosfilt). Triggers and corrupted\n"
     "electrodes are left out. Events outside the recording or in a pause of the film\n"
     "are left out and counted; `row` in the file says which row of the table of\n"
     "events each event was, from 0.\n"
     "\n"
     "Example: mpirun -n 4 chiasm import brain-treebank treebank -o study --subject 1\n"
     "--trial 0,1,2 --notch 60 --reference laplacian",
     0},
    {"import events", CHI_CMD_IMPORT_EVENTS, "RECORDING -o STUDY", 1,
     "Cut another recording in HDF5 into responses.",
     "The signals are one dataset of channels and samples, or a group of one dataset\n"
     "per channel. As import brain-treebank in all else.\n"
     "\n"
     "Example: chiasm import events rec.h5 -o study --subject p1 --alignment scenes\n"
     "--dataset ecog/signal --rate 1000 --event-file scenes.csv --notch 50",
     0},
    {"check", CHI_CMD_CHECK, "STUDY", 1,
     "Validate every file of a study and print what would be fitted.",
     "All problems are named, not the first alone. Exit code 2 if there is an error.\n"
     "\n"
     "Example: chiasm check demo/study --models 'slip*'",
     0},
    {"fit", CHI_CMD_FIT, "STUDY -o RUN", 1, "Score every encoding model of a study.",
     "Runs under mpirun or srun with any number of processes, or as one alone. The\n"
     "scores are in RUN/fit.h5. A job that was stopped or killed goes on with\n"
     "--resume.\n"
     "\n"
     "Patterns are those of the shell, parted by commas: 'slip*,blip'. Options come\n"
     "from the command line, then -c FILE, then (with --resume) RUN/config.yaml, then\n"
     "STUDY/study.yaml, then the defaults. A flag that a file sets is put off again\n"
     "by --flag=false.\n"
     "\n"
     "Exit code 0: done; 1: done, but some units failed, or an error; 2: bad usage or\n"
     "input; 3: stopped early, to go on with --resume.\n"
     "\n"
     "Example: mpirun -n 4 chiasm fit demo/study -o demo/run --folds 5",
     0},
    {"bootstrap", CHI_CMD_BOOTSTRAP, "RUN", 1,
     "Refit every model of a run on resampled events, for means and intervals.",
     "Runs under mpirun or srun with any number of processes, or as one alone, after\n"
     "chiasm fit. The replicates are in RUN/bootstrap.h5. A job that was stopped or\n"
     "killed goes on with --resume. The fit's options hold here too.\n"
     "\n"
     "Exit codes as those of chiasm fit.\n"
     "\n"
     "Example: mpirun -n 4 chiasm bootstrap demo/run --replicates 1000",
     0},
    {"run", CHI_CMD_RUN, "STUDY -o RUN", 1, "Fit, bootstrap and sites, in one job.",
     "Does the stages one after the other with the options of each. A job that was\n"
     "stopped or killed goes on with --resume, where it was.\n"
     "\n"
     "Exit codes as those of chiasm fit.\n"
     "\n"
     "Example: mpirun -n 4 chiasm run demo/study -o demo/run",
     CHI_CMD_FIT | CHI_CMD_BOOTSTRAP | CHI_CMD_SITES},
    {"sites", CHI_CMD_SITES, "RUN", 1, "Compare the models at every site: which ones integrate.",
     "Comparisons: trained-beats-random (of each network), multi-beats-unimodal,\n"
     "multi-beats-linear, those of study.yaml, integration (both of the two before),\n"
     "and each over all alignments (-both). Results: RUN/sites.h5, sites.csv,\n"
     "regions.csv.\n"
     "\n"
     "The test `events` holds the difference of the fit's scores against its spread\n"
     "over the bootstrap's replicates, models being chosen on the validation half of\n"
     "the events and compared on the test half. `crossed` adds the same with the\n"
     "halves exchanged: twice the events, more power. `bins` resamples time bins as\n"
     "the paper does; bins overlap, so its p-values are too small: it is there for\n"
     "comparison.\n"
     "\n"
     "A site of several networks counts as significant where any of them is. Options\n"
     "come from the command line, then -c FILE, then the study's study.yaml, then the\n"
     "defaults.\n"
     "\n"
     "Example: chiasm sites demo/run --fdr 0.01",
     0},
    {"status", CHI_CMD_STATUS, "RUN", 1, "Print how far a run is, while it runs and after.",
     "Exit code 0: complete; 1: complete, but some units failed; 2: no run there;\n"
     "3: not complete: running, or to be gone on with by --resume. A run that\n"
     "chiasm run began is complete when its last stage is.\n"
     "\n"
     "Example: chiasm status demo/run",
     0},
    {"verify", CHI_CMD_VERIFY, "RUN", 1, "Check a run: every checksum, its study, its options.",
     "Reads all scores and replicates and the study's files, and writes nothing. Runs\n"
     "under mpirun or srun with any number of processes, which share the reading.\n"
     "\n"
     "Damaged scores and replicates are named; chiasm fit --resume and chiasm\n"
     "bootstrap --resume calculate them again.\n"
     "\n"
     "Exit code 0: all is good; 1: something is damaged or has changed; 2: no run;\n"
     "3: good as far as it is, but not complete.\n"
     "\n"
     "Example: chiasm verify demo/run",
     0},
    {"merge", CHI_CMD_MERGE, "RUN... -o RUN", -1,
     "Join runs of one study that differ in their models.",
     "For sweeps split over jobs by --models, and to add a model to a finished run:\n"
     "fit the new model into a run of its own, then join the two. All options but\n"
     "--models must be equal, and the study must be as it was. The runs given are\n"
     "only read. Runs under mpirun or srun with any number of processes.\n"
     "\n"
     "The result is that of one fit of all these models. If every run has a\n"
     "bootstrap with its replicates, they are joined too. What a run has not done\n"
     "yet is left to chiasm fit --resume on the new one. A score that two runs have\n"
     "must be equal in both. Then chiasm sites compares all models.\n"
     "\n"
     "Exit code 0: joined; 1: an error; 2: runs that do not belong together, or a\n"
     "damaged one.\n"
     "\n"
     "Example: chiasm fit demo/study -o demo/slip --models slip\n"
     "chiasm merge demo/run demo/slip -o demo/all",
     0},
    {"plan", CHI_CMD_PLAN, "STUDY | --paper", CHI_ARGUMENTS_ANY,
     "Say what a run would need and how long it would take, on any number of processors.",
     "Units, flops, bytes, memory and time of fit, bootstrap and sites, and a line for\n"
     "sbatch. The speed of fits is measured once on this machine (--calibrate) and\n"
     "kept; who waits for whom is simulated, with the rules by which units are really\n"
     "handed out. Which layer a site will have in the bootstrap is not known before\n"
     "the fit: sites are taken to be spread evenly over each model's layers.\n"
     "\n"
     "A machine of more cores than the one measured has the same speed on each. The\n"
     "latency, the file system and the start of large jobs are as the options say.\n"
     "--threads 0 is one thread here.\n"
     "\n"
     "Example: chiasm plan demo/study --ranks 256 --cores-per-node 128\n"
     "  --sweep 1,2,...,16384",
     0},
    {"bench", CHI_CMD_BENCH, "", 0, "Time one fit beside what the processor's matrix product sets.",
     "Makes data of a shape in memory and fits it through the same code as chiasm\n"
     "fit. The bound is the time of the bare float32 products of a naive fit, folds x\n"
     "alphas of them. Under mpirun rank 0 fits alone, then all ranks at once, for the\n"
     "efficiency.\n"
     "\n"
     "Example: chiasm bench --shape small --threads 1",
     0},
    {"bench project", CHI_CMD_BENCH_PROJECT, "", 0, "Time the projection of import features.",
     "Events are made in memory, and split over the ranks of mpirun.\n"
     "\n"
     "Example: chiasm bench project --features 150000 --events 800",
     0},
    {"bench sweep", CHI_CMD_BENCH_SWEEP, "", 0, "Time the handing out of units that are no work.",
     "By the same coordinator as chiasm fit's, on any number of ranks.\n"
     "\n"
     "Example: taskset -c 0 chiasm bench sweep --units 1000000",
     0},
    {"import features", CHI_CMD_IMPORT_FEATURES, "STUDY FILE...", -2,
     "Add a model to a study, from its activations.",
     "A FILE is one layer, or several: an .npy of float16, float32 or float64, an\n"
     ".npz with a layer per member, or FILE:/path in HDF5 to a dataset or a group of\n"
     "datasets. The first dimension is the events of the subject's responses, in\n"
     "their order; all others are features. A layer's name is its file's, member's or\n"
     "dataset's. Under mpirun the ranks share the events of each layer; the result\n"
     "does not depend on how many there are.\n"
     "\n"
     "Example: mpirun -n 4 chiasm import features study --subject sub1\n"
     "  --alignment language --model simcse --modality language --training trained\n"
     "  --order natural activations/simcse/*.npy",
     0},
    {"import concat", CHI_CMD_IMPORT_CONCAT, "STUDY", 1, "Add a model that joins layers of others.",
     "For every recording of the study that has all of them.\n"
     "\n"
     "Example: chiasm import concat study --model concat\n"
     "  --of simcse/Tanh-1,simclr/Identity-51",
     0},
};
const int chi_n_commands = sizeof chi_command_table / sizeof *chi_command_table;

/* One file of rows per command or group of commands. */
const chi_option chi_option_table[] = {
/* clang-format off: in the order in which --help shows them */
#include "cli/options_bench.inc"
#include "cli/options_bootstrap.inc"
#include "cli/options_fit.inc"
#include "cli/options_import.inc"
#include "cli/options_import_features.inc"
#include "cli/options_plan.inc"
#include "cli/options_selection.inc"
#include "cli/options_simulate.inc"
#include "cli/options_sites.inc"
    /* clang-format on */
};
const int chi_n_options = sizeof chi_option_table / sizeof *chi_option_table;

const chi_command *chi_cli_command(unsigned bit)
{
  for (int i = 0; i < chi_n_commands; i++)
    if (chi_command_table[i].bit == bit) return &chi_command_table[i];
  return NULL;
}
