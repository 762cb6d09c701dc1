"""chiasm merge: the joined run is the one that a single job would have made; what does not belong together is
refused; the parts stay as they are.

    test_merge.py [NAME]...      only these tests
"""
import fcntl
import os
import shutil
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

from stage.boot import booted, fitted
from checksums import seal
from compare_runs import differences
from inputs.job import done_flags
from program import ERROR, chiasm, contents, said
from study_maker import features, make_study, write_features

MODELS = {"netA": {"one": 6, "two": 9}, "netB": {"one": 5}, "netB-random": {"one": 5}}
STUDY = dict(subjects=("s1", "s2"), alignments=("film", "sound"), n=40, electrodes=3, bins=4,
             models=MODELS, modality={"netA": "vision", "netB": "language", "netB-random": "language"})
BOOT = ("--replicates", 60, "--seed", 3)
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def merge(*arguments, ranks=0):
    return chiasm("merge", *arguments, ranks=ranks)


def merged(*arguments, ranks=0):
    """What it printed; and the parts are what they were."""
    parts = arguments[:arguments.index("-o")]
    before = [contents(p) for p in parts]
    done = merge(*arguments, ranks=ranks)
    assert done.returncode == 0 and ERROR not in done.stderr, done.stdout + done.stderr
    assert [contents(p) for p in parts] == before
    return done.stdout + done.stderr


def check_same(run, reference, files=("fit.h5",)):
    for name in files:
        lines = differences(reference / name, run / name)
        assert not lines, f"{run}/{name} is not {reference}'s:\n" + "\n".join(lines)


def copy(run, folder):
    shutil.copytree(run, folder)
    return folder


class Runs:
    """A study, and runs of parts of it, for all tests to copy."""

    def __init__(self, top):
        self.study = Path(make_study(top / "study", **STUDY))
        self.whole, self.a, self.b = top / "whole", top / "a", top / "b"
        fitted(self.study, self.whole)
        booted(self.whole, *BOOT, ranks=0)
        self.all = ("fit.h5", "bootstrap.h5")
        for run, models in ((self.a, "netA"), (self.b, "netB*")):
            fitted(self.study, run, "--models", models)
            self.alone = top / "a-fit"
            if run == self.a:
                copy(run, self.alone)
            booted(run, *BOOT, ranks=0)


@test
def as_one_run(r, folder):
    """Any number of ranks; sites of both runs are the same."""
    for ranks in (0, 2, 3, 4):
        run = folder / f"joined{ranks}"
        out = merged(r.b, r.a, "-o", run, ranks=ranks)
        assert "warning" not in out, out
        check_same(run, r.whole, r.all)
        assert chiasm("status", run).returncode == 0
    assert (run / "config.yaml").read_text() == (r.whole / "config.yaml").read_text()
    whole = copy(r.whole, folder / "whole")
    for each in (run, whole):
        done = chiasm("sites", each, "--min-bins", 2)
        assert done.returncode == 0, done.stderr
    assert (run / "sites.csv").read_bytes() == (whole / "sites.csv").read_bytes()
    fitted(r.study, run, "--resume")
    booted(run, "--resume", ranks=0)
    check_same(run, r.whole, r.all)


@test
def some_models(r, folder):
    """Fewer than the study has: as a fit of them by their names. One run alone is copied."""
    fitted(r.study, folder / "whole", "--models", "netA,netB")
    fitted(r.study, folder / "b", "--models", "netB")
    merged(r.alone, folder / "b", "-o", folder / "joined")
    check_same(folder / "joined", folder / "whole")
    merged(folder / "b", "-o", folder / "copy")
    check_same(folder / "copy", folder / "b")


@test
def layer_selections(r, folder):
    """Of all layers, and of a run that chiasm run made of some models."""
    options = ("--replicates", 4, "--layer-selection", "all")
    for name, models in (("whole", "*"), ("a", "netA"), ("b", "netB*")):
        fitted(r.study, folder / name, "--models", models)
        booted(folder / name, *options, ranks=0)
    merged(folder / "a", folder / "b", "-o", folder / "joined", ranks=2)
    check_same(folder / "joined", folder / "whole", r.all)

    for name, models in (("ab", "netA,netB"), ("onlyA", "netA"), ("onlyB", "netB")):
        done = chiasm("run", r.study, "-o", folder / name, "--models", models, "--uncertainty", "both", "--replicates", 4,
                      "--min-bins", 2)
        assert done.returncode == 0, done.stderr
    merged(folder / "onlyA", folder / "onlyB", "-o", folder / "joined2", ranks=2)
    check_same(folder / "joined2", folder / "ab", r.all)
    assert (folder / "joined2/config.yaml").read_text() == (folder / "ab/config.yaml").read_text()
    assert "sites" in chiasm("status", folder / "joined2").stdout
    done = chiasm("run", r.study, "-o", folder / "joined2", "--resume")
    assert done.returncode == 0, done.stderr
    assert (folder / "joined2/sites.csv").read_bytes() == (folder / "ab/sites.csv").read_bytes()


