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


class Job:
    """A running sweep_job; knows its ranks' process ids once every rank has said its own."""

    def __init__(self, ranks, units, seconds, fatal=-1, mpirun=True):
        start = MPIRUN + ["-n", str(ranks)] if mpirun else []
        self.process = subprocess.Popen(start + [JOB, str(units), str(seconds), str(fatal)],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.pids = {}
        self.ends = {}
        while fatal < 0 and len(self.pids) < ranks:
            word, rank, pid = self.process.stdout.readline().split()
            assert word == "pid"
            self.pids[int(rank)] = int(pid)

    def wait(self, timeout=20):
        """Seconds until the end, exit code and stderr."""
        start = time.monotonic()
        out, err = self.process.communicate(timeout=timeout)
        for line in out.splitlines():
            words = line.split()
            if words[:1] == ["end"]:
                self.ends[int(words[1])] = [int(w) for w in words[2:]]
        return time.monotonic() - start, self.process.returncode, err


class Ends(unittest.TestCase):
    def check_stopped(self, job, ranks, units):
        took, _, err = job.wait()
        self.assertLess(took, 3)
        self.assertEqual(sorted(job.ends), list(range(ranks)), err)
        here = 0
        for status, done, left, mine in job.ends.values():
            self.assertEqual(status, STOPPED)
            self.assertEqual(done + left, units)
            self.assertGreater(left, 0)
            here += mine
        self.assertEqual(here, next(iter(job.ends.values()))[1])  # what was in flight was finished
        self.assertIn("asked to stop", err)

    def test_signal_to_any_one_rank(self):
        for target in (0, 1, 2):
            job = Job(3, 300, 0.1)
            time.sleep(0.5)
            os.kill(job.pids[target], signal.SIGUSR1)
            self.check_stopped(job, 3, 300)

    def test_signal_through_mpirun(self):
        job = Job(2, 300, 0.1)
        time.sleep(0.5)
        job.process.send_signal(signal.SIGUSR1)
        self.check_stopped(job, 2, 300)

    def test_each_signal_stops_one_rank_alone(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            job = Job(1, 300, 0.1, mpirun=False)
            time.sleep(0.3)
            job.process.send_signal(number)
            self.check_stopped(job, 1, 300)
            self.assertEqual(job.process.returncode, 3)

    def test_second_signal_ends_at_once(self):
        job = Job(1, 10, 30, mpirun=False)
        time.sleep(0.3)
        begin = time.monotonic()
        job.process.send_signal(signal.SIGTERM)
        time.sleep(0.05)
        if time.monotonic() - begin < 0.2:  # this process was not kept waiting itself
            job.process.send_signal(signal.SIGTERM)  # the same one, passed on twice
        time.sleep(0.4)
        self.assertIsNone(job.process.poll())
        job.process.send_signal(signal.SIGTERM)
        took, code, _ = job.wait()
        self.assertEqual(code, 3)
        self.assertLess(took, 2)

    def test_fatal_error_ends_all_ranks(self):
        for ranks, fatal in ((3, 0), (3, 40)):
            job = Job(ranks, 10000, 0.02, fatal)
            took, code, err = job.wait()
            self.assertLess(took, 5)
            self.assertNotEqual(code, 0)
            self.assertIn("chiasm: error: unit %d: the disk is on fire\n" % fatal, err)
            self.assertEqual(job.ends, {})

    def test_fatal_error_without_mpirun(self):
        job = Job(1, 100, 0.02, 3, mpirun=False)
        took, code, err = job.wait()
        self.assertLess(took, 5)
        self.assertEqual(code, 1)  # whatever it was: units had been begun
        self.assertIn("chiasm: error: unit 3: the disk is on fire\n", err)


if __name__ == "__main__":
    unittest.main()
