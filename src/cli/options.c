/* Every option of the program, in the order in which --help shows them. */
#include "cli/cli.h"
#include "cli/table.h"

enum {
  SELECTING = CHECK | FIT | RUN | PLAN,
  FITTING = FIT | RUN,
  BOOTSTRAPPING = BOOTSTRAP | RUN,
  CHOOSING = BOOTSTRAPPING | INFLUENCE,      /* layers at sites, and blocks of events */
  WRITING = FITTING | INFLUENCE | BOOTSTRAP, /* into a run, on all ranks */
  IMPORTING = TREEBANK | EVENTS
};

/* How a row begins: an option's name, its type and what goes with that. */
#define FLAG(n) .name = n, .type = CHI_OPT_FLAG
#define NUMBER(kind, n, value, low, high) \
  .name = n, .type = kind, .default_text = value, .min = low, .max = high
#define INT(n, value, low, high)   NUMBER(CHI_OPT_INT, n, value, low, high)
#define REAL(n, value, low, high)  NUMBER(CHI_OPT_REAL, n, value, low, high)
#define REALS(n, value, low, high) NUMBER(CHI_OPT_REALS, n, value, low, high)
#define BYTES(n, value, low, high) NUMBER(CHI_OPT_BYTES, n, value, low, high)
#define CHOICE(n, value, words) \
  .name = n, .type = CHI_OPT_CHOICE, .default_text = value, .choices = words
#define TEXT(n, value, shown) .name = n, .type = CHI_OPT_TEXT, .default_text = value, .unit = shown