@test
def a_new_model(r, folder):
    """Added to the study after a run of all models."""
    study = copy(r.study, folder / "study")
    fitted(study, folder / "old")
    booted(folder / "old", *BOOT, ranks=0)
    for subject in STUDY["subjects"]:
        for alignment in STUDY["alignments"]:
            x = features(0, subject, alignment, "newer", "top", STUDY["n"], 7)
            write_features(study / f"features/{subject}.{alignment}/newer.h5", "newer", {"top": x},
                           modality="vision", training="trained", dtype=np.float32)
    fitted(study, folder / "new", "--models", "newer")
    booted(folder / "new", *BOOT, ranks=0)
    fitted(study, folder / "whole")
    booted(folder / "whole", *BOOT, ranks=0)
    merged(folder / "old", folder / "new", "-o", folder / "joined", ranks=2)
    check_same(folder / "joined", folder / "whole", r.all)


@test
def overlaps(r, folder):
    """The same score twice is fine; of two that differ both runs are named; written goes before failed."""
    merged(r.whole, r.a, "-o", folder / "joined")
    check_same(folder / "joined", r.whole)
    other = copy(r.alone, folder / "other")
    with h5py.File(other / "fit.h5", "r+") as f:
        f["film/done"][0, :] = 2
        f["film/done"][1, 1] = 0
    out = merged(other, r.whole, "-o", folder / "filled")
    check_same(folder / "filled", r.whole)
    assert "bootstraps are left out" in out and "chiasm bootstrap" in out, out

    fitted(r.study, folder / "close", "--models", "netA")
    with h5py.File(folder / "close/fit.h5", "r+") as f:  # whole, but of another result
        f["film/val_r"][0, 1, 0] = 0.5
    seal(folder / "close/fit.h5")
    done = merge(r.alone, folder / "close", "-o", folder / "wrong")
    said(done, 2, "differ in film netA/one at s1/E001: the scores", str(r.alone), str(folder / "close"))
    assert "merge again with --overwrite" in done.stderr, done.stderr
    assert chiasm("status", folder / "wrong").returncode == 3
    merged(r.alone, r.b, "-o", folder / "wrong", "--overwrite")
    check_same(folder / "wrong", r.whole)


@test
def unfinished(r, folder):
    """What no part has is left to --resume."""
    part = copy(r.alone, folder / "part")
    with h5py.File(part / "fit.h5", "r+") as f:
        f["film/done"][1, 2:] = 0
        f["film/val_r"][1, 2:] = 7  # half written
        f["sound/done"][0, 0] = 2
    out = merged(part, r.b, "-o", folder / "joined", ranks=2)
    assert "left: 4" in out and "failed: 1" in out and "--resume" in out, out
    assert set(done_flags(folder / "joined")) == {0, 1, 2}
    assert chiasm("status", folder / "joined").returncode == 3
    fitted(r.study, folder / "joined", "--resume")
    check_same(folder / "joined", r.whole)
    booted(folder / "joined", *BOOT, ranks=0)
    check_same(folder / "joined", r.whole, r.all)

    late = copy(r.a, folder / "late")
    with h5py.File(late / "bootstrap.h5", "r+") as f:
        f["film/done"][0, 1, 1] = 0
        f["film/val_r"][0, 1, 50:] = 9
        f["film/summarised"][...] = 0
    out = merged(r.b, late, "-o", folder / "boot", ranks=2)
    assert "left: 1" in out and "chiasm bootstrap" in out, out
    booted(folder / "boot", "--resume", ranks=0)
    check_same(folder / "boot", r.whole, r.all)


def refused(*arguments, text, code=2, ranks=2):
    parts = [p for p in arguments[:arguments.index("-o")] if p.exists()]
    out = arguments[arguments.index("-o") + 1]
    before = [contents(p) for p in (*parts, out)]
    said(merge(*arguments, ranks=ranks), code, *([text] if isinstance(text, str) else text))
    assert [contents(p) for p in (*parts, out)] == before
    return True


