"""fit.h5 and bootstrap.h5 cut short or damaged: --resume says so, keeps the damaged file under another name, starts the
stage anew, and ends with the bytes of an undisturbed run. CHIASM_FUZZ=N damages that many files more."""
import fcntl
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

from stage.boot import boot, booted, fitted, refused as boot_refused
from compare_runs import differences
from inputs.job import refused
from program import ERROR, chiasm
from study_maker import make_study

FUZZ = int(os.environ.get("CHIASM_FUZZ") or 12)
# netB has a layer that s1 lacks: places that are never fitted, in both files.
STUDY = dict(subjects=("s1", "s2"), alignments=("film", "sound"), n=40, electrodes=3, bins=4,
             models={"netA": {"one": 6}, "netB": {"one": 5, "two": 4}})
FIT, BOOT = ("--allow-missing",), ("--replicates", 60)


class Whole:
    def __init__(self, top):
        self.study, self.run = Path(make_study(top / "study", **STUDY)), top / "whole"
        for alignment in STUDY["alignments"]:
            os.remove(self.study / f"features/s1.{alignment}/netB.h5")
        fitted(self.study, self.run, *FIT)
        booted(self.run, *BOOT, ranks=0)
        with h5py.File(self.run / "fit.h5") as f:
            assert np.isnan(f["film/val_r"][1:, :3]).all() and set(f["sound/done"][:, 0]) == {0, 1}

    def check(self, run, name):
        lines = differences(self.run / name, run / name)
        assert not lines, "\n".join(lines)


def lengths(path):
    """In the superblock, in the metadata, in and between all tables, one byte short."""
    size = path.stat().st_size
    out = {0, 7, 40, 60, 300, 2000, size - 1}
    with h5py.File(path) as f:
        for alignment in f:
            for d in f[alignment].values():
                if d.id.get_offset() is not None and d.id.get_storage_size() > 0:
                    out |= {d.id.get_offset(), d.id.get_offset() + d.id.get_storage_size() // 2}
        first = min(f[a]["checksum"].id.get_offset() for a in f)
    labels, tables = sorted(n for n in out if n < first), sorted(n for n in out if n >= first)
    return [*some(labels, 4), *some(tables, 3)]


def some(values, n):
    """The first, the last, and evenly chosen ones between."""
    return [values[round(i * (len(values) - 1) / (n - 1))] for i in range(n)]


def resume(whole, run, name, ranks=0):
    """What it printed."""
    return fitted(whole.study, run, "--resume", ranks=ranks) if name == "fit.h5" else booted(run, "--resume", ranks=ranks)


def check_lengths(whole, folder, name):
    data, run = (whole.run / name).read_bytes(), folder / name
    shutil.copytree(whole.run, run)
    if name == "fit.h5":
        os.remove(run / "bootstrap.h5")
    for i, n in enumerate(lengths(whole.run / name)):
        (run / name).write_bytes(data[:n])
        out = resume(whole, run, name, ranks=2 * (i % 4 == 3))
        kept = f"{name}.damaged" + f".{i + 1}" * (i > 0)
        warned = [line for line in out.splitlines() if f"warning: {run / name}: " in line]
        assert len(warned) == 1 and f"it is kept as {kept}, and the " in warned[0], out
        assert "starts from nothing" in warned[0], out
        assert (run / kept).read_bytes() == data[:n]
        whole.check(run, name)


def check_dropped(whole, folder):
    """Without replicates."""
    run = folder / "kept"
    shutil.copytree(whole.run, run)
    booted(run, "--resume", "--no-keep-replicates", ranks=0)
    shutil.copy(run / "bootstrap.h5", folder / "dropped.h5")
    (run / "bootstrap.h5").write_bytes((run / "bootstrap.h5").read_bytes()[:-1])
    out = booted(run, "--resume", "--no-keep-replicates", ranks=2)
    assert "starts from nothing" in out, out
    assert not differences(folder / "dropped.h5", run / "bootstrap.h5")


def check_held(whole, folder):
    """A file that another program holds, or that may not be read, is not known to be damaged: an error, and it stays."""
    for name in ("fit.h5", "bootstrap.h5"):
        run = folder / f"held-{name}"
        shutil.copytree(whole.run, run)
        data = (run / name).read_bytes()
        with open(run / name, "rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            done = chiasm("fit", whole.study, "-o", run, "--resume") if name == "fit.h5" else boot(run, "--resume", ranks=0)
        assert done.returncode == 1 and "another program has it open" in done.stderr, done
        assert (run / name).read_bytes() == data and not list(run.glob("*.damaged*"))


def check_refusals(whole, folder):
    """Other options, another study, another version, no options at all: nothing is touched."""
    run = folder / "run"
    shutil.copytree(whole.run, run)
    data = {name: (run / name).read_bytes() for name in ("fit.h5", "bootstrap.h5")}
    for n in (0, 2000, len(data["fit.h5"]) - 1):
        (run / "fit.h5").write_bytes(data["fit.h5"][:n])
        refused(whole.study, run, "--resume", "--folds", 4, text="folds is 5 in the run, 4 now", ranks=0)
        boot_refused(run, "--resume", text="fit.h5", ranks=0)
    (run / "fit.h5").write_bytes(data["fit.h5"])
    for n in (0, 2000, len(data["bootstrap.h5"]) - 1):
        (run / "bootstrap.h5").write_bytes(data["bootstrap.h5"][:n])
        boot_refused(run, "--resume", "--replicates", 61, text="replicates is 60 in the run, 61 now", ranks=0)
    (run / "bootstrap.h5").write_bytes(data["bootstrap.h5"])
    with h5py.File(run / "fit.h5", "r+") as f:
        f.attrs["chiasm_format"] = 9
    refused(whole.study, run, "--resume", text="is of format 9", ranks=0)
    os.remove(run / "config.yaml")
    (run / "fit.h5").write_bytes(b"")
    refused(whole.study, run, "--resume", *FIT, text="--overwrite starts the run again", ranks=0)


def check_fuzz(whole, folder):
    """Bytes of the head changed, and the end cut off: an end of the job with one line at most, and the same bytes where
    it says that all is well."""
    run, rng = folder / "fuzz", random.Random(7)
    shutil.copytree(whole.run, run)
    for i in range(FUZZ):
        name = ("fit.h5", "bootstrap.h5")[i % 2]
        for each in ("fit.h5", "bootstrap.h5"):
            shutil.copy(whole.run / each, run / each)
        data = bytearray((whole.run / name).read_bytes())
        for _ in range(rng.choice((1, 4, 30))):
            data[rng.randrange(48, 6000)] = rng.randrange(256)
        if rng.random() < 0.5:
            del data[rng.randrange(3000, len(data)):]
        (run / name).write_bytes(data)
        done = chiasm("fit", whole.study, "-o", run, "--resume") if name == "fit.h5" else \
            boot(run, "--resume", ranks=0)
        assert done.returncode in (0, 1, 2) and done.stderr.count(ERROR) == (done.returncode != 0), (i, done)


def main():
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top) / "runs"
        folder.mkdir()
        whole = Whole(Path(top))
        for name in ("fit.h5", "bootstrap.h5"):
            check_lengths(whole, folder, name)
            print(f"passed: {name} cut", flush=True)
        check_dropped(whole, folder)
        print("passed: without replicates", flush=True)
        check_held(whole, folder)
        print("passed: files that others hold", flush=True)
        check_refusals(whole, folder)
        print("passed: refusals", flush=True)
        check_fuzz(whole, folder)
        print("passed: damaged heads", flush=True)


if __name__ == "__main__":
    sys.exit(main())
