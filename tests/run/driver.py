"""Starting run_driver as a user would start chiasm fit."""
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

DRIVER = sys.argv[1]
MPIRUN = shlex.split(os.environ.get("CHIASM_MPIRUN", "mpirun --oversubscribe --bind-to none"))


def command(ranks, *arguments):
    return ([] if ranks == 1 else MPIRUN + ["-n", str(ranks)]) + [DRIVER, *map(str, arguments)]


def run(ranks, *arguments, timeout=50):
    """(exit code, stdout, stderr) of run_driver."""
    done = subprocess.run(command(ranks, *arguments), capture_output=True, text=True, timeout=timeout)
    return done.returncode, done.stdout, done.stderr


def ok(ranks, *arguments):
    code, out, err = run(ranks, *arguments)
    assert code == 0, f"{arguments}: exit code {code}\n{err}"
    return out + err


def refused(code_wanted, text, ranks, *arguments, timeout=50):
    """It must end with this code and exactly one error line, with `text` in it."""
    code, _, err = run(ranks, *arguments, timeout=timeout)
    lines = [line for line in err.splitlines() if line.startswith("chiasm: error: ")]
    assert code == code_wanted, f"{arguments}: exit code {code}, expected {code_wanted}\n{err}"
    assert len(lines) == 1 and text in lines[0], f"{arguments}: expected one line with '{text}':\n{err}"
    return err


def main(tests):
    for test in tests:
        with tempfile.TemporaryDirectory() as folder:
            test(Path(folder))
        print("passed:", test.__name__)
