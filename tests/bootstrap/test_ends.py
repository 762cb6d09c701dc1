"""Kills, stops, locks, full disks and damage during chiasm bootstrap: after --resume the same bytes as a bootstrap
that nothing happened to.

    test_ends.py [NAME]...        only these tests
    CHIASM_FAULTS=N               kill N times, not 4
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
import time
from pathlib import Path

import h5py
import numpy as np

from bootstrap.boot import boot, boot_flags, booted, fitted, refused
from compare_runs import differences
from faults.fits import end, kill, printed, wait_for
from inputs.job import ERROR, command, contents, said
from study_maker import make_study

KILLS = int(os.environ.get("CHIASM_FAULTS") or 4)
SEED = int(os.environ.get("CHIASM_SEED") or 1)
OPTIONS = ("--replicates", 380)
TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Undisturbed:
    """A fitted run, and its bootstrap, which takes a second or two."""

    def __init__(self, folder):
        self.study, self.fit, self.run = folder / "study", folder / "fit", folder / "undisturbed"
        make_study(self.study, subjects=("s1", "s2"), n=120, electrodes=6, bins=11,
                   models={"netA": {"l1": 60, "l2": 30}, "netB": {"l1": 20}})
        fitted(self.study, self.fit)
        shutil.copytree(self.fit, self.run)
        begin = time.monotonic()
        booted(self.run, *OPTIONS)
        self.seconds = time.monotonic() - begin

    def copy(self, run, bootstrapped=False):
        shutil.copytree(self.run if bootstrapped else self.fit, run)
        return run

    def check(self, run):
        found = differences(self.run / "bootstrap.h5", run / "bootstrap.h5")
        assert not found, "\n".join(found)


def start(run, *options, ranks=2):
    """A bootstrap under way; what it prints goes into a file, see faults.fits."""
    out = tempfile.TemporaryFile()
    job = subprocess.Popen(command(ranks, "bootstrap", run, *options), stdout=out, stderr=subprocess.STDOUT)
    job.out = out
    return job


def under_way(job, run, share=0.1):
    """Wait until this share of the blocks is written."""
    def there():
        try:
            return (run / "bootstrap.h5").exists() and (boot_flags(run) == 1).mean() >= share
        except OSError:  # h5py and a writer of the flags at the same moment
            return False
    wait_for(lambda: job.poll() is not None or there(), "the bootstrap does not get on")
    assert job.poll() is None, f"it ended too soon\n{printed(job)}"


# ---- ends

@test
def kills(whole, folder):
    """kill -9 of a worker, of rank 0, of mpirun, of all at once, at any moment; now and then of a --resume too."""
    rng = random.Random(SEED)
    for i in range(KILLS):
        run, whom = whole.copy(folder / f"run{i}"), (1, "mpirun", 0, "all")[i % 4]
        for mode in ((), ("--resume",))[:1 + (rng.random() < 0.3)]:
            job = start(run, *mode, *OPTIONS, ranks=rng.choice((2, 3)))
            time.sleep(rng.uniform(0, 1.1 * whole.seconds))
            kill(job, whom)
            end(job)
        share = (boot_flags(run) == 1).mean() if (run / "bootstrap.h5").exists() else 0
        # With the options: it may not have come to writing them down.
        booted(run, "--resume", *OPTIONS, ranks=rng.choice((1, 2, 3)))
        print(f"  kill {i}: {whom}, {100 * share:.0f} % done", flush=True)
        whole.check(run)
        shutil.rmtree(run)


@test
def asked_to_stop(whole, folder):
    """SIGUSR1: what is in work is finished, exit code 3."""
    run = whole.copy(folder / "run")
    job = start(run, *OPTIONS)
    under_way(job, run)
    kill(job, "mpirun", signal.SIGUSR1)
    code, out = end(job)
    assert code == 3 and f"chiasm bootstrap {run} --resume" in out and ERROR not in out, (code, out)
    assert "bootstrap: stopped by a signal with " in out, out
    assert set(boot_flags(run)) == {0, 1}
    assert "cut short" not in booted(run, "--resume", ranks=3)
    whole.check(run)


@test
def kills_while_dropping(whole, folder):
    """--no-keep-replicates leaves the old file or the new one."""
    rng = random.Random(SEED)
    new = whole.copy(folder / "new", True)
    begin = time.monotonic()
    booted(new, "--resume", "--no-keep-replicates", ranks=0)
    seconds = time.monotonic() - begin
    for i in range(KILLS):
        run = whole.copy(folder / f"run{i}", True)
        job = start(run, "--resume", "--no-keep-replicates", ranks=1)
        for _ in range(i % 2):  # when it is at it, if that can be seen
            limit = time.monotonic() + 3 * seconds
            while not (run / "bootstrap.h5.tmp").exists() and job.poll() is None and time.monotonic() < limit:
                pass
        time.sleep(rng.uniform(0, 0.01 if i % 2 else seconds))
        kill(job, "all")
        end(job)
        old = differences(whole.run / "bootstrap.h5", run / "bootstrap.h5")
        with h5py.File(run / "bootstrap.h5") as f:
            kept = "test_r" in f["language"]
            torn = kept and (f["language/summarised"][()] == 0).any()  # it was making them again
        assert not kept or not old or torn
        assert kept or not differences(new / "bootstrap.h5", run / "bootstrap.h5")
        booted(run, "--resume", "--no-keep-replicates", ranks=0)
        assert not (run / "bootstrap.h5.tmp").exists()
        assert not differences(new / "bootstrap.h5", run / "bootstrap.h5")
        shutil.rmtree(run)


# ---- other jobs

@test
def run_in_use(whole, folder):
    """A second job is refused, a --resume waits for the end of the first."""
    run = whole.copy(folder / "run")
    job = start(run, *OPTIONS)
    under_way(job, run)
    for rank in (0, 1):  # so that it does not end while we look
        kill(job, rank, signal.SIGSTOP)
    said(boot(run, *OPTIONS), 2, "is bootstrapped already")
    second = start(run, "--resume", ranks=1)
    wait_for(lambda: "waiting up to 30 s" in printed(second), "the second job does not wait")
    for rank in (0, 1):
        kill(job, rank, signal.SIGCONT)
    for code, out in (end(job), end(second)):
        assert code == 0, out
    whole.check(run)


@test
def lock_is_held(whole, folder):
    """A new bootstrap does not wait for another job's end."""
    run = whole.copy(folder / "run")
    with open(run / "lock", "r+") as lock:
        lock.write("host elsewhere, process 4711, since yesterday\n")
        lock.truncate()
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_SH)
        begin = time.monotonic()
        refused(run, *OPTIONS, text=("another job is writing this run", "process 4711"))
        assert time.monotonic() - begin < 15
    assert not (run / "bootstrap.h5").exists()


