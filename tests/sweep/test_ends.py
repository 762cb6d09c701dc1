"""How a sweep's job ends when it is signalled, or when a rank meets a fatal error."""
import contextlib
import os
import re
import signal
import sys

from gates import Gate, environment
from limits import wait_for
from program import Job, run_tests

JOB = sys.argv[1]
STOPPED = 1  # CHI_STOPPED
UNITS = 300


def start(ranks, *gates, fatal=-1):
    """ranks=0: one process without mpirun."""
    return Job(UNITS, fatal, ranks=ranks, program=JOB, env=environment(*gates))


def ends(out):
    """rank -> what it said last: status, units done, left, done here."""
    return {int(rank): list(map(int, rest.split())) for rank, rest in re.findall(r"^end (\d+) (.*)$", out, re.M)}


def check_stopped(job, ranks, *codes):
    _, out = job.end(*codes)
    said = ends(out)
    assert sorted(said) == list(range(ranks)), out
    assert all(status == STOPPED and done + left == UNITS and left > 0 for status, done, left, _ in said.values()), out
    assert sum(here for *_, here in said.values()) == said[0][1], out  # what was in flight was finished
    assert "asked to stop" in out, out


def test_signal_to_any_one_rank():
    for target in (0, 1, 2):
        with contextlib.ExitStack() as stack:
            gates = [stack.enter_context(Gate("job.unit", rank, 2)) for rank in range(3)]
            job = start(3, *gates)
            pids = [gate.wait(1, job)[rank] for rank, gate in enumerate(gates)]
            os.kill(pids[target], signal.SIGUSR1)
            gates[target].wait_signal(1, job)
            gates[target].open()  # the others stand until all is known
            wait_for(lambda: "asked to stop" in job.printed(), "rank 0 does not hear of it", job=job)
        check_stopped(job, 3)


def test_signal_through_mpirun():
    with Gate("job.unit", count=2) as gate:
        job = start(2, gate)
        gate.wait(2, job)
        job.kill("mpirun", signal.SIGUSR1)
        gate.wait_signal(2, job)
    check_stopped(job, 2)


def test_each_signal_stops_one_rank_alone():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        with Gate("job.unit", count=2) as gate:
            job = start(0, gate)
            gate.wait(1, job)
            job.kill(0, number)
            gate.wait_signal(1, job)
        check_stopped(job, 1, 3)


def test_second_signal_ends_at_once():
    with Gate("job.unit") as gate:
        job = start(0, gate)
        gate.wait(1, job)
        for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGINT, signal.SIGCONT):
            job.kill(0, number)  # two of them at once are one, passed on twice
        gate.wait_signal(1, job)
        assert job.runs(), job.printed()

        def ended():
            job.kill(0, signal.SIGTERM)
            return not job.runs()
        wait_for(ended, "it goes on")
        job.end(3)


def test_fatal_error_ends_all_ranks():
    for ranks, fatal in ((3, 0), (3, 40), (0, 3)):
        code, out = start(ranks, fatal=fatal).end()
        assert f"chiasm: error: unit {fatal}: the disk is on fire\n" in out and not ends(out), out
        assert code != 0 if ranks else code == 1, out  # whatever it was: units had been begun


run_tests(globals())
