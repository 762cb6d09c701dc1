"""How a sweep's job ends when it is signalled, or when a rank meets a fatal error."""
import os
import signal
import subprocess
import sys
import time
import unittest

JOB = sys.argv.pop(1)
MPIRUN = os.environ["CHIASM_MPIRUN"].split()
STOPPED = 1  # CHI_STOPPED
MANY = 100000  # units: more than are done before a test is given up


class Job:
    """A running sweep_job. `begun` waits until every rank is in a unit, and then knows its process id."""

    def __init__(self, ranks, seconds, units=MANY, fatal=-1, twice=-1, mpirun=True):
        start = MPIRUN + ["-n", str(ranks)] if mpirun else []
        self.ranks = ranks
        self.units = units
        self.process = subprocess.Popen(start + [JOB, *map(str, (units, seconds, fatal, twice))],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.pids = {}
        self.ends = {}

    def begun(self):
        while len(self.pids) < self.ranks:
            word, rank, pid = self.process.stdout.readline().split()
            assert word == "begun"
            self.pids[int(rank)] = int(pid)
        return self

    def wait(self):
        """Exit code and stderr."""
        out, err = self.process.communicate(timeout=60)
        for line in out.splitlines():
            words = line.split()
            if words[:1] == ["end"]:
                self.ends[int(words[1])] = [int(w) for w in words[2:]]
        return self.process.returncode, err


class Ends(unittest.TestCase):
    def check_stopped(self, job):
        _, err = job.wait()
        self.assertEqual(sorted(job.ends), list(range(job.ranks)), err)
        here = 0
        for status, done, left, mine in job.ends.values():
            self.assertEqual(status, STOPPED)
            self.assertEqual(done + left, job.units)
            self.assertGreater(left, 0)
            here += mine
        self.assertEqual(here, next(iter(job.ends.values()))[1])  # what was in flight was finished
        self.assertIn("asked to stop", err)

    def test_signal_to_any_one_rank(self):
        for target in (0, 1, 2):
            job = Job(3, 0.1).begun()
            os.kill(job.pids[target], signal.SIGUSR1)
            self.check_stopped(job)

    def test_signal_through_mpirun(self):
        job = Job(2, 0.1).begun()
        job.process.send_signal(signal.SIGUSR1)
        self.check_stopped(job)

    def test_each_signal_stops_one_rank_alone(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            job = Job(1, 0.1, mpirun=False).begun()
            job.process.send_signal(number)
            self.check_stopped(job)
            self.assertEqual(job.process.returncode, 3)

    def test_a_signal_passed_on_twice_is_one(self):
        job = Job(1, 0.1, twice=2, mpirun=False)
        self.check_stopped(job)
        self.assertEqual(job.process.returncode, 3)

    def test_second_signal_ends_at_once(self):
        job = Job(1, 1000, mpirun=False).begun()
        while job.process.poll() is None:  # those soon after the first count as the first
            job.process.send_signal(signal.SIGTERM)
            time.sleep(0.05)
        code, err = job.wait()
        self.assertEqual(code, 3)
        self.assertEqual(job.ends, {}, err)

    def test_fatal_error_ends_all_ranks(self):
        for ranks, fatal in ((3, 0), (3, 40)):
            job = Job(ranks, 0.02, fatal=fatal)
            code, err = job.wait()
            self.assertNotEqual(code, 0)
            self.assertIn("chiasm: error: unit %d: the disk is on fire\n" % fatal, err)
            self.assertEqual(job.ends, {})

    def test_fatal_error_without_mpirun(self):
        job = Job(1, 0.02, fatal=3, mpirun=False)
        code, err = job.wait()
        self.assertEqual(code, 1)  # whatever it was: units had been begun
        self.assertIn("chiasm: error: unit 3: the disk is on fire\n", err)


if __name__ == "__main__":
    unittest.main()
