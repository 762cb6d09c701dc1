"""Other jobs and people at the same run."""
import ctypes
import fcntl
import os
import signal
import threading
import time

from faults.disks import Skip
from faults.registry import test
from gates import environment, fault
from limits import wait_for
from program import chiasm, contents, said


@test("fit", "influence", "bootstrap", "run")
def run_in_use(stage, folder):
    """A second job is refused while the first goes on unharmed; a --resume waits for its end."""
    run = stage.new(folder / "run")
    with stage.held(run) as (job, _):
        refused = chiasm(*stage.line(run))
        said(refused, 2, "run: ", "already")
        assert "waiting" not in refused.stderr, refused
        status = chiasm("status", run)
        assert status.returncode == 3 and "running" in status.stdout, status
        second, stopped = (stage.start(run, "--resume", ranks=ranks) for ranks in (2, 0))
        for waiting in (second, stopped):
            wait_for(lambda: "waiting up to 30 s" in waiting.printed(), "it does not wait", job=waiting)
        stopped.kill(0, signal.SIGTERM)  # nobody waits 30 s for a job that waits
        stopped.end(3, text="while waiting")
    job.end(0)
    second.end(0)
    stage.check(run)


@test("run")
def lock_is_kept(stage, folder):
    """Between two stages, too, no other job comes in."""
    run = stage.new(folder / "run")
    with stage.held(run, place="run.between", count=1) as (job, _):
        status = chiasm("status", run)
        assert status.returncode == 3 and "running; still to be done: the influences\n" in status.stdout, status
        assert "rate:" not in status.stdout, status
        waited = chiasm(*stage.line(run, "--resume"), env=environment(faults=[fault("lock.wait", count=3)]))
        said(waited, 2, "another job is writing this run", "still after 30 s")
    job.end(0)
    stage.check(run)


def hold(run):
    """Its lock, as another job would."""
    lock = open(run / "lock", "r+")
    lock.write("host elsewhere, process 4711, since yesterday\n")
    lock.truncate()
    lock.flush()
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


@test("fit")
def lock_is_held(stage, folder):
    """By a job that does not end: a --resume says so after 30 s, which a fault makes short."""
    run = stage.new(folder / "run", True)
    before = contents(run)
    with hold(run):
        waited = chiasm(*stage.line(run, "--resume"), env=environment(faults=[fault("lock.wait", count=3)]))
        said(waited, 2, "another job is writing this run", "still after 30 s", "process 4711")
    assert contents(run) == before
    assert "nothing is left to fit" in stage.go_on(run)


@test("bootstrap", "sites")
def lock_is_held_now(stage, folder):
    """A new bootstrap does not wait for another job's end; sites does, until it is asked to stop."""
    run = stage.new(folder / "run")
    before = contents(run)
    with hold(run):
        if stage.name == "bootstrap":
            refused = chiasm(*stage.line(run))
            said(refused, 2, "another job is writing this run", "process 4711")
            assert "waiting" not in refused.stderr, refused
        else:
            job = stage.start(run)
            wait_for(lambda: "waiting up to 30 s" in job.printed(), "it does not wait", job=job)
            job.kill(0, signal.SIGINT)
            job.end(3, text="while waiting")
    assert contents(run) == before
    stage.go_on(run)
    stage.check(run)


@test("fit", "bootstrap")
def watched(stage, folder):
    """`chiasm status` tries the lock to see whether a job runs: never to the harm of that job."""
    run, over, codes = stage.new(folder / "run"), threading.Event(), set()

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
        job = stage.start(run)
        wait_for(lambda: (run / stage.files[0]).exists() and (stage.written(run) == 1).mean() > 0.2,
                 "it does not get on", job=job)
        job.kill("all")
        job.end()
        stage.go_on(run, ranks=3)
    finally:
        over.set()
        for watcher in watchers:
            watcher.join()
    stage.check(run)
    assert codes <= {0, 3}, codes


@test("fit", "bootstrap")
def semaphore_is_taken(stage, folder):
    """The one that Open MPI would name after the results file, as a job that was killed with it leaves it behind."""
    run, name = stage.new(folder / "run"), f"OMPIO_{stage.files[0]}".encode()
    if ctypes.CDLL(None).sem_open(name, os.O_CREAT, 0o644, 0) == 0:
        raise Skip("no semaphore can be made here")
    try:
        stage.start(run).end(0)
    finally:
        ctypes.CDLL(None).sem_unlink(name)
    stage.check(run)