@test
def refusals(r, folder):
    run = folder / "joined"
    refused(r.a, r.b, "-o", r.a, text="is one of the runs to be joined")
    refused(r.a, r.b, "-o", r.a, "--overwrite", text="is one of the runs to be joined")
    refused(r.a, r.a, "-o", run, text="is the same run as")
    refused(r.a, folder / "none", "-o", run, text=("none", "no fit.h5"))
    refused(r.a, r.b, "-o", r.whole, text="holds a run already")
    said(merge(r.a), 2, "give -o RUN")
    for option, value, other in (("--folds", 4, "folds is 5 in"), ("--subjects", "s1", 'subjects is * in'),
                                 ("--alignments", "film", "alignments is * in"), ("--layers", "one", "layers is * in")):
        part = folder / option
        fitted(r.study, part, "--models", "netB*", option, value)
        refused(r.a, part, "-o", run, text=(other, f"{value} in", str(part), str(r.a)))
    part = copy(r.b, folder / "boot")
    booted(part, "--overwrite", "--replicates", 9, ranks=0)
    refused(r.a, part, "-o", run, text=("replicates is 60 in", "9 in", str(part)))
    booted(part, "--overwrite", *BOOT, "--no-keep-replicates", ranks=0)
    refused(r.a, part, "-o", run, text=("replicates were dropped", "--overwrite"))
    study = Path(make_study(folder / "study", **STUDY))
    fitted(study, folder / "elsewhere", "--models", "netB*")
    refused(r.a, folder / "elsewhere", "-o", run, text=("only runs of one study", str(study), str(r.study)))


@test
def strangers(r, folder):
    """Another kernel, another format, a part being written."""
    run = folder / "joined"
    for name, key, value, text in (("kernel", "run_blas_kernel", "Another", ("BLAS kernel", "with Another", "OPENBLAS_CORETYPE")),
                                   ("format", "chiasm_format", 9, "is of format 9")):
        part = copy(r.b, folder / name)
        with h5py.File(part / "fit.h5", "r+") as f:
            f.attrs[key] = value
        refused(r.a, part, "-o", run, text=text)
    part = copy(r.b, folder / "busy")
    with open(part / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        refused(r.a, part, "-o", run, text="another job is writing this run")
    merged(r.a, part, "-o", run)
    check_same(run, r.whole, r.all)


@test
def changed_study(r, folder):
    """The part that is not of the study as it is now is named."""
    study, run = Path(make_study(folder / "study", **STUDY)), folder / "joined"
    fitted(study, folder / "a", "--models", "netA")
    fitted(study, folder / "b", "--models", "netB*")
    file = study / "features/s1.film/netB.h5"
    x = features(1, "s1", "film", "netB", "one", STUDY["n"], 5)
    write_features(file, "netB", {"one": x}, network="netB", modality="language", training="trained", dtype=np.float32)
    refused(folder / "a", folder / "b", "-o", run, text=(f"{folder / 'b'}: the study has changed",))
    merged(folder / "a", "-o", folder / "a2")
    os.remove(file)
    refused(folder / "a", folder / "b", "-o", run, text="netB")


@test
def damaged_parts(r, folder):
    """Named with the place; nothing crashes."""
    run = folder / "joined"
    part = copy(r.b, folder / "part")
    with h5py.File(part / "fit.h5", "r") as f:
        at = f["sound/test_r"].id.get_offset() + 4 * np.ravel_multi_index((1, 4, 2), f["sound/test_r"].shape)
    data = bytearray((part / "fit.h5").read_bytes())
    data[at] ^= 4
    (part / "fit.h5").write_bytes(data)
    for ranks in (0, 2):
        done = merge(r.a, part, "-o", run, "--overwrite", ranks=ranks)
        said(done, 2, str(part), "sound netB-random/one at s2/E001", "--resume")
        assert chiasm("status", run).returncode == 3
    fitted(r.study, part, "--resume")
    boot = bytearray((part / "bootstrap.h5").read_bytes())
    with h5py.File(part / "bootstrap.h5", "r") as f:
        at = f["film/val_r"].id.get_offset() + 4 * np.ravel_multi_index((0, 2, 55, 2), f["film/val_r"].shape)
    boot[at] ^= 4
    (part / "bootstrap.h5").write_bytes(boot)
    said(merge(r.a, part, "-o", run, "--overwrite"), 2, str(part), "film netB/one at s1/E002", "block 1", "--resume")
    for n in (0, 50, 3000, len(data) - 1):
        (part / "fit.h5").write_bytes(data[:n])
        refused(r.a, part, "-o", folder / "no", text=(str(part), "fit.h5"))
    rng = np.random.default_rng(5)
    for _ in range(6):
        bad = bytearray(data)
        for i in rng.integers(0, 4000, 40):
            bad[i] = rng.integers(256)
        (part / "fit.h5").write_bytes(bad)
        done = merge(r.a, part, "-o", run, "--overwrite", ranks=2)
        assert done.returncode in (0, 1, 2) and done.stderr.count(ERROR) <= 1, done


def main():
    failed = []
    with tempfile.TemporaryDirectory() as top:
        runs = Runs(Path(top))
        for t in TESTS:
            if len(sys.argv) > 1 and t.__name__ not in sys.argv[1:]:
                continue
            folder = Path(top) / t.__name__
            folder.mkdir()
            try:
                t(runs, folder)
                print(f"passed {t.__name__}", flush=True)
            except Exception as error:  # all of them in one go
                failed.append(t.__name__)
                print(f"FAILED {t.__name__}: {type(error).__name__} {error}", flush=True)
    return len(failed) > 0


if __name__ == "__main__":
    sys.exit(main())
