"""The stages that faults are tried on: how each is started and gone on with, how far it is, what it must end as."""
import shutil
import time

from compare_runs import differences
from faults.jobs import SLOWER, Job, flags
from inputs.job import chiasm
from study_maker import make_study

SITES = ("sites.h5", "sites.csv", "regions.csv")
MODELS = {"netA": {"l1": 60, "l2": 30}, "netB": {"l1": 20}}


def different(a, b):
    """What differs between two files of runs, one line each."""
    if a.suffix == ".h5":
        return differences(a, b)
    return [] if a.read_bytes() == b.read_bytes() else [f"{b} is not {a}"]


def written(path):
    """The share of a file's flags that say so."""
    try:
        return float((flags(path) == 1).mean()) if path.exists() else 0
    except OSError:  # it went between the two
        return 0


class Stage:
    """A stage, the study it works on, and its undisturbed end.

    line: its command, of a run; options: given always; files: what it writes; inputs: what a run has before it. It goes
    on with ranks=0, one process, unless told otherwise."""
    ranks, options, inputs = 2, (), ()

    def __init__(self, folder):
        self.folder, self.study = folder, folder / "study"
        self.make_study()
        self.before = folder / "before"  # a run with the inputs
        self.make_inputs()
        self.whole = self.new(folder / "undisturbed")
        begin = time.monotonic()
        self.go_on(self.whole, resume=False, ranks=self.ranks)
        self.seconds = time.monotonic() - begin

    def make_study(self, n=100, models=MODELS):
        make_study(self.study, subjects=("s1", "s2"), n=n, electrodes=6, bins=11, models=models, random_twins=True,
                   modality={"netA": "vision", "netB": "multimodal", "netA-random": "vision",
                             "netB-random": "multimodal"})

    def make_inputs(self):
        pass

    def new(self, run, whole=False):
        """A run before this stage, or after it."""
        if whole:
            shutil.copytree(self.whole, run)
        elif self.inputs:
            shutil.copytree(self.before, run)
        return run

    def line(self, run, *options):
        return (self.name, run, *options, *self.options)

    def start(self, run, *options, ranks=None, **how):
        return Job(*self.line(run, *options), ranks=self.ranks if ranks is None else ranks, **how)

    def go_on(self, run, *options, resume=True, ranks=0, **how):
        """What a user does after a crash, on other ranks than before. What was printed."""
        mode = ("--resume",) if resume and self.ranks else ()
        return self.start(run, *mode, *options, ranks=ranks, **how).end(0)[1]

    def share(self, run):
        """How much of the stage is written, 0 to 1."""
        return written(run / self.files[0])

    def check(self, run, but=()):
        """The same bytes as undisturbed; but: differences that there must be."""
        found = [line for name in self.files for line in different(self.whole / name, run / name)]
        assert found == list(but), f"{run} is not {self.whole}:\n" + "\n".join(found)
        left = [p.name for p in run.iterdir() if p.suffix == ".tmp"]
        assert not left, left


class Fit(Stage):
    name, files = "fit", ("fit.h5",)

    def make_study(self):
        made = chiasm("simulate", self.study, "--electrodes", 10, "--events", 500 // SLOWER, "--bins", 16,
                      "--alignments", "language")
        assert made.returncode == 0, made.stderr

    def line(self, run, *options):
        return ("fit", self.study, "-o", run, *options, *self.options)


class Bootstrap(Stage):
    name, files, inputs, options = "bootstrap", ("bootstrap.h5",), ("fit.h5",), ("--replicates", 150)

    def make_inputs(self):
        Job("fit", self.study, "-o", self.before, ranks=0).end(0)


class Sites(Bootstrap):
    """One process, some tenths of a second. Going on is to start again."""
    name, files, inputs, ranks, options = "sites", SITES, ("fit.h5", "bootstrap.h5"), 0, ("--min-bins", 2)

    def make_inputs(self):
        super().make_inputs()
        Job("bootstrap", self.before, "--replicates", 100, ranks=2).end(0)

    def share(self, run):
        return sum((run / name).exists() for name in SITES) / 3


class Run(Stage):
    name, files = "run", ("fit.h5", "bootstrap.h5", *SITES)
    options = ("--replicates", 60, "--min-bins", 2)

    def make_study(self):
        super().make_study(n=150, models={"netA": {f"l{i}": 60 for i in range(8)}, "netB": {"l1": 20}})

    def line(self, run, *options):
        return ("run", self.study, "-o", run, *options, *self.options)

    def share(self, run):
        """Each stage a third."""
        sites = sum((run / name).exists() for name in SITES) / 3
        return (written(run / "fit.h5") + written(run / "bootstrap.h5") + sites) / 3


STAGES = {s.name: s for s in (Fit, Bootstrap, Sites, Run)}
