"""jobs/sweep.sbatch in a real SLURM: stopped at its limit, killed, cancelled, refused; and jobs/slurm-local.sh.

    test_sweep.py [NAME]...      only these tests
"""
import contextlib
import os
import shutil
import signal
import tempfile
from pathlib import Path

import h5py

from gates import Gate
from jobs.cases import OPTIONS, run_tests
from jobs.slurm import JOBS, SECONDS, Slurm, check_same, chiasm, held, shell
from limits import wait_for
from program import CHIASM, command_line

TESTS = []


def test(function):
    TESTS.append(function)
    return function


def state_of(run):
    return chiasm("status", run).returncode


@contextlib.contextmanager
def submitted(case, run, **how):
    """(job, gate, process ids of its ranks) of a job whose ranks stand in the middle of its bootstrap."""
    with Gate("bootstrap.unit", count=2) as gate:
        job = case.slurm.submit(case.study, run, *OPTIONS, CHIASM_GATE=gate.entry, **how)
        yield job, gate, held(gate, run, job)


def warned(job, gate):
    """SLURM has called, and the ranks have heard of it."""
    job.wait("SLURM says that time runs short")
    gate.wait_signal(2)


@test
def stop_and_requeue(case):
    """SIGUSR1, as before the limit: what is in flight is finished, the job requeued, the bytes are the same."""
    run = case.folder / "stopped run"
    with submitted(case, run, options=("--mem-per-cpu=800M", "-c", 1)) as (job, gate, _):
        job.signal_batch()
        warned(job, gate)
    job.end(0, "asked to stop; finishing", "stopped early", "requeued, to go on (start 2 of", "--memory-per-rank 760M",
            "--threads 1")
    assert job.facts()["Restarts"] == "1" and job.starts() == 2, job.printed()
    check_same(run, case.reference)


@test
def unit_over_the_limit(case):
    """SLURM's own signal before its own limit, and ranks that do not stop in time: requeued before the limit all the
    same, what was done by then is kept."""
    run = case.folder / "long"
    with submitted(case, run, options=("--signal=B:USR1@30",)) as (job, gate, pids):  # SLURM may send it sooner
        job.limit(45)
        warned(job, gate)
        job.wait("requeued")
        # the gate stays closed until SLURM has ended them: they would stop by themselves, if they could go on first
        wait_for(lambda: not any(map(command_line, pids)), lambda: f"they live on\n{job.printed()}", SECONDS)
    job.limit(1800)
    job.end(0)
    assert job.facts()["Restarts"] == "1" and "stopped early" not in job.printed(), job.printed()
    check_same(run, case.reference)


@test
def rank_killed(case):
    """A job that dies after it came further goes on."""
    run = case.folder / "killed"
    with submitted(case, run) as (job, _, pids):
        os.kill(pids[1], signal.SIGKILL)
    job.end(0, "requeued")
    check_same(run, case.reference)


@test
def cancelled(case):
    """scancel ends it, unfinished and not requeued; the same line again completes it."""
    run = case.folder / "cancelled"
    with submitted(case, run) as (job, _, _):
        case.slurm.ask("scancel", job.name)
        job.end(None, state="CANCELLED")
    assert job.facts()["Restarts"] == "0" and "requeued" not in job.printed(), job.printed()
    assert state_of(run) == 3
    case.slurm.submit(case.study, run, *OPTIONS).end(0)
    check_same(run, case.reference)


@test
def requeue_forbidden(case):
    run = case.folder / "once"
    with submitted(case, run, options=("--no-requeue",)) as (job, gate, _):
        job.signal_batch()
        warned(job, gate)
    job.end(3, "submit the same line again")
    assert state_of(run) == 3


def stand_in(case, name, text):
    """A program in chiasm's place."""
    program = case.folder / name
    program.write_text(f'#!/bin/bash\n{text}\nexec "{CHIASM}" "$@"\n')
    program.chmod(0o755)
    return program


@test
def no_progress(case):
    """A second start that comes no further is the last one."""
    run = case.folder / "stuck"
    program = stand_in(case, "idle", """if [ "$1" = run ] && [ "${SLURM_RESTART_COUNT:-0}" -gt 0 ]; then
  touch "$0.$OMPI_COMM_WORLD_RANK"
  exec sleep 1000
fi""")
    with submitted(case, run, CHIASM=str(program)) as (job, _, pids):
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
    job.wait("requeued")
    wait_for(lambda: all(Path(f"{program}.{rank}").exists() for rank in (0, 1)), "it does not start again", SECONDS)
    job.signal_batch()
    job.end(1, "came no further", "not requeued")
    assert job.facts()["Restarts"] == "1"


@test
def bad_study(case):
    job = case.slurm.submit(case.folder / "none", case.folder / "no run", *OPTIONS)
    job.end(2, "none: there is no such folder", "not requeued")
    job = case.slurm.submit(case.folder / "none", case.reference, *OPTIONS)  # complete, of another study
    job.end(2, "none: there is no such folder", "not requeued")
    job = case.slurm.submit(case.study, case.reference, "--overwrite")
    job.end(2, "remove")
    assert job.facts()["Restarts"] == "0" and state_of(case.reference) == 0


@test
def failed_units(case):
    study, run = case.folder / "damaged", case.folder / "with failed units"
    shutil.copytree(case.study, study)
    with h5py.File(next(study.glob("features/*/vision-net.h5")), "r+") as file:
        file["layers/layer-01"][3, 3] = float("nan")
    job = case.slurm.submit(study, run, "--replicates", 10, "--models", "vision-net")
    job.end(1)
    assert job.starts() == 1 and state_of(run) == 1, job.printed()


@test
def outside_slurm(case):
    done = shell("bash", JOBS / "sweep.sbatch", case.study, case.folder / "x")
    assert done.returncode == 2 and done.stdout.count("\n") == 1 and "sbatch" in done.stdout, done.stdout


@test
def slurm_local(case):
    """A second one beside the first; a folder that it did not make is left alone; none: one line, and 77."""
    with Slurm() as second:
        assert second.local("status").returncode == 0
        assert second.local("start").returncode == 1  # it is there already
        folder = Path(second.env["CHIASM_SLURM_DIR"])
    assert not folder.exists() and second.local("status").returncode != 0
    assert case.slurm.local("status").returncode == 0
    with tempfile.TemporaryDirectory() as other:
        (Path(other) / "mine").touch()
        assert case.slurm.local("stop", CHIASM_SLURM_DIR=other).returncode == 1 and os.listdir(other) == ["mine"]
        no_munge = Path(other) / "munged"
        no_munge.write_text("#!/bin/bash\nexit 1\n")
        no_munge.chmod(0o755)
        path = f"{other}:{os.environ['PATH']}"
        ended = case.slurm.local("start", CHIASM_SLURM_DIR=f"{other}/slurm", PATH=path)
        assert ended.returncode == 77 and "no SLURM here" in ended.stdout, ended.stdout
        assert not (Path(other) / "slurm").exists()


if __name__ == "__main__":
    run_tests(TESTS)
