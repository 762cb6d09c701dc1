"""Tests that run side by side, since most of them wait for SLURM."""
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

from jobs.slurm import Slurm, shell
from program import CHIASM, MPIRUN

OPTIONS = ("--uncertainty", "both", "--replicates", 100)


class Case:
    """What tests share: a SLURM, a study, and a run of it that nothing happened to."""

    def __init__(self, slurm):
        self.slurm = slurm
        self.folder = slurm.folder
        self.study = self.folder / "a study"  # the space is meant
        self.reference = self.folder / "undisturbed"
        made = shell(CHIASM, "simulate", self.study, "--subjects", 1, "--electrodes", 6, "--events", 200, "--bins", 11,
                     "--layers", 2, "--features", 24, "--alignments", "language")
        assert made.returncode == 0, made.stdout
        ran = shell(*MPIRUN, "-n", 2, CHIASM, "run", self.study, "-o", self.reference, *OPTIONS)
        assert ran.returncode == 0, ran.stdout


def run_tests(tests):
    """All of them at once, or those named on the line; ends the program."""
    wanted = [t for t in tests if len(sys.argv) < 2 or t.__name__ in sys.argv[1:]]
    failed = []

    def run(test):
        begin = time.monotonic()
        try:
            test(case)
            print(f"ok      {test.__name__} ({time.monotonic() - begin:.0f} s)", flush=True)
        except Exception:  # noqa: the others go on
            failed.append(test.__name__)
            print(f"FAILED  {test.__name__}\n{traceback.format_exc()}", flush=True)

    with Slurm() as slurm:
        case = Case(slurm)
        with ThreadPoolExecutor(len(wanted)) as pool:
            list(pool.map(run, wanted))
    sys.exit(1 if failed else 0)
