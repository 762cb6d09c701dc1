"""Fits that are made to end in bad ways."""
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from compare_runs import differences
from inputs.job import command, fit

SECONDS = 60  # no fit of these tests takes longer


def start(study, run, *options, ranks=2):
    """A fit under way; what it prints goes into job.out, a file: a pipe would tie us to ranks that
    outlive their mpirun."""
    out = tempfile.TemporaryFile()
    job = subprocess.Popen(command(ranks, "fit", study, "-o", run, *options), stdout=out,
                           stderr=subprocess.STDOUT)
    job.out = out
    return job


def printed(job):
    job.out.seek(0)
    return job.out.read().decode(errors="replace")


def end(job):
    """Its exit code and what it printed."""
    try:
        job.wait(SECONDS)
    except subprocess.TimeoutExpired:
        kill(job, "all")
        job.wait()
        raise
    return job.returncode, printed(job)


def check_same(run, reference):
    lines = differences(Path(reference) / "fit.h5", Path(run) / "fit.h5")
    assert not lines, f"{run} is not {reference}:\n" + "\n".join(lines)


def ranks_of(job):
    """rank -> process id of a job under way: the children of mpirun that are ranks already."""
    found = {}
    try:
        children = Path(f"/proc/{job.pid}/task/{job.pid}/children").read_text().split()
    except OSError:
        return found
    for pid in children:
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        for entry in environment:
            if entry.startswith(b"OMPI_COMM_WORLD_RANK="):
                found[int(entry.split(b"=")[1])] = int(pid)
    return found


def kill(job, whom, number=signal.SIGKILL):
    """whom: "mpirun", "all", or a rank. What was there to kill is killed."""
    ranks = ranks_of(job)
    pids = {"mpirun": [job.pid], "all": [job.pid, *ranks.values()]}.get(whom) or [ranks.get(whom)]
    for pid in filter(None, pids):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def wait_for(condition, what, seconds=20):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, what
        time.sleep(0.01)


def go_on(study, run, *options, ranks=2):
    """What a user does after a crash: --resume, or from the start where there is no run yet. What
    was printed by the fit that completed it."""
    for _ in range(5):
        there = run.exists() and any(run.iterdir())
        done = fit(study, run, *(("--resume",) if there else ()), *options, ranks=ranks,
                   timeout=SECONDS)
        if done.returncode == 0:
            return done.stdout + done.stderr
        # A job's ranks may outlive its mpirun and make the run while we look.
        assert not there and "another job" in done.stderr or "holds a run already" in done.stderr, \
            f"exit code {done.returncode}, {'resumed' if there else 'new'}\n{done.stderr}"
        time.sleep(1)
    raise AssertionError(f"not done after 5 times\n{done.stderr}")
