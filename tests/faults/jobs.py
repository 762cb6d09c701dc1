"""Jobs of chiasm fit that can be disturbed while they run, and a study that takes some seconds."""
import os
import shlex
import signal
import subprocess
import time
from pathlib import Path

from compare_runs import differences
from study_maker import make_study

CHIASM = os.environ["CHIASM"]
MPIRUN = shlex.split(os.environ["CHIASM_MPIRUN"])
COMPLETE, FAILED, REFUSED, STOPPED = 0, 1, 2, 3


def make_slow_study(folder, n=500, layers=8):
    sizes = {f"layer{i}": 60 + 40 * i for i in range(layers)}
    return make_study(Path(folder) / "study", subjects=("s1", "s2"), alignments=("a", "b"), n=n,
                      electrodes=20, bins=20, models={"netA": sizes, "netB": sizes})


class Job:
    """A running fit. mpirun is in a session of its own, so that nothing outlives close()."""

    def __init__(self, study, run, *options, ranks=2):
        command = [*MPIRUN, "-n", str(ranks), CHIASM, "fit", str(study), "-o", str(run), *map(str, options)]
        self.ranks = ranks
        self.start = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, start_new_session=True)
        self.output = ""

    def pids(self):
        """Rank -> process id, of those that run by now."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                parent = int(folder.joinpath("stat").read_text().rsplit(")", 1)[1].split()[1])
                if parent != self.process.pid:
                    continue
                for entry in folder.joinpath("environ").read_bytes().split(b"\0"):
                    if entry.startswith(b"OMPI_COMM_WORLD_RANK="):
                        found[int(entry.split(b"=")[1])] = int(folder.name)
            except (OSError, IndexError, ValueError):
                continue  # it has ended meanwhile
        return found

    def wait_for_ranks(self):
        while len(pids := self.pids()) < self.ranks and self.process.poll() is None:
            time.sleep(0.01)
        return pids

    def wait(self, timeout=120):
        """The exit code; its seconds are in self.took."""
        try:
            self.output += self.process.communicate(timeout=timeout)[0] or ""
        except subprocess.TimeoutExpired:
            self.close()
            raise AssertionError(f"the job hangs: {self.process.args}") from None
        self.took = time.monotonic() - self.start
        return self.process.returncode

    def close(self):
        for pid in [*self.pids().values(), self.process.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def fit(study, run, *options, ranks=2, code=COMPLETE, timeout=120):
    """A fit that nobody disturbs, which must end with this exit code."""
    job = Job(study, run, *options, ranks=ranks)
    assert job.wait(timeout) == code, f"exit code {job.process.returncode}, expected {code}:\n{job.output}"
    return job


def wait_for_scores(run, job, share=0.15):
    """Wait until a share of the run is written, by what chiasm status says."""
    while job.process.poll() is None:
        end = subprocess.run([CHIASM, "status", str(run)], capture_output=True, text=True)
        for line in end.stdout.splitlines():
            words = line.split()
            if words[:1] == ["models"] and int(words[1]) >= share * (int(words[1]) + int(words[-1])):
                return
        time.sleep(0.05)


def check_same(run, reference):
    lines = differences(Path(reference) / "fit.h5", Path(run) / "fit.h5")
    assert not lines, f"{run} differs from the undisturbed {reference}:\n" + "\n".join(lines)


def status(run):
    return subprocess.run([CHIASM, "status", str(run)], capture_output=True).returncode
