"""Jobs that are killed, crash, fail, are asked to stop, paused, or whose clock jumps: at places that gates name."""
import json
import os
import random
import shutil
import signal

from faults.disks import Shim
from faults.registry import test
from faults.stages import SITES, different
from gates import Gate, fault
from limits import wait_for
from program import ERROR, Job, chiasm

KILLS = int(os.environ.get("CHIASM_FAULTS") or 4)  # CHIASM_FAULTS=N kills as often as wished
SEED = int(os.environ.get("CHIASM_SEED") or 1)  # CHIASM_SEED=N at other moments
WHOM = (1, "mpirun", 0, "all")


def moments(stage, seed):
    """KILLS of the stage's places, every one before any a second time: (place, at which pass)."""
    rng, out = random.Random(f"{stage.name} {seed}"), []
    while len(out) < KILLS:
        places = list(stage.places)
        rng.shuffle(places)
        out += [(place, rng.randint(1, stage.places[place])) for place in places]
    return out[:KILLS]


@test("fit", "influence", "bootstrap", "run")
def kills(stage, folder):
    """kill -9 of one rank, of rank 0, of mpirun, of all at once."""
    for i, (place, count) in enumerate(moments(stage, SEED)):
        run, whom = stage.new(folder / f"run{i}"), WHOM[i % 4]
        with stage.held(run, ranks=2 + i % 2, place=place, count=count, come=1) as (job, _):
            print(f"kill {whom} at {place} number {count}", flush=True)
            job.kill(whom)
        job.end()
        stage.go_on(run, ranks=i % 3)
        stage.check(run)
        assert chiasm("status", run).returncode == 0
        shutil.rmtree(run)


@test("fit", "influence", "bootstrap")
def resume_is_killed(stage, folder):
    """A --resume too may be killed, while it looks through what is there and later."""
    run = stage.new(folder / "run")
    with stage.held(run) as (job, _):
        job.kill("all")
    job.end()
    with stage.held(run, "--resume", ranks=3, count=2) as (job, _):
        job.kill(2)
    job.end()
    stage.go_on(run)
    stage.check(run)


@test("fit", "influence", "bootstrap")
def segv(stage, folder):
    """A crash of one rank ends the job; what is written is good."""
    run = stage.new(folder / "run")
    code, out = stage.start(run, faults=[fault(stage.gate, "*", 3, "segv")]).end()
    assert code not in (0, 3), out
    assert chiasm("status", run).returncode == 3
    assert "cut short" not in stage.go_on(run)
    stage.check(run)


@test("fit", "influence", "bootstrap")
def unit_fails(stage, folder):
    """No memory, no disk: the job ends with one line of that."""
    for what in ("memory", "io"):
        run = stage.new(folder / what)
        stage.start(run, faults=[fault(stage.gate, 1, 2, what)]).end(1, text=f"{stage.gate}: fails because")
        assert chiasm("status", run).returncode == 3
        stage.go_on(run)
        stage.check(run)


@test("fit", "influence", "bootstrap", "sites")
def file_fails(stage, folder):
    """A file that cannot be made: one line, nothing of it is left, and the next start makes it."""
    run = stage.new(folder / "run")
    name = stage.files[0]
    stage.start(run, faults=[fault(f"{name}.written")]).end(1, text=f"{name}.written: fails because")
    assert not list(run.glob(f"{name}*"))
    stage.go_on(run)
    stage.check(run)


