"""kill -9 of rank 0, of another rank or of mpirun at a random moment of a fit, then --resume: the same bytes as of a fit
that nobody disturbed. CHIASM_FAULTS: how often (3); CHIASM_FAULTS_SEED: another sequence of moments."""
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from jobs import COMPLETE, REFUSED, Job, check_same, fit, make_slow_study, status


def disturb(job, victim, moment):
    """Kill once `moment` seconds have gone by; whether there was anything left to kill."""
    time.sleep(max(0, moment - (time.monotonic() - job.start)))
    pid = job.process.pid if victim == "mpirun" else job.pids().get(victim)
    if pid is None or job.process.poll() is not None:
        return False
    os.kill(pid, signal.SIGKILL)
    return True


def main():
    times = int(os.environ.get("CHIASM_FAULTS", "3"))
    chance = random.Random(int(os.environ.get("CHIASM_FAULTS_SEED", "1")))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study, reference, run = make_slow_study(folder), folder / "reference", folder / "run"
        took = fit(study, reference, ranks=3).took
        for i in range(times):
            shutil.rmtree(run, ignore_errors=True)
            kills = []
            options = []
            # Up to three kills of one run; the first ones of the runs are of each kind by turns.
            for j in range(chance.choice((1, 1, 2, 3))):
                victim = ("mpirun", 0, chance.choice((1, 2)))[(i + j) % 3]
                moment = chance.uniform(0.02, 0.95) * took * 0.7 ** j  # less is left each time
                job = Job(study, run, *options, ranks=3)
                hit = disturb(job, victim, moment)
                code = job.wait()
                assert hit == (code != COMPLETE), f"exit code {code} after {victim}: {job.output}"
                assert code != REFUSED, job.output
                kills.append(f"{victim} at {moment:.2f} s" + ("" if hit else " (too late)"))
                options = ["--resume"]
            print(f"{i + 1}/{times}: killed {', '.join(kills)} of {took:.2f} s", flush=True)
            fit(study, run, "--resume", ranks=chance.choice((1, 2, 3)))
            assert status(run) == COMPLETE
            check_same(run, reference)


if __name__ == "__main__":
    sys.exit(main())
