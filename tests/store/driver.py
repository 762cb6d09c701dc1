"""Starting run_driver as a user would start chiasm fit."""
import sys
import tempfile
from pathlib import Path

from program import Job, chiasm, errors

DRIVER = sys.argv[1]


def mpi(ranks):
    return 0 if ranks == 1 else ranks


def run(ranks, *arguments):
    """The finished run_driver."""
    return chiasm(*arguments, ranks=mpi(ranks), program=DRIVER)


def start(ranks, *arguments, **how):
    """A Job of it."""
    return Job(*arguments, ranks=mpi(ranks), program=DRIVER, **how)


def ok(ranks, *arguments):
    done = run(ranks, *arguments)
    assert done.returncode == 0, f"{arguments}: exit code {done.returncode}\n{done.stderr}"
    return done.stdout + done.stderr


def refused(code, text, ranks, *arguments):
    """It must end with this code and exactly one line of error, with `text` in it."""
    done = run(ranks, *arguments)
    lines = errors(done)
    assert done.returncode == code, f"{arguments}: exit code {done.returncode}, expected {code}\n{done.stderr}"
    assert len(lines) == 1 and text in lines[0], f"{arguments}: expected one line with '{text}':\n{done.stderr}"


def main(tests):
    for test in tests:
        with tempfile.TemporaryDirectory() as folder:
            test(Path(folder))
        print("passed:", test.__name__)