@test("sites")
def kills_of_sites(stage, folder):
    """kill -9 of the program or of the child that works. What is there under its final name is whole, and never of
    two comparisons: half of the runs have one with other options already."""
    old = stage.new(folder / "old", True)
    Job("sites", old, "--min-bins", 9, "--test", "bins", ranks=0).end(0)
    assert all(different(stage.whole / name, old / name) for name in SITES)
    for i, (place, count) in enumerate(moments(stage, SEED) + [(f"{name}.written", 1) for name in SITES]):
        run, whom = folder / f"run{i}", (0, 1, "all")[i // 2 % 3]
        shutil.copytree(old if i % 2 else stage.before, run)
        with stage.held(run, place=place, count=count) as (job, _):
            job.kill(whom)
        job.end()
        there = [name for name in SITES if (run / name).exists()]
        new = [name for name in there if not different(stage.whole / name, run / name)]
        aged = [name for name in there if not different(old / name, run / name)]
        print(f"killed {whom} at {place} number {count}, there: {there}, of them new: {new}", flush=True)
        assert there in (new, aged), f"of these old: {aged}"
        status = chiasm("status", run).returncode
        assert status == 0 if len(there) == 3 else status in (0, 3) if not there else status == 3, (there, status)
        stage.go_on(run)
        stage.check(run)
        shutil.rmtree(run)


@test("bootstrap")
def kills_while_dropping(stage, folder):
    """--no-keep-replicates leaves the old file or the new one."""
    new = stage.new(folder / "new", True)
    stage.go_on(new, "--no-keep-replicates", ranks=0)
    run = stage.new(folder / "run", True)
    with stage.held(run, "--resume", "--no-keep-replicates", ranks=2, place="bootstrap.h5.written", count=1,
                    come=1) as (job, _):
        job.kill("all")
    job.end()
    assert not different(stage.whole / "bootstrap.h5", run / "bootstrap.h5")
    stage.go_on(run, "--no-keep-replicates", ranks=0)
    found = different(new / "bootstrap.h5", run / "bootstrap.h5")
    assert not found and not (run / "bootstrap.h5.tmp").exists(), found


def stop_and_go_on(stage, run, whom, ranks=None, **where):
    """Ask a job to stop while it stands somewhere. ranks, 0 is one process alone. What it printed."""
    with stage.held(run, ranks=ranks, **where) as (job, gate):
        job.kill(whom, signal.SIGUSR1)
        gate.wait_signal(2 if whom == "mpirun" else 1, job)
    _, out = job.end(3, text=("stopped by a signal", "to go on: chiasm ", "--resume"))
    assert out.count("stopped by a signal") == 1, out
    status = chiasm("status", run)
    assert status.returncode == 3 and "--resume" in status.stdout, status
    out = stage.go_on(run)
    assert "cut short" not in out, out
    stage.check(run)
    assert chiasm("status", run).returncode == 0


@test("fit", "influence", "bootstrap", "run")
def asked_to_stop(stage, folder):
    """SIGUSR1 to mpirun, as batch systems send it, or to one rank: what is in work is finished."""
    for whom in ("mpirun", 1) if stage.name == "fit" else ("mpirun",):
        stop_and_go_on(stage, stage.new(folder / f"run-{whom}"), whom)


@test("fit", "influence", "bootstrap", "sites", "run")
def asked_directly(stage, folder):
    """SIGTERM, SIGINT or SIGUSR1 to a process that runs alone, wherever it is: exit code 3 and how to go on, or done
    where little is left to do."""
    ends = (".unit", ".site") if stage.name == "run" else (".unit", ".site", ".written")
    places = {place: min(2, most) for place, most in stage.places.items() if place.endswith(ends)}
    for i, (place, count) in enumerate(places.items()):
        run = stage.new(folder / f"run{i}")
        with stage.held(run, ranks=0, place=place, count=count) as (job, gate):
            job.kill("all", (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)[i % 3])
            gate.wait_signal(1, job)
        code, out = job.end(3) if place in ("fit.unit", "bootstrap.unit", "sites.site") else job.end(0, 3)
        print(f"{place}: exit code {code}", flush=True)
        assert code == 0 or "stopped by a signal" in out, out
        stage.go_on(run, ranks=0)
        stage.check(run)


@test("fit", "bootstrap")
def asked_twice(stage, folder):
    """A second signal ends it at once, whatever it does."""
    run = stage.new(folder / "run")
    with stage.held(run, ranks=0) as (job, gate):
        job.kill(0, signal.SIGTERM)
        gate.wait_signal(1, job)

        def ended():  # signals close to the first count as the first
            job.kill(0, signal.SIGINT)
            return not job.runs()
        wait_for(ended, lambda: f"it does not end\n{job.printed()}")
    _, out = job.end(3)
    assert ERROR not in out, out
    stage.go_on(run)
    stage.check(run)


@test("fit")
def terminated(stage, folder):
    """SIGTERM to mpirun, which kills its ranks a second later."""
    run = folder / "run"
    with stage.held(run) as (job, _):
        job.kill("mpirun", signal.SIGTERM)
        code, out = job.end()
        assert code != 0, out
        assert chiasm("status", run).returncode == 3
    stage.go_on(run)
    stage.check(run)


@test("fit", "bootstrap")
def paused(stage, folder):
    """A rank stands still: another does all the rest that it has not begun, and nothing is lost."""
    for rank in (1, 0):
        run = stage.new(folder / f"run{rank}")
        with Gate(stage.gate, rank, 2) as gate:
            job = stage.start(run, gates=[gate])
            pid = gate.wait(1, job)[rank]
            if rank == 1:
                os.kill(pid, signal.SIGSTOP)
            done = stage.written(run).size // 2
            wait_for(lambda: (stage.written(run) == 1).sum() > done, "the other does not go on", job=job)
        os.kill(pid, signal.SIGCONT)
        job.end(0)
        stage.check(run)


@test("fit", "bootstrap")
def coordinator_paused(stage, folder):
    """The process that hands out the work stands still: another does what it holds, then waits, and goes on."""
    run = stage.new(folder / "run")
    with Gate(stage.gate, 0, 2) as gate, Gate(f"{stage.name}.done", 1, 1) as begun:
        job = stage.start(run, gates=[gate, begun])
        begun.wait(1, job)
        os.kill(pid := gate.wait(1, job)[0], signal.SIGSTOP)
        begun.open()
        wait_for(lambda: (stage.written(run) == 1).any(), "the other does not go on", job=job)
    os.kill(pid, signal.SIGCONT)
    job.end(0)
    stage.check(run)


@test("fit", "bootstrap")
def clock_jumps(stage, folder):
    """An hour ahead in the middle, and back: nothing waits for it, and the estimated end stays near."""
    shim, run = Shim(folder), stage.new(folder / "run")
    with Gate(stage.gate, count=4) as later:
        with Gate(stage.gate, count=2) as gate:
            job = stage.start(run, gates=[gate, later], env=shim.environment)
            gate.wait(2, job)
            shim.now()
        later.wait(2, job)
        shim.back()
    _, out = job.end(0)
    assert " 60 min" not in out and " h " not in out, out
    written = json.loads((run / "status.json").read_text())
    assert written["state"] == "complete" and 0 < written["models_per_s"], written
    stage.check(run)
