"""Kills, stops, full disks, locks and damage during chiasm fit: after --resume the same bytes as a run that
nothing happened to.

    test_faults.py [NAME]...      only these tests
    CHIASM_FAULTS=N               kill N times, not 3
    CHIASM_SEED=N                 at other moments
"""
import fcntl
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np

from compare_runs import differences
from faults.fits import check_same, end, go_on, kill, printed, start, wait_for
from inputs.job import ERROR, chiasm, contents, done_flags, fit, ok, refused, said
from study_maker import make_study

KILLS = int(os.environ.get("CHIASM_FAULTS") or 3)
SEED = int(os.environ.get("CHIASM_SEED") or 1)
TESTS = []


class Undisturbed:
    """A study whose fit takes some seconds, and that fit."""

    def __init__(self, folder):
        self.study, self.run = folder / "study", folder / "undisturbed"
        made = chiasm("simulate", self.study, "--electrodes", 16, "--events", 600, "--bins", 21,
                      "--alignments", "language")
        assert made.returncode == 0, made.stderr
        begin = time.monotonic()
        ok(self.study, self.run)
        self.seconds = time.monotonic() - begin

    def check(self, run):
        check_same(run, self.run)


def test(function):
    TESTS.append(function)
    return function


def under_way(job, run, share=0.1):
    """Wait until this share of the sites is written."""
    def there():
        try:
            return (run / "fit.h5").exists() and (done_flags(run) == 1).mean() >= share
        except OSError:  # h5py and a writer of the flags at the same moment
            return False
    wait_for(lambda: job.poll() is not None or there(), "the fit does not get on")
    assert job.poll() is None, f"it ended too soon\n{printed(job)}"


# ---- ends

def kill_once(whole, run, whom, moment, rng):
    """Kill a fit, now and then its --resume too, then go on. (share done after the kill, output)"""
    job = start(whole.study, run, ranks=rng.choice((2, 3)))
    time.sleep(moment)
    kill(job, whom)
    end(job)
    share = (done_flags(run) == 1).mean() if (run / "fit.h5").exists() else 0
    if (run / "fit.h5").exists():
        assert set(done_flags(run)) <= {0, 1}
    if rng.random() < 0.3 and run.exists():
        again = start(whole.study, run, "--resume", ranks=rng.choice((1, 2, 3)))
        time.sleep(rng.uniform(0, whole.seconds))
        kill(again, rng.choice(("mpirun", "all", 0)))
        end(again)
    return share, go_on(whole.study, run, ranks=rng.choice((1, 2, 2, 3)))


@test
def kills(whole, folder):
    """kill -9 of one rank, of rank 0, of mpirun, of all at once, at any moment."""
    rng = random.Random(SEED)
    for i in range(KILLS):
        whom = (1, "mpirun", 0, "all")[i % 4]
        moment, run = rng.uniform(0, 1.1 * whole.seconds), folder / f"run{i}"
        share, _ = kill_once(whole, run, whom, moment, rng)
        print(f"  kill {i}: {whom} after {moment:.2f} s, {100 * share:.0f} % done", flush=True)
        whole.check(run)
        assert chiasm("status", run).returncode == 0
        shutil.rmtree(run)


@test
def asked_to_stop(whole, folder):
    """SIGUSR1 to mpirun, as batch systems send it, or to one rank: what is in work is finished."""
    for whom in ("mpirun", 1):
        run = folder / f"run-{whom}"
        job = start(whole.study, run)
        under_way(job, run)
        kill(job, whom, signal.SIGUSR1)
        code, out = end(job)
        assert code == 3 and "--resume" in out and ERROR not in out, (code, out)
        assert "fit: stopped by a signal with " in out, out
        flags = done_flags(run)
        assert set(flags) == {0, 1}, set(flags)
        status = chiasm("status", run)
        assert status.returncode == 3 and "--resume" in status.stdout, status
        out = go_on(whole.study, run)
        assert "cut short" not in out, out
        whole.check(run)
        assert chiasm("status", run).returncode == 0


@test
def terminated(whole, folder):
    """SIGTERM to mpirun, which kills its ranks a second later. They stand still by then, so that
    none is done before."""
    run = folder / "run"
    job = start(whole.study, run)
    under_way(job, run)
    for rank in (0, 1):
        kill(job, rank, signal.SIGSTOP)
    kill(job, "mpirun", signal.SIGTERM)
    code, out = end(job)
    assert code != 0, out
    status = chiasm("status", run)
    assert status.returncode in (0, 3), status  # mpirun wakes them before it kills them
    go_on(whole.study, run)
    whole.check(run)


