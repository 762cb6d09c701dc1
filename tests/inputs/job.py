"""Starting chiasm as its users do, for the tests of bad inputs and of faults."""
import os
import shlex
import subprocess
from pathlib import Path

import h5py
import numpy as np

CHIASM = os.environ["CHIASM"]
MPIRUN = shlex.split(os.environ["CHIASM_MPIRUN"])
ERROR = "chiasm: error: "


def command(ranks, *arguments):
    return MPIRUN + ["-n", str(ranks), CHIASM, *map(str, arguments)]


def chiasm(*arguments, ranks=0, timeout=30):
    """The finished process; ranks: under mpirun."""
    line = command(ranks, *arguments) if ranks else [CHIASM, *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, errors="replace", timeout=timeout)


def fit(study, run, *options, ranks=2, timeout=30):
    return chiasm("fit", study, "-o", run, *options, ranks=ranks, timeout=timeout)


def ok(study, run, *options, code=0, **how):
    """A fit that must end well. What it printed, stdout and stderr."""
    done = fit(study, run, *options, **how)
    assert done.returncode == code, f"exit code {done.returncode}, expected {code}\n{done.stderr}"
    assert ERROR not in done.stderr, done.stderr
    return done.stdout + done.stderr


def said(done, code, *texts):
    """It must have ended with this code and exactly one error line, with every text in it."""
    lines = [line for line in done.stderr.splitlines() if line.startswith(ERROR)]
    assert done.returncode == code, f"exit code {done.returncode}, expected {code}\n{done.stderr}"
    assert len(lines) == 1, f"not one error line:\n{done.stderr}"
    assert lines[0].isprintable(), repr(lines[0])
    for text in texts:
        assert text in lines[0], f"no {text!r} in {lines[0]!r}"


def refused(study, run, *options, text, ranks=2):
    """A fit refused before it wrote anything, or changed anything that is there."""
    before = contents(run)
    said(fit(study, run, *options, ranks=ranks), 2, *([text] if isinstance(text, str) else text))
    assert contents(run) == before, f"{run} was changed"


def contents(folder):
    """The bytes of every file of a folder but the lock's; None where there is no folder."""
    folder = Path(folder)
    if not folder.is_dir():
        return None
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "lock"}


def done_flags(run):
    """All `done` flags of a run, in one row."""
    with h5py.File(Path(run) / "fit.h5", "r") as file:
        return np.concatenate([file[a]["done"][()].ravel() for a in file])
