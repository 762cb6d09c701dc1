"""Everything that stops a bootstrap from being begun or gone on with: one clear line, exit code 2, and nothing of the
run changed. Damaged files never crash it or let it hang.

    test_refusals.py [NAME]...    only these tests
    CHIASM_FUZZ=N                 N damaged files of each kind, not 4
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

from stage.boot import boot, booted, fitted, refused
from checksums import seal
from compare_runs import differences
from program import ERROR, chiasm, said
from study_maker import make_study

FUZZ = int(os.environ.get("CHIASM_FUZZ") or 4)
OPTIONS = ("--replicates", 60, "--block", 3)
TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Given:
    """A study of two alignments, its fit and its bootstrap."""

    def __init__(self, folder):
        self.study, self.fit, self.run = folder / "study", folder / "fit", folder / "run"
        make_study(self.study, alignments=("film", "words"), n=40, electrodes=2, bins=2,
                   models={"netA": {"l1": 3, "l2": 4}, "netB": {"l1": 2}})
        fitted(self.study, self.fit)
        shutil.copytree(self.fit, self.run)
        booted(self.run, *OPTIONS, ranks=0)

    def copy(self, folder, bootstrapped=True):
        shutil.rmtree(folder / "copy", ignore_errors=True)
        return Path(shutil.copytree(self.run if bootstrapped else self.fit, folder / "copy"))


@test
def option_values(given, folder):
    run = given.copy(folder, False)
    for options, text in ((("--replicates", 1), "--replicates"), (("--replicates", "many"), "--replicates"),
                          (("--replicates", 1000001), "--replicates"), (("--replicates", "1e3x"), "--replicates"),
                          (("--block", 0), "--block 0: expected auto or a number of events"),
                          (("--block", -3), "--block -3"), (("--block", 2.5), "--block 2.5"),
                          (("--block", ""), "--block"), (("--block", "Auto"), "--block Auto"),
                          (("--block", "99999999999999999999"), "--block 9999"),
                          (("--block", "5" * 500), "--block 5555"),
                          (("--block", 41), "--block 41: responses/s1.film.h5 has only 40 events"),
                          (("--layer-selection", "best"), "site|final|all"), (("--seed", -1), "--seed"),
                          (("--seed", "x"), "--seed"), (("--models", "netZ"), "no model fits --models netZ"),
                          (("--models", ""), "--models"), (("--resume", "--overwrite"), "exclude each other"),
                          (("--threads", -1), "--threads"), (("--memory-per-rank", "1K"), "memory"),
                          (("--folds", 3), "--folds"), (("--gap", 1), "--gap"), (("again",), "again"),
                          (("-c", folder / "nothing.yaml"), "nothing.yaml")):
        refused(run, *options, text=text, ranks=2 if text == "--block -3" or "41" in text else 0)
    (folder / "bad.yaml").write_text("bootstrap: {replicats: 3}\n")
    refused(run, "-c", folder / "bad.yaml", text="replicats", ranks=0)
    (folder / "good.yaml").write_text("bootstrap: {replicates: 3, block: 40, layer-selection: all}\n")
    booted(run, "-c", folder / "good.yaml")  # a block of all events
    with h5py.File(run / "bootstrap.h5") as f:
        r = f["film/val_r"][()]
        assert r.shape == (3, 2, 3, 2) and f["film"].attrs["block_length"].tolist() == [40]
        assert (r[:, :, 0] == r[:, :, 1]).all()  # each draws every event once


@test
def no_run(given, folder):
    said(chiasm("bootstrap"), 2, "RUN")
    for path, text in (("missing", "missing"), ("file", "file"), ("empty", "holds no fit.h5"),
                       ("cut", "cut/fit.h5: "), ("text", "text/fit.h5: ")):
        if path != "missing" and path != "file":
            (folder / path).mkdir()
        (folder / "file").write_text("")
        if path == "cut":
            (folder / "cut/fit.h5").write_bytes((given.fit / "fit.h5").read_bytes()[:3000])
        if path == "text":
            (folder / "text/fit.h5").write_text("no HDF5 at all")
        for mode in ((), ("--resume",), ("--overwrite",)) if path == "cut" else ((),):
            said(boot(folder / path, *mode, ranks=2 if path == "cut" and not mode else 0), 2, text)
    assert not list((folder / "empty").iterdir())


@test
def other_options(given, folder):
    run = given.copy(folder)
    for options, text in ((("--replicates", 61), "replicates is 60 in the run, 61 now"),
                          (("--block", 4), "block is 3 in the run, 4 now"),
                          (("--block", "auto"), "block is 3 in the run, auto now"),
                          (("--seed", 2), "seed is 0 in the run, 2 now"),
                          (("--layer-selection", "all"), "layer-selection is site in the run, all now"),
                          (("--models", "netA"), "models is * in the run, netA now")):
        refused(run, "--resume", *options, text=text, ranks=0)
    refused(run, text="holds a bootstrap.h5 already; --resume goes on with it, --overwrite starts it again")
    before = (run / "bootstrap.h5").read_bytes()
    booted(run, "--resume", *OPTIONS, "--seed", 0, ranks=0)
    assert not differences(given.run / "bootstrap.h5", run / "bootstrap.h5") and len(before)
    (run / "config.yaml").write_text("bootstrap: {\n")
    refused(run, "--resume", text="config.yaml", ranks=0)
    os.remove(run / "config.yaml")  # what the run says of itself is in its files
    refused(run, "--resume", text="replicates is 60 in the run, 100 now", ranks=0)
    booted(run, "--resume", *OPTIONS, ranks=0)
    assert "bootstrap:" in (run / "config.yaml").read_text()


@test
def other_fit(given, folder):
    """A fit that is not complete, or another than was bootstrapped."""
    run = given.copy(folder, False)
    with h5py.File(run / "fit.h5", "r+") as f:
        f["words/done"][1, 0] = 0
        f["words/done"][2, 1] = 0
    for mode in ((), ("--resume",), ("--overwrite",)):
        refused(run, *OPTIONS, *mode, text="/words is not fitted yet at 2 of 6 layers and sites; chiasm fit --resume",
                ranks=0)
    run = given.copy(folder)
    with h5py.File(run / "fit.h5", "r+") as f:
        f["film/val_r"][0] = 0.9  # the first of two layers
        f["film/val_r"][1] = 0.1
    refused(run, "--resume", text=("netA/l1 at s1/E000: the scores do not fit their checksum", "--resume"), ranks=0)
    seal(run / "fit.h5")
    with h5py.File(run / "bootstrap.h5", "r+") as f:
        assert (f["film/layer"][0] != b"l1").any()
    refused(run, "--resume", text=("/film: layer chosen there of ", "is not what fit.h5", "--overwrite"), ranks=0)
    booted(run, *OPTIONS, "--overwrite", ranks=0)
    fitted(given.study, run, "--overwrite")
    assert not (run / "bootstrap.h5").exists() and "bootstrap:" not in (run / "config.yaml").read_text()


@test
def other_study(given, folder):
    study, run = folder / "study", folder / "run"
    shutil.copytree(given.study, study)
    fitted(study, run)
    shutil.copytree(run, folder / "fresh")
    booted(run, *OPTIONS, ranks=0)
    path = study / "features/s1.film/netA.h5"
    before = path.read_bytes()
    with h5py.File(path, "r+") as f:
        f["layers/l1"][5, 1] += 1
    for at, mode in ((folder / "fresh", ()), (run, ("--resume",)), (run, ("--overwrite",))):
        refused(at, *mode, *OPTIONS, text=("the study", "has changed since the fit", "fit again"))
    path.write_bytes(before)
    booted(run, "--resume", ranks=0)
    os.rename(study, folder / "elsewhere")
    for mode in ((), ("--resume",)):
        at = run if mode else folder / "fresh"
        refused(at, *mode, *OPTIONS, text=(str(study), "there is no such folder"), ranks=0)


# ---- damaged files

def replaced(group, name, data, **how):
    del group[name]
    group.create_dataset(name, data=data, **how)


def damages(f, names):
    """Ways to damage an open file, each a function; names: the datasets of its groups."""
    g = f["film"]
    for name in names:
        d = g[name]
        yield f"no {name}", lambda name=name: g.__delitem__(name)
        yield f"{name} shorter", lambda name=name, d=d: replaced(g, name, d[()][:-1])
        yield f"{name} longer", lambda name=name, d=d: replaced(g, name, np.concatenate([d[()]] * 3, axis=-1))
        yield f"{name} a number", lambda name=name: replaced(g, name, 5.0)
        yield f"{name} in chunks", lambda name=name, d=d: replaced(g, name, d[()], chunks=d.shape, compression="gzip")
        other = np.zeros(g[name].shape, np.float32) if d.dtype == object else np.full(d.shape, "x", object)
        yield f"{name} of another type", lambda name=name, other=other: replaced(g, name, other)
    for name in ("chiasm_format", "config", "study_checksum", "study", "run_blas_kernel"):
        yield f"no attribute {name}", lambda name=name: f.attrs.__delitem__(name)
        yield f"attribute {name} a list", lambda name=name: f.attrs.__setitem__(name, [1.5, 2.5])
    yield "no group", lambda: f.__delitem__("words")
    yield "a group more", lambda: f.copy("words", "zoo")
    yield "a dataset beside", lambda: f.create_dataset("zoo", data=3)
    yield "a group renamed", lambda: f.move("words", "wordz")
    yield "a link to nowhere", lambda: f.__setitem__("zoo", h5py.SoftLink("/nothing"))


def survives(run, *options, what, ranks=0):
    """Whatever it says, it says it in one line, and ends. HDF5 itself crashes on some, in a child process that is
    watched; AddressSanitizer ends that before the kernel does."""
    done = boot(run, *options, ranks=ranks)
    if "AddressSanitizer" in done.stderr and "libhdf5" in done.stderr:
        return done
    errors = done.stderr.count(ERROR)
    assert done.returncode in (0, 1, 2) and errors == (done.returncode == 2 or done.returncode == 1 and errors), \
        f"{what}: exit code {done.returncode}\n{done.stderr[-3000:]}"
    assert "Sanitizer" not in done.stderr, f"{what}\n{done.stderr[-5000:]}"
    return done


def names_of(path):
    with h5py.File(path) as f:
        return sorted(f["film"])


@test
def damaged_structure(given, folder):
    """What opens as HDF5 but is no bootstrap.h5 or fit.h5: found, as a rule; never a crash."""
    rng, wrong = random.Random(4), []
    for file, bootstrapped, mode in (("bootstrap.h5", True, ("--resume",)), ("fit.h5", False, OPTIONS)):
        names = names_of((given.run if bootstrapped else given.fit) / file)
        with h5py.File(given.run / file) as f:
            kinds = [what for what, _ in damages(f, names)]
        needed = ["val_r longer", "done longer", "test_r in chunks", "no summarised", "checksum a number"]
        chosen = kinds if FUZZ > 100 else [k for k in needed if k in kinds] + rng.sample(kinds, FUZZ)
        for what in chosen:
            run = given.copy(folder, bootstrapped)
            try:
                with h5py.File(run / file, "r+") as f:
                    dict(damages(f, names))[what]()
            except (TypeError, ValueError, RuntimeError, OSError) as e:  # h5py cannot make this one
                print(f"  {what}: {e}")
                continue
            try:
                done = survives(run, *mode, what=f"{file}: {what}")
                if FUZZ > 100:
                    print(f"  {file}: {what}: {done.returncode} {done.stderr.splitlines()[-1][:200]}")
                if done.returncode == 0 and bootstrapped and what.split()[0] not in (
                        "no", "attribute") and any(t in what for t in ("val_r ", "test_r ", "done", "checksum")):
                    with h5py.File(run / file) as f:
                        assert f["film/val_r"].shape == (2, 2, 60, 2), f"{file}: {what} was taken"
            except (AssertionError, subprocess.TimeoutExpired) as error:
                wrong.append(str(error))
    assert not wrong, "\n".join(wrong)


@test
def damaged_bytes(given, folder):
    """Bytes of nothing, noise or one turned over, anywhere but mostly where HDF5 keeps its own."""
    rng, wrong = random.Random(5), []
    for file, bootstrapped, mode in (("bootstrap.h5", True, ("--resume",)), ("fit.h5", False, OPTIONS)):
        for i in range(FUZZ):
            run = given.copy(folder, bootstrapped)
            data = bytearray((run / file).read_bytes())
            for _ in range(rng.choice((1, 1, 3, 20))):
                n = rng.choice((1, 1, 8, 100))
                at = rng.randrange(min(len(data), rng.choice((800, 6000, len(data)))) - n)
                data[at:at + n] = rng.choice((bytes(n), rng.randbytes(n), bytes(b ^ 1 << rng.randrange(8) for b in
                                                                               data[at:at + n]), b"\xff" * n))
            (run / file).write_bytes(data)
            try:
                survives(run, *mode, what=f"{file}: damage {i}", ranks=2 if i % 4 == 1 else 0)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                wrong.append(str(error))
                if os.environ.get("CHIASM_KEEP"):
                    shutil.copytree(run, Path(os.environ["CHIASM_KEEP"]) / f"{file}.{i}", dirs_exist_ok=True)
    assert not wrong, "\n".join(wrong)


def main():
    failed, wanted = 0, [t for t in TESTS if len(sys.argv) == 1 or t.__name__ in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as top:
        given = Given(Path(top))
        for function in wanted:
            folder, wrong = Path(top) / function.__name__, None
            folder.mkdir()
            try:
                function(given, folder)
            except Exception as error:  # all of them in one go
                wrong = f"{type(error).__name__} {error}"
            failed += wrong is not None
            print(f"{'FAILED' if wrong else 'passed'} {function.__name__} {wrong or ''}", flush=True)
    print(f"{len(wanted) - failed} of {len(wanted)} passed")
    return failed > 0 or not wanted


if __name__ == "__main__":
    sys.exit(main())
