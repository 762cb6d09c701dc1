"""The stages that faults are tried on: how each is started and gone on with, how far it is, what it must end as."""
import contextlib
import shutil

from compare_runs import differences
from faults.flags import flags
from gates import Gate, environment
from program import Job
from study_maker import make_study

SITES = ("sites.h5", "sites.csv", "regions.csv")
FEW = {"netA": {"l1": 60, "l2": 30}, "netB": {"l1": 20}}
MANY = {"netA": {f"l{i}": 60 - 5 * i for i in range(8)}, "netB": {"l1": 20}}


def different(a, b):
    """What differs between two files of runs, one line each."""
    if a.suffix == ".h5":
        return differences(a, b)
    return [] if a.read_bytes() == b.read_bytes() else [f"{b} is not {a}"]


class Stage:
    """A stage, the study it works on, and its undisturbed end, all in one folder, which is made if it is not there.

    line: its command, of a run; options: given always; files: what it writes; inputs: what a run has before it; gate:
    what it passes before each unit; places: all it passes, with the most passes of one rank that there surely are. It
    goes on with ranks=0, one process, unless told otherwise."""
    ranks, options, inputs, models = 2, (), (), MANY

    def __init__(self, folder):
        self.folder, self.study = folder, folder / "study"
        self.before = folder / "before"  # a run with the inputs
        self.whole = folder / "undisturbed"
        if not folder.exists():
            folder.mkdir(parents=True)
            self.make_study()
            self.make_inputs()
            self.go_on(self.new(self.whole), resume=False, ranks=self.ranks)

    def make_study(self):
        make_study(self.study, subjects=("s1", "s2"), n=70, electrodes=6, bins=11, models=self.models, random_twins=True,
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

    def start(self, run, *options, ranks=None, gates=(), faults=(), env=None, **how):
        return Job(*self.line(run, *options), ranks=self.ranks if ranks is None else ranks,
                   env=environment(*gates, faults=faults, base=env), **how)

    @contextlib.contextmanager
    def held(self, run, *options, ranks=None, place=None, count=3, come=None, **how):
        """(job, gate) of a job whose ranks all stand before a unit: some are done, most are not. After the block it
        goes on. come: how many ranks come to the place, if not all."""
        ranks = self.ranks if ranks is None else ranks
        with Gate(place or self.gate, count=count) as gate:
            job = self.start(run, *options, ranks=ranks, gates=[gate], **how)
            gate.wait(come or max(1, ranks), job)
            yield job, gate

    def go_on(self, run, *options, resume=True, ranks=0, **how):
        """What a user does after a crash, on other ranks than before. What was printed."""
        mode = ("--resume",) if resume and self.ranks else ()
        return self.start(run, *mode, *options, ranks=ranks, **how).end(0)[1]

    def written(self, run):
        """The flags of the file it writes, in one row."""
        return flags(run / self.files[0])

    def check(self, run):
        """The same bytes as undisturbed, and nothing else left."""
        found = [line for name in self.files for line in different(self.whole / name, run / name)]
        assert not found, f"{run} is not {self.whole}:\n" + "\n".join(found)
        left = [p.name for p in run.iterdir() if p.suffix == ".tmp"]
        assert not left, left


class Fit(Stage):
    name, gate, files = "fit", "fit.unit", ("fit.h5",)
    places = {"config.yaml.written": 1, "fit.h5.written": 1, "fit.unit": 6, "fit.h5.field": 15}

    def line(self, run, *options):
        return ("fit", self.study, "-o", run, *options, *self.options)


class Bootstrap(Stage):
    name, gate, files, inputs, options = ("bootstrap", "bootstrap.unit", ("bootstrap.h5",), ("fit.h5",),
                                          ("--replicates", 150))
    models = FEW
    places = {"bootstrap.h5.written": 1, "bootstrap.unit": 6, "bootstrap.h5.field": 15}

    def make_inputs(self):
        Job("fit", self.study, "-o", self.before, ranks=0).end(0)


class Influence(Bootstrap):
    name, gate, files, options = "influence", "influence.unit", ("influence.h5",), ()
    models = MANY
    places = {"influence.h5.written": 1, "influence.unit": 6, "influence.h5.field": 15}


class Sites(Bootstrap):
    """One process. Going on is to start again."""
    name, gate, files, inputs, ranks, options = ("sites", "sites.site", SITES, ("fit.h5", "bootstrap.h5"), 0,
                                                 ("--min-bins", 2))
    places = {"sites.site": 8, "config.yaml.written": 1, **{f"{name}.written": 1 for name in SITES}}

    def make_inputs(self):
        super().make_inputs()
        Job("bootstrap", self.before, "--replicates", 100, ranks=2).end(0)


class Run(Stage):
    name, gate, files = "run", "fit.unit", ("fit.h5", "influence.h5", "bootstrap.h5", *SITES)
    options = ("--uncertainty", "both", "--replicates", 60, "--min-bins", 2)
    places = {**Fit.places, **Influence.places, **Bootstrap.places, **Sites.places, "run.between": 1}

    def line(self, run, *options):
        return ("run", self.study, "-o", run, *options, *self.options)


STAGES = {s.name: s for s in (Fit, Influence, Bootstrap, Sites, Run)}
