"""Every snippet of README.md and jobs/README.md: it runs word for word, or it is said here why it does not."""
import contextlib
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np

from limits import limit
from program import CHIASM, chiasm, run_tests, succeeded
from study_maker import make_study

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "jobs/README.md")
NOT_RUN = {  # how a snippet begins -> why
    "bash jobs/quickstart.sh ": "they install packages and build; the second starts these tests",
    "comparison    ": "what quickstart.sh prints",
    "sbatch -n 64 -c 8 --mem-per-cpu=2G --time=8:00:00 jobs/sweep.sbatch STUDY RUN\n": "tests/jobs/test_sweep.py",
    "sbatch -n 64 -c 8 --mem-per-cpu=2G --time=8:00:00 jobs/sweep.sbatch STUDY RUN --": "tests/jobs/test_sweep.py",
    "bash jobs/sweep-array.sbatch -n 16": "tests/jobs/test_array.py",
    "sbatch ... jobs/sweep.sbatch STUDY RUN.new": "tests/jobs/test_sweep.py and tests/store/test_merge.py",
    "bash jobs/slurm-local.sh start ": "tests/jobs/slurm.py",
}
RUN = {}  # the same of those that run -> by which test


def snippets(page):
    """The code of a page, in fences or indented."""
    fence = r"^```\w*\n(.*?)^```$"
    text = (ROOT / page).read_text()
    indented = re.findall(r"(?<=\n\n)(?: {4}.*\n)+", re.sub(fence, "", text, flags=re.M | re.S))
    return re.findall(fence, text, re.M | re.S) + [re.sub(r"^ {4}", "", code, flags=re.M) for code in indented]


def runs(*starts):
    """A test of the snippets that begin so, which it is given."""
    def add(test):
        RUN.update({start: test.__name__ for start in starts})
        return lambda: test(*[next(code for page in PAGES for code in snippets(page) if code.startswith(start))
                              for start in starts])
    return add


def shell(code):
    path = f"{os.path.dirname(CHIASM)}:{os.environ['PATH']}"
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", code], env={**os.environ, "PATH": path}, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=limit(100))
    return succeeded(done)


def test_every_snippet_has_an_entry():
    for page in PAGES:
        for code in snippets(page):
            found = [start for start in [*NOT_RUN, *RUN] if code.startswith(start)]
            assert len(found) == 1, f"{page}: {found or 'no test, nor a reason for none,'} of the snippet\n{code}"
    for start in [*NOT_RUN, *RUN]:
        assert any(code.startswith(start) for page in PAGES for code in snippets(page)), f"no snippet begins {start!r}"


class Tensor:
    """As much of PyTorch's as the snippet needs."""

    def __init__(self, x):
        self.x = x

    detach = cpu = lambda self: self

    def half(self):
        return Tensor(self.x.astype(np.float16))

    def numpy(self):
        return self.x


class Module:
    def __init__(self, width=0):
        self.width, self.hooks = width, []

    def children(self):
        return [] if self.width else [self]

    def register_forward_hook(self, hook):
        self.hooks.append(hook)
        return SimpleNamespace(remove=lambda: self.hooks.remove(hook))

    def call(self, x):
        for hook in self.hooks:
            hook(self, (x,), Tensor(x))


class Net:
    """Layers by their place among the modules; the first is called twice, of other widths, as a ReLU may be."""

    def __init__(self, layers, seed):
        self.modules = [("", Module())] + [(f"part{i}", Module()) for i in range(1, max(layers) + 1)]
        for i, name in layers.items():
            self.modules[i] = (name, Module(5))
        self.seed = seed

    def named_modules(self):
        return self.modules

    def eval(self):
        return self

    def __call__(self, batch):
        rng = np.random.default_rng(self.seed)
        leaves = [module for _, module in self.modules if module.width]
        leaves[0].call(batch @ rng.standard_normal((3, 4)))
        for leaf in leaves:
            leaf.call(batch @ rng.standard_normal((3, leaf.width)))