# ---- damage

@test
def flipped_bytes(whole, folder):
    """Written replicates that are not what was written are named, and made again; as well flags that are none."""
    run = whole.copy(folder / "run", True)
    with h5py.File(run / "bootstrap.h5") as f:
        data = bytearray((run / "bootstrap.h5").read_bytes())
        for name, at in (("test_r", (1, 7, 120, 3)), ("val_r", (0, 2, 0, 0)), ("val_r", (0, 2, 379, 10)),
                         ("checksum", (0, 11, 1)), ("done", (1, 0, 7))):
            d = f["language"][name]
            data[d.id.get_offset() + d.dtype.itemsize * np.ravel_multi_index(at, d.shape)] ^= 0x10
        d = f["language/val_r_mean"]  # a summary is never believed
        data[d.id.get_offset() + 2] ^= 0x10
    (run / "bootstrap.h5").write_bytes(data)
    out = booted(run, "--resume", ranks=3)
    assert "language netA: 3 blocks of replicates were cut short" in out, out
    assert "language netB: 1 blocks of replicates were cut short" in out, out
    assert "4 blocks of replicates were cut short when the last job ended" in out, out
    whole.check(run)


@test
def cut_file(whole, folder):
    """--resume says what is wrong, and does what is lost again."""
    run = whole.copy(folder / "run", True)
    data = (run / "bootstrap.h5").read_bytes()
    for n in (0, 3, 100, len(data) // 2, len(data) - 1):
        (run / "bootstrap.h5").write_bytes(data[:n])
        out = booted(run, "--resume", ranks=2 if n == 100 else 0)
        assert "starts from nothing" in out or "it was cut short" in out, out
        whole.check(run)


@test
def garbage_beside(whole, folder):
    """status.json, log.txt and bootstrap.h5.tmp hold nothing that a --resume needs; --overwrite takes the later
    stages' files away."""
    run = whole.copy(folder / "run", True)
    (run / "status.json").write_bytes(bytes(range(256)))
    (run / "bootstrap.h5.tmp").write_text("half")
    os.remove(run / "log.txt")
    os.mkdir(run / "log.txt")
    booted(run, "--resume")
    whole.check(run)
    for name in ("sites.h5", "sites.csv", "regions.csv", "report.html", "notes.txt"):
        (run / name).write_text("old")
    fit_before = (run / "fit.h5").read_bytes()
    booted(run, *OPTIONS, "--overwrite", ranks=3)
    whole.check(run)
    assert (run / "fit.h5").read_bytes() == fit_before
    left = {p.name for p in run.iterdir()}
    assert left == {"bootstrap.h5", "config.yaml", "fit.h5", "lock", "log.txt", "notes.txt", "status.json"}, left


@test
def study_goes_away(whole, folder):
    """While it is read: what cannot be read fails alone, whatever is to become of the replicates, and is done once it
    is back."""
    study, run = folder / "study", folder / "run"
    shutil.copytree(whole.study, study)
    fitted(study, run)
    job = start(run, *OPTIONS, "--no-keep-replicates")
    under_way(job, run)
    os.rename(study / "features", study / "gone")
    code, out = end(job)
    assert code == 1 and ERROR not in out, (code, out)
    assert "failed units: " in out and "there is no such file" in out and "replicates are kept" in out, out
    assert set(boot_flags(run)) == {1, 2}
    refused(run, "--resume", text="features: there is no such file or folder")
    os.rename(study / "gone", study / "features")
    booted(run, "--resume")
    found = differences(whole.run / "bootstrap.h5", run / "bootstrap.h5")
    assert found == ["/: attribute study"], found  # it has another path


# ---- full disks

@test
def full_disk(whole, folder):
    """A disk too small for the replicates; then one that fills up meanwhile, and has no room for the second file."""
    disk = folder / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "none", disk], capture_output=True).returncode != 0:
        print("  skipped: no right to mount a small disk")
        return
    try:
        run = whole.copy(disk / "run")
        said(boot(run, *OPTIONS), 1, "run/bootstrap.h5: takes", "MB are free")
        assert not list(run.glob("bootstrap.h5*"))
        subprocess.run(["mount", "-o", "remount,size=4m", disk], check=True)
        job = start(run, *OPTIONS, "--no-keep-replicates")
        under_way(job, run, 0.05)
        with open(disk / "ballast", "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(4096))
            except OSError:
                pass
        code, out = end(job)
        assert code == 1 and out.count(ERROR) == 1 and "bootstrap.h5.tmp" in out, out
        assert not (run / "bootstrap.h5.tmp").exists()
        whole.check(run)
        os.remove(disk / "ballast")
        booted(run, "--resume", "--no-keep-replicates")
        assert (run / "bootstrap.h5").stat().st_size < (whole.run / "bootstrap.h5").stat().st_size
    finally:
        subprocess.run(["umount", "-l", disk], check=False)


@test
def read_only(whole, folder):
    """A run that may not be written; as root the jobs are run by nobody."""
    prefix = ()
    program = shutil.copy(os.environ["CHIASM"], folder / "chiasm")
    if os.getuid() == 0:
        prefix = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
        for path in (folder.parent, folder):
            os.chmod(path, 0o755)
        if subprocess.run([*prefix, program, "--version"], capture_output=True).returncode != 0:
            print("  skipped: no other user can run the program here")
            return
    for bootstrapped, mode in ((False, OPTIONS), (True, ("--resume",)), (True, (*OPTIONS, "--overwrite"))):
        run = whole.copy(folder / f"run{bool(bootstrapped)}{len(mode)}", bootstrapped)
        os.chmod(run, 0o555)
        for path in run.iterdir():
            os.chmod(path, 0o444)
        before = contents(run)
        done = subprocess.run([*prefix, program, "bootstrap", run, *map(str, mode)], capture_output=True, text=True,
                              timeout=60, cwd=folder)
        said(done, 1, str(run), "ermission")
        assert contents(run) == before
        os.chmod(run, 0o755)


def main():
    failed, wanted = 0, [t for t in TESTS if len(sys.argv) == 1 or t.__name__ in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as top:
        whole = Undisturbed(Path(top))
        print(f"undisturbed: {whole.seconds:.1f} s", flush=True)
        for function in wanted:
            begin, wrong, folder = time.monotonic(), None, Path(top) / function.__name__
            folder.mkdir()
            try:
                function(whole, folder)
            except Exception as error:  # all of them in one go
                wrong = f"{type(error).__name__} {error}"
            failed += wrong is not None
            print(f"{'FAILED' if wrong else 'passed'} {function.__name__} ({time.monotonic() - begin:.1f} s) "
                  f"{wrong or ''}", flush=True)
    print(f"{len(wanted) - failed} of {len(wanted)} passed")
    return failed > 0 or not wanted


if __name__ == "__main__":
    sys.exit(main())
