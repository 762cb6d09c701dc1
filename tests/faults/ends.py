"""Jobs that are killed, asked to stop, paused, or whose clock jumps."""
import json
import os
import random
import shutil
import signal
import time

from faults.disks import Shim
from faults.jobs import Job, wait_for
from faults.registry import test
from faults.stages import SITES, different
from inputs.job import ERROR, chiasm

KILLS = int(os.environ.get("CHIASM_FAULTS") or 3)
SEED = int(os.environ.get("CHIASM_SEED") or 1)
WHOM = (1, "mpirun", 0, "all")


def under_way(stage, job, run, share=0.1):
    """Wait until this share is written, and stop the ranks there: none can end before what comes next."""
    wait_for(lambda: stage.share(run) >= share, f"{stage.name} does not get to {share}", job=job)
    job.kill("ranks", signal.SIGSTOP)
    time.sleep(0.05)
    assert job.runs(), f"it ended too soon\n{job.printed()}"


def at_random(stage, job, run, rng, i):
    """Let the job come to a random moment, of slow machines and of quick ones: most when a random share is written,
    some while it starts, some at the end. Which was meant."""
    def until(reached):
        while not reached() and job.runs() and time.monotonic() < limit:
            time.sleep(0.001)
    limit, kind = time.monotonic() + 30, ("share", "start", "share", "share", "end", "share")[(i + i // 12) % 6]
    if kind == "start":
        until(rng.choice((lambda: True, job.ranks, run.exists, (run / "lock").exists, (run / stage.files[0]).exists)))
        time.sleep(rng.uniform(0, 0.1))
    elif kind == "end":
        until(lambda: stage.share(run) == 1)
        time.sleep(rng.uniform(0, 0.05))
    else:
        share = rng.uniform(0, 1)
        until(lambda: stage.share(run) >= share)
        kind = f"at {100 * share:.0f} %"
    return kind


def moment(share):
    return "before any score" if share == 0 else "when all was written" if share == 1 else "in the middle"


@test("fit", "bootstrap", "run")
def kills(stage, folder):
    """kill -9 of one rank, of rank 0, of mpirun, of all at once, at random moments; now and then of a --resume too."""
    rng, when = random.Random(f"{stage.name} {SEED}"), {}
    for i in range(KILLS):
        run, whom = stage.new(folder / f"run{i}"), WHOM[i % 4]
        for mode in ((), ("--resume",))[:1 + (rng.random() < 0.2)]:
            job = stage.start(run, *mode if run.exists() else (), ranks=rng.choice((2, 3)))
            kind = at_random(stage, job, run, rng, i)
            share = stage.share(run)
            job.kill(whom)
            job.end()
        when[moment(share)] = when.get(moment(share), 0) + 1
        print(f"  kill {i}: {whom}, {kind}, {100 * share:.0f} % done, in the end {100 * stage.share(run):.0f} %",
              flush=True)
        stage.go_on(run, ranks=rng.choice((1, 2, 3)))
        stage.check(run)
        assert chiasm("status", run).returncode == 0
        shutil.rmtree(run)
    print("  killed " + ", ".join(f"{n} {what}" for what, n in when.items()))


def version(path):
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:  # or gone since one looked
        return None


@test("sites")
def kills_of_sites(stage, folder):
    """kill -9 of the program or of the child that works. What is there under its final name is whole, and never of
    two comparisons: half of the runs have one with other options already."""
    rng, when = random.Random(f"sites {SEED}"), {}
    old = stage.new(folder / "old", True)
    Job("sites", old, "--min-bins", 9, "--test", "bins", ranks=0).end(0)
    assert all(different(stage.whole / name, old / name) for name in SITES)
    shim = Shim(folder, slow=0.02)  # every file takes its time to get its name
    shim.now()
    for i in range(KILLS):
        run, whom = folder / f"run{i}", (0, 1, "all")[i // 2 % 3]
        shutil.copytree(stage.before if i % 3 == 1 else old, run)
        before = {name: version(run / name) for name in (*SITES, "config.yaml")}
        job = stage.start(run, env=shim.environment)
        # one of the moments at which it gives names to files or takes them away; or any other
        name = None if i % 3 == 1 else rng.choice(list(before))
        past = {before.get(name)} | ({None} if rng.random() < 0.7 else set())
        while job.runs() and name and version(run / name) in past:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.03 if name else 2 * stage.seconds))
        job.kill(whom)
        job.end()
        there = [name for name in SITES if (run / name).exists()]
        new = [name for name in there if not different(stage.whole / name, run / name)]
        aged = [name for name in there if not different(old / name, run / name)]
        assert there in (new, aged), f"killed {whom}: {there}, of these old: {aged}, new: {new}"
        at = "before any score" if not new else moment(len(new) / 3)
        when[at] = when.get(at, 0) + 1
        print(f"  kill {i}: {whom}, there: {there}, of them new: {new}", flush=True)
        status = chiasm("status", run).returncode
        assert status == 0 if len(there) == 3 else status in (0, 3) if not there else status == 3, (there, status)
        stage.go_on(run)
        stage.check(run)
        shutil.rmtree(run)
    print("  killed " + ", ".join(f"{n} {what}" for what, n in when.items()))


@test("bootstrap")
def kills_while_dropping(stage, folder):
    """--no-keep-replicates leaves the old file or the new one."""
    rng = random.Random(SEED)
    new = stage.new(folder / "new", True)
    begin = time.monotonic()
    stage.go_on(new, "--no-keep-replicates", ranks=0)
    seconds = time.monotonic() - begin
    for i in range(KILLS):
        run = stage.new(folder / f"run{i}", True)
        job = stage.start(run, "--resume", "--no-keep-replicates", ranks=1)
        while i % 2 and job.runs() and not (run / "bootstrap.h5.tmp").exists():
            pass
        time.sleep(rng.uniform(0, 0.01 if i % 2 else seconds))
        job.kill("all")
        job.end()
        stage.go_on(run, "--no-keep-replicates", ranks=0)
        found = different(new / "bootstrap.h5", run / "bootstrap.h5")
        assert not found and not (run / "bootstrap.h5.tmp").exists(), found
        shutil.rmtree(run)


@test("fit", "bootstrap", "run")
def asked_to_stop(stage, folder):
    """SIGUSR1 to mpirun, as batch systems send it, or to one rank: what is in work is finished."""
    for whom in ("mpirun", 1) if stage.name == "fit" else ("mpirun",):
        run = stage.new(folder / f"run-{whom}")
        job = stage.start(run)
        under_way(stage, job, run)
        job.kill(whom, signal.SIGUSR1)
        job.kill("ranks", signal.SIGCONT)
        _, out = job.end(3, text=("stopped by a signal with ", "to go on: chiasm ", "--resume"))
        assert out.count("stopped by a signal") == 1, out
        status = chiasm("status", run)
        assert status.returncode == 3 and "--resume" in status.stdout, status
        out = stage.go_on(run)
        assert "cut short" not in out, out
        stage.check(run)
        assert chiasm("status", run).returncode == 0


@test("fit", "bootstrap", "sites", "run")
def asked_directly(stage, folder):
    """SIGTERM, SIGINT or SIGUSR1 to a process that runs alone, at any moment from where it can: exit code 3 and how to
    go on, or done."""
    rng = random.Random(SEED)
    numbers = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
    for i, number in enumerate(numbers if stage.name in ("fit", "sites") else numbers[:2]):
        run = stage.new(folder / f"run{i}")
        job = stage.start(run, ranks=0)
        wait_for(job.catches, "no signals are caught", job=job)
        if i > 0:
            time.sleep(rng.uniform(0, 1.2 * stage.seconds))
        job.kill(0, number)
        code, out = job.end(0, 3)
        print(f"  {number.name}: exit code {code}, {100 * stage.share(run):.0f} % done", flush=True)
        assert i > 0 or code == 3 or stage.name == "sites", out  # sites may be done already
        assert code == 0 or "stopped by a signal" in out, out
        stage.go_on(run, ranks=0)
        stage.check(run)


@test("fit", "bootstrap")
def asked_twice(stage, folder):
    """A second signal ends it at once, whatever it does."""
    run = stage.new(folder / "run")
    job = stage.start(run, ranks=0)
    under_way(stage, job, run)
    job.kill(0, signal.SIGTERM)
    job.kill(0, signal.SIGCONT)
    time.sleep(0.1)
    begin = time.monotonic()
    while job.runs() and time.monotonic() < begin + 5:
        job.kill(0, signal.SIGINT)
        time.sleep(0.1)
    code, out = job.end(3)
    assert ERROR not in out and time.monotonic() - begin < 2, out
    stage.go_on(run)
    stage.check(run)


@test("fit")
def terminated(stage, folder):
    """SIGTERM to mpirun, which kills its ranks a second later. They stand still by then, so that none is done
    before."""
    run = folder / "run"
    job = stage.start(run)
    under_way(stage, job, run)
    job.kill("mpirun", signal.SIGTERM)
    code, out = job.end()
    assert code != 0, out
    status = chiasm("status", run)
    assert status.returncode in (0, 3), status  # mpirun wakes them before it kills them
    stage.go_on(run)
    stage.check(run)


@test("fit", "bootstrap")
def paused(stage, folder):
    """A worker, then rank 0, stands still for a second: the others wait, nothing is lost."""
    run = stage.new(folder / "run")
    job = stage.start(run)
    for rank, share in ((1, 0.1), (0, 0.4)):
        under_way(stage, job, run, share)
        job.kill(1 - rank, signal.SIGCONT)
        time.sleep(1)
        job.kill(rank, signal.SIGCONT)
    job.end(0)
    stage.check(run)


@test("fit", "bootstrap")
def clock_jumps(stage, folder):
    """An hour ahead in the middle, and back: nothing waits for it, and the estimated end stays near."""
    shim, run = Shim(folder), stage.new(folder / "run")
    job = stage.start(run, env=shim.environment)
    under_way(stage, job, run, 0.1)
    shim.now()
    job.kill("ranks", signal.SIGCONT)
    under_way(stage, job, run, 0.5)
    shim.back()
    job.kill("ranks", signal.SIGCONT)
    begin = time.monotonic()
    _, out = job.end(0)
    assert time.monotonic() - begin < 10 + 5 * stage.seconds and " 60 min" not in out and " h " not in out, out
    written = json.loads((run / "status.json").read_text())
    assert written["state"] == "complete" and 0 < written["models_per_s"], written
    stage.check(run)
