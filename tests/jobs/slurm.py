"""A SLURM of one's own (jobs/slurm-local.sh) and jobs in it."""
import math
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from compare_runs import differences
from limits import limit, wait_for
from program import CHIASM, command_line

JOBS = Path(__file__).resolve().parents[2] / "jobs"
CPUS = 24  # that it pretends to have: jobs that only wait hold some
OVER = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL"}
SECONDS = 300  # no job of these tests takes longer on an idle machine


def environment(**more):
    own = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "SBATCH_"))}
    return {**own, "HDF5_USE_FILE_LOCKING": "FALSE", **more}


def shell(*words, env=None, **how):
    """The finished process, stdout and stderr in one."""
    return subprocess.run(list(map(str, words)), env=env or environment(), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=limit(SECONDS), **how)


def chiasm(*words):
    return shell(CHIASM, *words)


class Slurm:
    """with Slurm() as slurm: ...; ends this program with exit code 77 where there can be none."""

    def __init__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="chiasm-jobs.")
        self.folder = Path(self.temporary.name)
        # Ranks that are killed leave their shared memory behind: in a folder that goes in the end.
        self.env = environment(CHIASM_SLURM_DIR=str(self.folder / "slurm"), CHIASM_SLURM_CPUS=str(CPUS),
                               OMPI_MCA_btl_vader_backing_directory=str(self.folder))

    def local(self, what, **more):
        return shell("bash", JOBS / "slurm-local.sh", what, env={**self.env, **more})

    def __enter__(self):
        started = self.local("start")
        if started.returncode == 77:
            print(started.stdout)
            sys.exit(77)
        assert started.returncode == 0, started.stdout
        self.env["SLURM_CONF"] = self.local("env").stdout.split("SLURM_CONF=")[1].strip()
        return self

    def __exit__(self, *_):
        stopped = self.local("stop")
        assert stopped.returncode == 0, stopped.stdout
        self.temporary.cleanup()

    def ask(self, *words, **more):
        done = shell(*words, env={**self.env, **more}, cwd=self.folder)
        assert done.returncode == 0, (words, done.stdout)
        return done.stdout

    def submit(self, *words, options=(), **more):
        """A job of sweep.sbatch on two ranks."""
        out = tempfile.mktemp(prefix="job.", suffix=".out", dir=self.folder)
        printed = self.ask("sbatch", "--parsable", "-n", 2, "--time=30", "-o", out, *options,
                           JOBS / "sweep.sbatch", *words, **more)
        return Job(self, printed.strip(), out)


class Job:
    def __init__(self, slurm, name, out):
        self.slurm, self.name, self.out = slurm, name, Path(out)

    def printed(self):
        return self.out.read_text(errors="replace") if self.out.exists() else ""

    def facts(self):
        return dict(re.findall(r"(\w+)=(\S*)", self.slurm.ask("scontrol", "show", "job", self.name)))

    def starts(self):
        """How many it has begun, by its own word."""
        return len(re.findall(r"^chiasm: start \d+ of job", self.printed(), re.M))

    def wait(self, text):
        wait_for(lambda: text in self.printed(), lambda: f"no {text!r} in\n{self.printed()}", SECONDS)

    def end(self, code, *texts, state=None):
        """Wait for its end. (A requeued job waits some seconds until it begins anew.)"""
        def over():
            facts = self.facts()
            return facts if facts["JobState"] in OVER else None
        facts = wait_for(over, lambda: f"{self.facts()}\n{self.printed()}", SECONDS, every=0.5)
        assert facts["ExitCode"] == f"{code}:0" or facts["JobState"] == state, (facts, self.printed())
        for text in texts:
            assert text in self.printed(), f"no {text!r} in\n{self.printed()}"

    def limit(self, seconds):
        """It may run so long from now, or up to a minute more: limits are whole minutes from its start."""
        hours, minutes, over = map(int, self.facts()["RunTime"].split(":"))
        end = (hours * 60 + minutes) * 60 + over + seconds
        self.slurm.ask("scontrol", "update", f"JobId={self.name}", f"TimeLimit={math.ceil(end / 60)}")

    def signal_batch(self, number="USR1"):
        self.slurm.ask("scancel", f"--signal={number}", "--batch", self.name)


def held(gate, run, job):
    """Process ids of both ranks of a run, once they stand at the gate."""
    def there():
        found = [pid for said, _, pid in gate.told() if said == "at" and str(run).encode() in command_line(pid)]
        return found if len(found) == 2 else None
    pids = wait_for(there, lambda: f"it does not get on\n{job.printed()}", SECONDS)
    assert chiasm("status", run).returncode == 3, job.printed()
    return pids


def check_same(run, reference):
    for name in ("fit.h5", "bootstrap.h5", "sites.h5"):
        lines = differences(Path(reference) / name, Path(run) / name)
        assert not lines, f"{run}/{name} is not that of {reference}:\n" + "\n".join(lines)
