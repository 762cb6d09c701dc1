"""Jobs that are told to stop, that stand still for a while, that meet another job, and runs that have changed between a
job and its --resume."""
import os
import signal
import sys
import tempfile
import time
import unittest
from pathlib import Path

import h5py

from jobs import (COMPLETE, REFUSED, STOPPED, Job, check_same, fit, make_slow_study, status,
                  wait_for_scores)

HERE = tempfile.TemporaryDirectory()
FOLDER = Path(HERE.name)
STUDY = make_slow_study(FOLDER)
REFERENCE = FOLDER / "reference"


def stopped_job(run, number=signal.SIGUSR1):
    job = Job(STUDY, run)
    wait_for_scores(run, job)
    job.process.send_signal(number)
    code = job.wait()
    assert code == STOPPED, f"exit code {code}: {job.output}"
    return job


class Stop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        fit(STUDY, REFERENCE)

    def test_signal_to_mpirun(self):
        """SIGUSR1 reaches the ranks: exit code 3, and --resume ends with the same bytes."""
        run = FOLDER / "signal"
        stopped_job(run)
        self.assertEqual(status(run), STOPPED)
        fit(STUDY, run, "--resume")
        self.assertEqual(status(run), COMPLETE)
        check_same(run, REFERENCE)

    def test_rank_stands_still(self):
        for rank in (0, 1):
            run = FOLDER / f"still{rank}"
            job = Job(STUDY, run)
            wait_for_scores(run, job)
            pid = job.wait_for_ranks()[rank]
            os.kill(pid, signal.SIGSTOP)
            time.sleep(3)
            os.kill(pid, signal.SIGCONT)
            self.assertEqual(job.wait(), COMPLETE, job.output)
            check_same(run, REFERENCE)

    def test_two_jobs_at_once(self):
        """The second says who holds the run: at once where it would make it, after 30 s where it would go on with it."""
        run = FOLDER / "two"
        first = Job(STUDY, run)
        wait_for_scores(run, first)
        pids = first.wait_for_ranks().values()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            second = fit(STUDY, run, code=REFUSED)
            self.assertLess(second.took, 20)
            third = fit(STUDY, run, "--resume", code=REFUSED)
            self.assertGreater(third.took, 29)
            lines = [x for x in third.output.splitlines() if x.startswith("chiasm: error:")]
            self.assertEqual(len(lines), 1, third.output)
            self.assertIn("another job is writing this run", lines[0])
            self.assertIn(f"process {first.wait_for_ranks()[0]}", lines[0])
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        self.assertEqual(first.wait(), COMPLETE, first.output)
        check_same(run, REFERENCE)

    def test_study_changed(self):
        run = FOLDER / "changed"
        stopped_job(run)
        path = Path(STUDY) / "features/s2.b/netB.h5"
        with h5py.File(path, "r+") as f:
            old = float(f["layers/layer3"][5, 6])
            f["layers/layer3"][5, 6] = old + 1
        try:
            job = fit(STUDY, run, "--resume", code=REFUSED)
            self.assertIn("the study has changed", job.output)
        finally:
            with h5py.File(path, "r+") as f:
                f["layers/layer3"][5, 6] = old
        fit(STUDY, run, "--resume")
        check_same(run, REFERENCE)

    def test_options_changed(self):
        run = FOLDER / "options"
        stopped_job(run)
        job = fit(STUDY, run, "--resume", "--folds", 4, code=REFUSED)
        self.assertIn("folds is 5 in the run, 4 now", job.output)

    def test_scores_damaged(self):
        """Bytes that have changed in a complete run's scores are named and made again."""
        run = FOLDER / "damaged"
        fit(STUDY, run)
        with h5py.File(run / "fit.h5") as f:
            d = f["a/test_r"]
            places = [d.id.get_offset() + 4 * (i * d.shape[1] * d.shape[2] + 33) for i in (2, 5)]
            names = [f["a/feature_space"].asstr()[i] for i in (2, 5)]
        with open(run / "fit.h5", "r+b") as f:
            for place in places:
                f.seek(place)
                byte = f.read(1)[0]
                f.seek(place)
                f.write(bytes([byte ^ 0x40]))
        job = fit(STUDY, run, "--resume")
        log = job.output + (run / "log.txt").read_text()
        for name in names:
            self.assertIn(name, log)
        check_same(run, REFERENCE)


if __name__ == "__main__":
    unittest.main()
