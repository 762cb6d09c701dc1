"""Running chiasm in the tests of its command line."""
import os
import subprocess
import sys
import tempfile
import traceback

from limits import limit

CHIASM = os.environ["CHIASM"]
MPIRUN = os.environ["CHIASM_MPIRUN"].split()


def chiasm(*args, ranks=0, timeout=90, **kwargs):
    """Run it, under mpirun if ranks > 0; gives returncode, stdout, stderr."""
    command = [*(MPIRUN + ["-n", str(ranks)] if ranks else []), CHIASM, *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=limit(timeout), **kwargs)


def errors(result):
    return [line for line in result.stderr.splitlines() if line.startswith("chiasm: error: ")]


def refused(result, *parts, code=2):
    """One line of error that holds these parts, nothing on stdout, and the exit code."""
    lines = errors(result)
    assert result.returncode == code, (result.args, result.returncode, result.stderr)
    assert len(lines) == 1, (result.args, result.stderr)
    assert result.stdout == "", result.stdout
    for part in parts:
        assert part in lines[0], (result.args, part, lines[0])


def succeeded(result, code=0):
    assert result.returncode == code, (result.args, result.returncode, result.stderr)
    assert not errors(result), result.stderr
    return result.stdout


def run_tests(names):
    """Every test_* of a module, each in a folder of its own; the exit code says whether all passed."""
    failed = 0
    home = os.getcwd()
    for name, function in sorted(names.items()):
        if not name.startswith("test_"):
            continue
        with tempfile.TemporaryDirectory(prefix="chiasm-test-") as folder:
            os.chdir(folder)
            try:
                function()
                print("ok", name, flush=True)
            except Exception:
                failed += 1
                print("FAILED", name, flush=True)
                traceback.print_exc()
            os.chdir(home)
    sys.exit(1 if failed else 0)