/* clang-format off */
const chi_option chi_option_table[] = {
    /* fit, and what refits; here and below the stored ones are in the order of config.yaml */
    {TEXT("output", NULL, "RUN"), .letter = 'o', .commands = FITTING | MERGE, .required = true,
     .help = "Folder to write."},
    {REALS("alphas", "0.1,1,10,100,1e3,1e4,1e5", 1e-30, 1e30), .commands = FITTING | BENCH | PLAN,
     .stored = true, .help = "Ridge penalties to choose from, for each target its own."},
    {REAL("gap", "0", 0, 1e9), .unit = "seconds", .commands = FITTING | PLAN, .stored = true,
     .help = "Leave out of training the events of the same session within this time of a held-out event."},
    {CHOICE("precision", "mixed", "mixed|double"), .commands = FITTING | PLAN, .stored = true,
     .help = "mixed: the product with the responses in single precision where that holds their digits, all else in "
             "double."},
    /* influence and bootstrap, and the seed of all that draws */
    {CHOICE("uncertainty", "influence", "influence|bootstrap|both"), .commands = RUN | PLAN,
     .help = "How sure scores are: by the events' influences on them, which takes about as long as the fit, by "
             "refits on resampled events, as in the paper, or both."},
    {CHOICE("residual", "held-out", "held-out|loo"), .commands = INFLUENCE | RUN | PLAN | BENCH,
     .stored = true,
     .help = "What stands for the error of an event in training: that of the fold that holds it out, or of a "
             "fit without it alone, which is narrower where features are fewer than events."},
    {INT("replicates", "100", 2, 1e6), .commands = BOOTSTRAPPING | PLAN, .stored = true,
     .help = "Times to draw the events anew and refit."},
    {TEXT("block", "auto", "auto|EVENTS"), .commands = CHOOSING, .stored = true,
     .help = "Events drawn, or weighted, together; auto: as many as the recording's memory calls for, 1 where "
             "events are exchangeable. Influences are stored by at most 200 blocks, longer ones where needed."},
    {CHOICE("layer-selection", "site", "site|final|all"), .commands = CHOOSING | PLAN, .stored = true,
     .help = "Layers to take: of each model and site the one with the best validation r, the deepest, or "
             "all."},
    {FLAG("no-keep-replicates"), .commands = BOOTSTRAPPING,
     .help = "At the end keep the summaries, and of the replicates what `chiasm sites` needs."},
    {INT("seed", "0", 0, 1e15), .commands = BOOTSTRAPPING | SITES, .stored = true,
     .help = "Of the random draws; the same one, the same results."},
    /* what of a study */
    {TEXT("subjects", "*", "PATTERNS"), .commands = SELECTING, .stored = true, .help = "Subjects to take."},
    {TEXT("alignments", "*", "PATTERNS"), .commands = SELECTING, .stored = true,
     .help = "Alignments to take."},
    {TEXT("models", "*", "PATTERNS"), .commands = SELECTING | INFLUENCE | BOOTSTRAP, .stored = true,
     .help = "Models to take."},
    {TEXT("layers", "*", "PATTERNS"), .commands = SELECTING, .stored = true, .help = "Layers to take."},
    {FLAG("allow-missing"), .commands = SELECTING, .stored = true,
     .help = "Accept models and layers that some subjects lack."},
    {INT("folds", "5", 2, 32), .commands = SELECTING | BENCH, .stored = true,
     .help = "Contiguous cross-validation folds."},
    {CHOICE("list", NULL, "models"), .commands = CHECK,
     .help = "For scripts: print the models that would be fitted, one a line, in place of the tables."},
    /* sites */
    {CHOICE("test", "auto", "auto|influence|influence-crossed|events|crossed|bins"), .commands = SITES | RUN,
     .stored = true,
     .help = "How models are compared at a site: by the events' test half, with the spread of their influences "
             "or over the bootstrap's replicates (events); by each half of the events with models chosen on the "
             "other (crossed); or by time bins as in the paper (bins). auto: influence-crossed where there are "
             "influences, else events."},
    {CHOICE("selection", "auto", "auto|fixed|multiplier"), .commands = SITES | RUN, .stored = true,
     .help = "Whether the choice of each side's best model is part of a test by influences (multiplier): 1000 "
             "draws of weights for the blocks of events choose it anew. auto: where the sides have unequal "
             "numbers of models."},
    {INT("min-bins", "0", 0, 1e9), .unit = "bins", .commands = SITES | RUN, .stored = true,
     .help = "Time bins with a validation r above 0, by the lower end of its interval, that a model needs "
             "to take part at a site; 0: 10, or all where an alignment has fewer."},
    {REAL("fdr", "0.05", 0, 1), .commands = SITES | RUN, .stored = true,
     .help = "False discovery rate within each comparison (Benjamini and Hochberg)."},
    /* simulate */
    {INT("subjects", "2", 1, 1000), .commands = SIMULATE, .help = "Subjects to make."},
    {INT("electrodes", "24", 1, 1e5), .commands = SIMULATE, .help = "Electrodes of each."},
    {INT("events", "800", 1, 1e7), .commands = SIMULATE, .help = "Events of each subject and alignment."},
    {INT("bins", "41", 1, 1e4), .commands = SIMULATE,
     .help = "Time bins, from 2 s before the event to 2 s after it."},
    {INT("sessions", "2", 1, 1e6), .commands = SIMULATE,
     .help = "Recordings that the events are parted into."},
    {TEXT("alignments", "language,vision", "NAMES"), .commands = SIMULATE,
     .help = "Alignments to make; in one with \"vision\" in its name events come at the pace of scene cuts, "
             "else of words."},
    {INT("networks", "1", 1, 1000), .commands = SIMULATE,
     .help = "Networks of each modality (vision, language, multimodal, linear), beside the controlled pair; "
             "each has a random twin."},
    {INT("layers", "4", 1, 1000), .commands = SIMULATE,
     .help = "Layers of each network; one in the middle is the best."},
    {INT("features", "96", 1, 1e5), .commands = SIMULATE,
     .help = "Features of a layer of the vision and language networks; the others have twice as many."},
    {REALS("kinds", "0.3,0.2,0.2,0.15,0.15", 0, 1e9), .commands = SIMULATE,
     .help = "Shares of the electrodes that respond to none, vision, language, both, integration."},
    {REALS("effects", "0.35,0.6", 0, 0.999), .commands = SIMULATE,
     .help = "Lowest,highest correlation of an electrode's signal with its response at its peak; the test r "
             "of a fit is about half."},
    {REAL("autocorrelation", "0.6", 0, 0.999), .commands = SIMULATE,
     .help = "Correlation of the film's latents and of all features from event to event; 0: independent."},
    {REALS("noise-autocorrelation", "0.6,0.9", 0, 0.999), .commands = SIMULATE,
     .help = "The same of the noise, lowest,highest over electrodes."},
    {INT("seed", "1", 0, 1e15), .commands = SIMULATE,
     .help = "Another seed, another study; the same one, the same bytes."},
    /* import brain-treebank, import events */
    {TEXT("output", NULL, "STUDY"), .letter = 'o', .commands = IMPORTING, .required = true,
     .help = "Study to add the responses to, made if it is not there."},
    {FLAG("overwrite"), .commands = IMPORTING, .help = "Replace the response file if it is there."},
    {TEXT("subject", NULL, "NAME"), .commands = IMPORTING, .required = true,
     .help = "Whose recording it is; of the Brain Treebank the number, or sub_N."},
    {REALS("trial", "0", 0, 999), .unit = "numbers", .commands = TREEBANK,
     .help = "Recordings of the subject; each becomes a session, in this order."},
    {TEXT("alignment", "language", "NAME"), .commands = TREEBANK,
     .help = "Name of this way of cutting the recording into events; language: word onsets, unless there is "
             "an --event-file."},
    {TEXT("alignment", NULL, "NAME"), .commands = EVENTS, .required = true,
     .help = "Name of this way of cutting the recording into events."},
    {TEXT("event-file", NULL, "FILES"), .commands = TREEBANK,
     .help = "CSV file with a column `start`, seconds of the film; parted by commas, one for each trial, or "
             "one for all."},
    {TEXT("event-file", NULL, "FILE"), .commands = EVENTS, .required = true,
     .help = "CSV file, or .tsv as in BIDS, with a column `start` or `onset`, seconds of the recording."},
    {TEXT("event-column", NULL, "NAME"), .commands = IMPORTING,
     .help = "Column of the events' times; else start, or onset. Rows that have none (n/a) are left out."},
    {REAL("rate", NULL, 0, 1e9), .unit = "Hz", .commands = EVENTS, .required = true,
     .help = "Samples per second."},
    {TEXT("dataset", "data", "PATH"), .commands = EVENTS,
     .help = "Dataset of channels and samples in the file, or group that has one dataset per channel."},
    {CHOICE("layout", "auto", "auto|channel-sample|sample-channel"), .commands = EVENTS,
     .help = "Order of the dataset's dimensions; auto: the longer one is that of samples."},
    {TEXT("names", NULL, "PATH"), .commands = EVENTS,
     .help = "Dataset in the file with the channels' names; else those of a group's datasets, or ch0, ch1, "
             "..."},
    {TEXT("channels", "*", "PATTERNS"), .commands = EVENTS, .help = "Channels to take."},
    {TEXT("atlas", NULL, "COLUMN"), .commands = TREEBANK,
     .help = "Column of depth-wm.csv with the regions; else DKT if there is one, else DesikanKilliany, else "
             "Destrieux."},
    {REALS("window", "-2,2.2", -1e4, 1e4), .unit = "seconds", .commands = IMPORTING,
     .help = "Start,end of what is taken around an event."},
    {REAL("bin", "0.2", 1e-6, 1e4), .unit = "seconds", .commands = IMPORTING,
     .help = "Length of the bins, whose means are the responses."},
    {REAL("step", "0.025", 1e-6, 1e4), .unit = "seconds", .commands = IMPORTING,
     .help = "From the start of a bin to that of the next."},
    {CHOICE("reference", "none", "none|laplacian|car"), .commands = IMPORTING,
     .help = "laplacian: less the mean of both neighbours on the shaft (electrodes without both are left "
             "out); car: less the mean of all electrodes taken."},
    {TEXT("shaft-pattern", NULL, "REGEX"), .commands = IMPORTING,
     .help = "How channels are named, where it is unusual: an extended regular expression whose first two "
             "groups are the shaft and the number on it, such as '^([A-Z]+)-([0-9]+)$'."},
    {REAL("notch", "0", 0, 1e9), .unit = "Hz", .commands = IMPORTING,
     .help = "Notch filters at this frequency and its harmonics up to the sixth, of quality 30; 0: none. They "
             "delay what is near: by 32 ms at 2 Hz from 60 Hz, 6 ms at 5 Hz, under 2 ms at 10 Hz."},
    {REAL("high-pass", "0", 0, 1e9), .unit = "Hz", .commands = IMPORTING,
     .help = "Butterworth high-pass of order 4; 0: none. At a frequency f well above this one, h, it delays by "
             "0.42 h / f^2 s: by 4 ms at ten times 1 Hz."},
    {REALS("band", "0", 0, 1e9), .unit = "Hz", .commands = IMPORTING,
     .help = "Low,high edge of a Butterworth band-pass of order 4; 0: none. It delays the middle of the band "
             "by about 0.83 / (high - low) s: 10 ms for 70,150."},
    {FLAG("envelope"), .commands = IMPORTING, .help = "Take the amplitude of the band."},
    {FLAG("zscore"), .commands = IMPORTING,
     .help = "Standardise each electrode by its mean and deviation over the whole recording."},
    {TEXT("units", NULL, "TEXT"), .commands = IMPORTING,
     .help = "Units of the responses; else uV, or z with --zscore."},
    /* import features, import concat, bench project */
    {TEXT("subject", NULL, "NAME"), .commands = FEATURES, .required = true,
     .help = "Whose events the rows are."},
    {TEXT("alignment", NULL, "NAME"), .commands = FEATURES, .required = true, .help = "Of which alignment."},
    {TEXT("model", NULL, "NAME"), .commands = FEATURES | CONCAT, .required = true, .help = "Model to make."},
    {TEXT("network", NULL, "NAME"), .commands = FEATURES | CONCAT,
     .help = "What a trained model and its random twin have in common; without it the model's name."},
    {TEXT("modality", NULL, "NAME"), .commands = FEATURES, .required = true,
     .help = "vision, language, multimodal, linear or another."},
    {TEXT("modality", "linear", "NAME"), .commands = CONCAT,
     .help = "vision, language, multimodal, linear or another."},
    {CHOICE("training", NULL, "trained|random"), .commands = FEATURES, .required = true,
     .help = "Whether the network was trained or randomly initialised."},
    {CHOICE("training", NULL, "trained|random"), .commands = CONCAT,
     .help = "What to call it where the parts differ; without it that of the parts."},
    {CHOICE("order", "natural", "given|natural|name"), .commands = FEATURES,
     .help = "Order of the layers in the network: by name, with numbers in it by value (natural) or letter by "
             "letter (name), or as given: that of the files, of an archive's members, of creation in HDF5."},
    {CHOICE("event-axis", "auto", "auto|first|last"), .commands = FEATURES,
     .help = "Dimension of an HDF5 array that is of events, as the program that wrote it counts; auto: the "
             "first, and in MATLAB's files the one that is as long as there are events."},
    {TEXT("project", "auto", "auto|none|K"), .commands = FEATURES,
     .help = "Sparse random projection of layers with more features than K; auto: K = 4 ln n / (eps^2/2 - "
             "eps^3/3) for n events, as Johnson and Lindenstrauss say."},
    {REAL("eps", "0.1", 0.001, 0.999), .commands = FEATURES | BENCH_PROJECT,
     .help = "How far distances between events may be off after a projection."},
    {INT("seed", "0", 0, 1e15), .commands = FEATURES | BENCH_PROJECT,
     .help = "Another seed, another projection. That of a layer is the same for all subjects."},
    {FLAG("always"), .commands = FEATURES,
     .help = "Project also layers that have no more features than K, as the paper did."},
    {TEXT("keep", NULL, "PATTERNS"), .commands = FEATURES,
     .help = "Layers that are never projected: the paper kept each network's final, pooled one."},
    {TEXT("of", NULL, "MODEL/LAYER,..."), .commands = CONCAT, .required = true,
     .help = "Layers to put side by side, two or more."},
    {TEXT("layer", "concat", "NAME"), .commands = CONCAT, .help = "What to call the layer that is made."},
    {TEXT("subjects", "*", "PATTERNS"), .commands = CONCAT, .help = "Subjects to make it for."},
    {TEXT("alignments", "*", "PATTERNS"), .commands = CONCAT, .help = "Alignments to make it for."},
    {FLAG("overwrite"), .commands = FEATURES | CONCAT, .help = "Replace the model's file if there is one."},
    {INT("events", "800", 2, 1e9), .commands = BENCH_PROJECT, .help = "Events to project."},
    {INT("features", "150000", 1, 1e9), .commands = BENCH_PROJECT, .help = "Features of each."},
    /* plan */
    {INT("ranks", "1", 1, 1048576), .commands = PLAN, .help = "Processes."},
    {INT("cores-per-node", "0", 0, 65536), .commands = PLAN,
     .help = "Cores of a node; 0: as many as the machine that was measured."},
    {BYTES("memory-per-node", "0", 0, 1e18), .commands = PLAN,
     .help = "Memory of a node, which the plan must fit into; 0: it is not looked at."},
    {REAL("latency", "5e-6", 0, 10), .unit = "seconds", .commands = PLAN,
     .help = "Of a message between nodes, one way."},
    {REAL("start-per-rank", "1e-3", 0, 100), .unit = "seconds", .commands = PLAN,
     .help = "What each rank adds to the start of a job."},
    {BYTES("rank-bandwidth", "0", 0, 1e18), .unit = "bytes/s", .commands = PLAN,
     .help = "One process's reading of files; 0: as measured."},
    {BYTES("file-system-bandwidth", "20G", 1, 1e18), .unit = "bytes/s", .commands = PLAN,
     .help = "All processes' reading of files together."},
    {TEXT("sweep", NULL, "RANKS,..."), .commands = PLAN,
     .help = "Plan for these numbers of processes; `1,2,...,16384` goes on by the same factor."},
    {FLAG("paper"), .commands = PLAN,
     .help = "Plan the study of the paper in place of STUDY: 7 subjects, 12 networks and 2 linear "
             "combinations, without any data."},
    {FLAG("calibrate"), .commands = PLAN, .help = "Measure this machine again, which takes about a minute."},
    {TEXT("machine", NULL, "FILE"), .commands = PLAN,
     .help = "Where measurements are kept; without it machine.yaml in $XDG_CACHE_HOME/chiasm or "
             "~/.cache/chiasm."},
    /* bench */
    {CHOICE("shape", "small", "small|wide|paper-final|paper-srp"), .commands = BENCH,
     .help = "Events x features x targets: small 3000 x 1000 x 5000, wide 1500 x 4000 x 5000, paper-final "
             "6070 x 768 x 24974, paper-srp 6070 x 7467 x 24974."},
    {INT("events", NULL, 8, 1e9), .commands = BENCH, .help = "Events, in place of the shape's."},
    {INT("features", NULL, 1, 1e9), .commands = BENCH, .help = "Features, in place of the shape's."},
    {INT("targets", NULL, 1, 1e9), .commands = BENCH, .help = "Targets, in place of the shape's."},
    {INT("replicates", "0", 0, 1e6), .commands = BENCH,
     .help = "Bootstrap replicates to time beside the plain fit."},
    {FLAG("influence"), .commands = BENCH, .help = "Time an influence pass beside the plain fit."},
    {INT("units", "200000", 1, 1e8), .commands = BENCH_SWEEP, .help = "Units to hand out."},
    /* how a command works, and what becomes of files that are there */
    {INT("electrode-block", "0", 0, 1e9), .unit = "electrodes", .commands = FITTING,
     .help = "Most electrodes in a unit of work; 0: whole layers, cut only where units run short. Results "
             "do not depend on it."},
    {INT("threads", "0", 0, 4096), .commands = WRITING | SITES | BENCH | PLAN,
     .help = "Threads per process; 0: SLURM_CPUS_PER_TASK, else its share of the cores. Results do not "
             "depend on it."},
    {BYTES("memory-per-rank", "0", 0, 1e18), .commands = WRITING | PLAN,
     .help = "Memory a process may use, e.g. 4G; 0: its share of what the node has."},
    {TEXT("config", NULL, "FILE"), .letter = 'c', .commands = SELECTING | INFLUENCE | BOOTSTRAP | SITES,
     .help = "Take options from a YAML file, e.g. the config.yaml of another run."},
    {FLAG("resume"), .commands = WRITING,
     .help = "Go on with what RUN holds; options not given are those of RUN/config.yaml."},
    {FLAG("overwrite"), .commands = WRITING | SIMULATE | MERGE,
     .help = "Replace what an earlier job wrote there."},
    {FLAG("json"), .commands = BENCH | BENCH_PROJECT | BENCH_SWEEP | PLAN,
     .help = "Print JSON instead of a table."},
};
/* clang-format on */
const int chi_n_options = sizeof chi_option_table / sizeof *chi_option_table;