@test
def paused(whole, folder):
    """Ranks that stand still for two seconds: the others wait for them, nothing is lost."""
    run = folder / "run"
    job = start(whole.study, run)
    for rank, share in ((1, 0.1), (0, 0.3)):
        under_way(job, run, share)
        kill(job, rank, signal.SIGSTOP)
        time.sleep(2)
        kill(job, rank, signal.SIGCONT)
    code, out = end(job)
    assert code == 0, out
    whole.check(run)


# ---- other jobs

@test
def run_in_use(whole, folder):
    """A second job is refused while the first goes on unharmed; a --resume waits for its end."""
    run = folder / "run"
    job = start(whole.study, run)
    under_way(job, run)
    for rank in (0, 1):  # so that it does not end while we look
        kill(job, rank, signal.SIGSTOP)
    begin = time.monotonic()
    said(fit(whole.study, run), 2, "run: holds a run already")
    assert time.monotonic() - begin < 10
    status = chiasm("status", run)
    assert status.returncode == 3 and "running" in status.stdout, status
    second = start(whole.study, run, "--resume")
    wait_for(lambda: "waiting up to 30 s" in printed(second), "the second job does not wait")
    for rank in (0, 1):
        kill(job, rank, signal.SIGCONT)
    for code, out in (end(job), end(second)):
        assert code == 0, out
    whole.check(run)


def lock_is_held(whole, folder):
    """By a job that does not end within 30 s. Beside the other tests, as it only waits."""
    run = folder / "run"
    shutil.copytree(whole.run, run)
    before = contents(run)
    with open(run / "lock", "r+") as lock:
        lock.write("host elsewhere, process 4711, since yesterday\n")
        lock.truncate()
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_SH)
        begin = time.monotonic()
        said(fit(whole.study, run, "--resume", timeout=60), 2,
             "another job is writing this run, still after 30 s", "process 4711")
        assert 29 < time.monotonic() - begin < 40
    assert contents(run) == before
    assert "nothing is left to fit" in ok(whole.study, run, "--resume")


@test
def watched(whole, folder):
    """`chiasm status` tries the lock to see whether a job runs: never to the harm of that job."""
    run, over, codes = folder / "run", threading.Event(), set()

    def ask():
        while not over.is_set():
            if (run / "fit.h5").exists():
                codes.add(chiasm("status", run).returncode)

    def try_lock():  # as status does, but so often that every opening of the run meets it
        while not over.is_set():
            try:
                with open(run / "lock") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    time.sleep(0.002)
            except OSError:
                pass
            time.sleep(0.001)

    watchers = [threading.Thread(target=ask), threading.Thread(target=try_lock)]
    for watcher in watchers:
        watcher.start()
    try:
        job = start(whole.study, run)
        under_way(job, run, 0.5)
        kill(job, "all")
        end(job)
        ok(whole.study, run, "--resume", ranks=3, timeout=60)
    finally:
        over.set()
        for watcher in watchers:
            watcher.join()
    whole.check(run)
    assert codes <= {0, 3}, codes


# ---- damage

@test
def flipped_bytes(whole, folder):
    """Written scores that are not what was written are named, and made again."""
    run = folder / "run"
    shutil.copytree(whole.run, run)
    with h5py.File(run / "fit.h5") as f:
        d = f["language/test_r"]
        at = d.id.get_offset() + 4 * np.ravel_multi_index((5, 17, 3), d.shape)
        space = f["language/feature_space"].asstr()[5]
        site = f["language/site"].asstr()[17]
        done = f["language/done"].id.get_offset() + np.ravel_multi_index((7, 2), f["language/done"].shape)
    data = bytearray((run / "fit.h5").read_bytes())
    data[at] ^= 0x10
    data[done] = 77  # no flag at all
    (run / "fit.h5").write_bytes(data)
    out = ok(whole.study, run, "--resume")
    named = [line for line in out.splitlines() if space in line and site in line]
    assert len(named) == 1 and "calculated again" in named[0], out
    whole.check(run)