@runs("mpirun -n 4 chiasm import brain-treebank", "import os, numpy as np, torch", "take() {")
def test_road_from_the_brain_treebank(recordings, activations, study):
    maker = importlib.import_module("import.treebank_maker")
    truth = maker.make_treebank("treebank", trials=(0, 1, 2), seconds=45, breaks=((20.35, 5.0),))
    for i in truth.words:
        maker.write_table(f"./cuts{i}.csv", ["start"], [[round(0.7 * k + 0.1 * i, 3)] for k in range(1, 40)])
    shell(recordings)
    batches = {}
    for alignment in ("language", "vision"):
        with h5py.File(f"study/responses/sub_1.{alignment}.h5") as f:
            x = np.random.default_rng(0).standard_normal((len(f["onset"]), 3))
        batches[alignment] = np.array_split(x, 4)
    sys.modules["torch"] = SimpleNamespace(no_grad=contextlib.nullcontext)
    exec(activations, {"batches": batches,
                       "make_simclr": lambda pretrained: Net({3: "relu", 149: "avgpool"}, pretrained),
                       "make_simcse": lambda pretrained: Net({8: "gelu", 227: "pooler.activation"}, 2 + pretrained)})
    del sys.modules["torch"]
    said = shell(study)
    assert "sites run/sites.csv" in said, said
    with h5py.File("run/fit.h5") as f:
        for alignment in ("language", "vision"):
            spaces = list(f[alignment]["feature_space"].asstr())
            assert len(spaces) == 9 and "concat/concat" in spaces and "simclr-random/149-avgpool" in spaces, spaces
            assert np.isfinite(f[alignment]["test_r"][()]).all()


@runs("import h5py, numpy as np, os")
def test_study_by_h5py(code):
    rng = np.random.default_rng(0)
    exec(code, {"response": rng.standard_normal((60, 3, 5)), "names": np.array(["LA1", "LA2", "é"]),
                "time": np.linspace(-0.4, 0.4, 5), "onset": np.arange(60.0), "block1": rng.standard_normal((60, 7))})
    with h5py.File("study/responses/sub1.language.h5", "r+") as f:  # what the page says may be there too
        f["session"] = np.repeat([0, 1], 30)
        f["region"] = ["a", "b", "c"]
        for axis in "xyz":
            f[axis] = np.arange(3.0)
            f[axis].attrs["space"] = "MNI152"
        f.attrs["exchangeable"] = 1
    assert "encoding models  15\n" in succeeded(chiasm("check", "study"))
    succeeded(chiasm("run", "study", "-o", "run", "--min-bins", 1))
    with h5py.File("run/fit.h5") as f:
        assert list(f["language/region"].asstr()) == ["a", "b", "c"] and list(f["language/y"]) == [0, 1, 2]
    with h5py.File("run/influence.h5") as f:
        assert list(f["language/block_length"]) == [1]


@runs("import xarray as xr")
def test_results_open_in_xarray(code):
    os.mkdir("demo")
    succeeded(chiasm("simulate", "demo/study", "--subjects", 1, "--electrodes", 3, "--events", 60, "--bins", 12,
                     "--layers", 2, "--features", 5, "--alignments", "language"))
    succeeded(chiasm("fit", "demo/study", "-o", "demo/run"))
    names = {}
    exec(code, names)
    with names["fit"] as fit:
        models = sorted({m for m, t in zip(fit.model.values, fit.training.values) if t == "trained"})
        assert names["by_model"].model.values.tolist() == models
        first = (fit.model == models[0]).values & (fit.training == "trained").values
        assert (names["by_model"].values[0] == fit.test_r.values[first].max(0)).all()
        assert names["by_region"].sizes["region"] == len(set(fit.region.values))
        assert names["at_onset"].dims == ("feature_space", "site")


@runs("contrasts:\n")
def test_contrasts_of_study_yaml(code):
    modality = {"slip-combo-vision": "multimodal", "slip-simclr": "vision", "gpt": "semantic", "mfcc": "acoustic"}
    make_study("study", models={model: {"l": 3} for model in modality}, modality=modality, yaml=code)
    succeeded(chiasm("run", "study", "-o", "run", "--min-bins", 1))
    with open("run/regions.csv") as f:
        compared = {line.split(",")[0] for line in f}
    assert {"slip-beats-simclr", "sense-beats-sound"} <= compared, compared


@runs("src/cli  ")
def test_rooms(code):
    rooms = {path.name for path in (ROOT / "src").iterdir() if path.is_dir()}
    assert set(re.findall(r"\bsrc/(\w+)", code)) == rooms


run_tests(globals())
