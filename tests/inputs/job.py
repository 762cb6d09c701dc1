"""Fits, for the tests of bad inputs and of faults."""
import os
import shutil
import subprocess
from pathlib import Path

import h5py
import numpy as np

from program import CHIASM, ERROR, chiasm, contents, said

def as_somebody(folder):
    """The keywords that make a job run as a user without rights to all: as root by nobody, who gets a copy of the
    program and may write into folder/open. None where no other user can run it."""
    program, temporary, ours = shutil.copy(CHIASM, folder / "chiasm"), folder / "tmp", folder / "open"
    prefix, owner = (), os.getuid()
    for path in (temporary, ours):
        path.mkdir()
    if owner == 0:
        prefix, owner = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"), 65534
        for path in (folder, *folder.parents):
            if path.stat().st_uid == 0 and path.stat().st_mode & 0o005 != 0o005:
                os.chmod(path, 0o755)
        for path in (temporary, ours):
            os.chown(path, owner, -1)
        if subprocess.run([*prefix, program, "--version"], capture_output=True).returncode != 0:
            return None
    environment = {**os.environ, "HOME": str(folder), "TMPDIR": str(temporary)}
    return dict(program=str(program), prefix=prefix, env=environment, cwd=folder)


def fit(study, run, *options, ranks=2, **how):
    return chiasm("fit", study, "-o", run, *options, ranks=ranks, **how)


def ok(study, run, *options, code=0, **how):
    """A fit that must end well. What it printed, stdout and stderr."""
    done = fit(study, run, *options, **how)
    assert done.returncode == code, f"exit code {done.returncode}, expected {code}\n{done.stderr}"
    assert ERROR not in done.stderr, done.stderr
    return done.stdout + done.stderr


def refused(study, run, *options, text, ranks=2):
    """A fit refused before it wrote anything, or changed anything that is there."""
    before = contents(run)
    said(fit(study, run, *options, ranks=ranks), 2, *([text] if isinstance(text, str) else text))
    assert contents(run) == before, f"{run} was changed"


def done_flags(run):
    """All `done` flags of a run, in one row."""
    with h5py.File(Path(run) / "fit.h5", "r") as file:
        return np.concatenate([file[a]["done"][()].ravel() for a in file])