@test
def cut_fit_file(whole, folder):
    """--resume says what is wrong and does what is lost again; until then it is no complete run."""
    study, run = folder / "study", folder / "run"
    make_study(study)
    ok(study, run)
    shutil.copytree(run, folder / "whole")
    data = (run / "fit.h5").read_bytes()
    for n in (0, 100, len(data) // 2, len(data) - 1):
        (run / "fit.h5").write_bytes(data[:n])
        status = chiasm("status", run)
        assert status.returncode in (1, 2) and status.stderr.count(ERROR) == 1, status
        out = ok(study, run, "--resume")
        assert "starts from nothing" in out or "it was cut short" in out, out
        check_same(run, folder / "whole")


@test
def garbage_beside(whole, folder):
    """status.json, log.txt and fit.h5.tmp hold nothing that a --resume needs."""
    run = folder / "run"
    shutil.copytree(whole.run, run)
    (run / "status.json").write_bytes(bytes(range(256)))
    (run / "fit.h5.tmp").write_text("half")
    os.remove(run / "log.txt")
    os.mkdir(run / "log.txt")
    assert chiasm("status", run).returncode == 0
    ok(whole.study, run, "--resume")
    assert not (run / "fit.h5.tmp").exists()
    whole.check(run)


@test
def study_goes_away(whole, folder):
    """While a fit reads it: what it cannot read any more fails alone, and is done once it is back."""
    study, run = folder / "study", folder / "run"
    shutil.copytree(whole.study, study)
    job = start(study, run)
    under_way(job, run)
    os.rename(study / "features", study / "gone")
    code, out = end(job)
    assert code == 1 and ERROR not in out, (code, out)
    assert "failed units: " in out and "features/sim" in out and "there is no such file" in out, out
    assert set(done_flags(run)) == {1, 2}
    assert chiasm("status", run).returncode == 1
    refused(study, run, "--resume", text="features: there is no such file or folder")
    os.rename(study / "gone", study / "features")
    ok(study, run, "--resume")
    found = differences(whole.run / "fit.h5", run / "fit.h5")
    assert found == ["/: attribute study"], found  # it has another path


# ---- full disks

class SmallDisk:
    """A small tmpfs, for root only."""

    def __init__(self, path, options):
        self.path = path
        path.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(path)], check=True)

    def grow(self, options):
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.path)], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", str(self.path)], check=False)


def can_mount(folder):
    try:
        with SmallDisk(folder / "probe", "size=64k"):
            return True
    except (OSError, subprocess.CalledProcessError):
        print("  skipped: no right to mount a small disk")
        return False


@test
def full_disk(whole, folder):
    """Too small for the scores: one line and no trace. No room for one more file: --resume goes on."""
    if not can_mount(folder):
        return
    with SmallDisk(folder / "disk", "size=64k,nr_inodes=100") as disk:
        run = disk.path / "run"
        said(fit(whole.study, run), 1, "run/fit.h5: takes", "MB are free")
        assert not run.exists()
        disk.grow("size=100m,nr_inodes=4")  # the disk, the run, its lock and its options
        said(fit(whole.study, run), 1, "fit.h5")
        assert not (run / "fit.h5").exists() and not (run / "fit.h5.tmp").exists()
        status = chiasm("status", run)
        assert status.returncode in (2, 3), status
        disk.grow("nr_inodes=100")
        out = ok(whole.study, run, "--resume")
        assert "starts from nothing" in out, out
        whole.check(run)


@test
def disk_fills_up(whole, folder):
    """The scores have their room from the start; the log and status.json do not stop them."""
    if not can_mount(folder):
        return
    with SmallDisk(folder / "disk", "size=4m") as disk:
        run = disk.path / "run"
        job = start(whole.study, run)
        under_way(job, run, 0.05)
        with open(disk.path / "ballast", "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(4096))
            except OSError:
                pass
        code, out = end(job)
        assert code == 0 and ERROR not in out, out
        whole.check(run)


def attempt(function, whole, top):
    """(name, seconds, what went wrong or None)"""
    begin, wrong = time.monotonic(), None
    folder = top / function.__name__
    folder.mkdir()
    try:
        function(whole, folder)
    except Exception as error:  # all of them in one go
        wrong = f"{type(error).__name__} {error}"
    return function.__name__, time.monotonic() - begin, wrong


def main():
    def wanted(t):
        return len(sys.argv) == 1 or t.__name__ in sys.argv[1:]
    failed, n = 0, 0
    with tempfile.TemporaryDirectory() as top, ThreadPoolExecutor(1) as beside:
        whole = Undisturbed(Path(top))
        print(f"undisturbed: {whole.seconds:.1f} s", flush=True)
        waiting = [beside.submit(attempt, t, whole, Path(top)) for t in [lock_is_held] if wanted(t)]
        for get in [lambda t=t: attempt(t, whole, Path(top)) for t in TESTS if wanted(t)] + [
                w.result for w in waiting]:
            name, seconds, wrong = get()
            n += 1
            failed += wrong is not None
            print(f"{'FAILED' if wrong else 'passed'} {name} ({seconds:.1f} s) {wrong or ''}",
                  flush=True)
    print(f"{n - failed} of {n} passed")
    return failed > 0 or n == 0


if __name__ == "__main__":
    sys.exit(main())
